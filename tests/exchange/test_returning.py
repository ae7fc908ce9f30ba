"""What left under a release that was filed wrongly is asked back, and who received it says what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.referral.returns import STATUS_REASON
from app.resources.task import RETURN, TASK_CODE
from tests.scene import Scene, set_scene
from tests.world import Member, World, open_world

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A release that was filed wrongly; the clinic has read an Encounter under it by now."""
    found = await set_scene(world, "ServiceRequest")
    found.records["Release"] = await found.release("Encounter")
    assert (await found.clinic.get(f"/Encounter/{found.records['Encounter']['id']}")).status_code == 200
    return found


def request(scene: Scene, owner: Member, **more: Any) -> Json:
    """A request about the release that was filed wrongly."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": RETURN}]},
        "focus": {"reference": f"Consent/{scene.records['Release']['id']}"},
        "for": {"reference": f"Patient/{scene.student['id']}"},
        "requester": scene.district.reference,
        "owner": owner.reference,
        **more,
    }


def said(code: str, **more: Any) -> Json:
    """What became of it."""
    return {"coding": [{"system": STATUS_REASON, "code": code}], **more}


async def end(scene: Scene) -> None:
    """The release ends, as one that was filed wrongly."""
    await scene.district.save({**scene.records["Release"], "status": "entered-in-error"})


async def test_who_received_sees_the_request_without_a_release_and_says_what_became_of_it(scene: Scene) -> None:
    await end(scene)
    task = await scene.district.create(request(scene, scene.clinic))
    path = f"/Task/{task['id']}"
    assert (await scene.clinic.get(f"/Encounter/{scene.records['Encounter']['id']}")).status_code == 404
    assert await scene.clinic.ids(f"/Task?code={TASK_CODE}|{RETURN}") == [task["id"]]
    assert (await scene.stranger.get(path)).status_code == 404
    accepted = await scene.clinic.save({**task, "status": "accepted"})
    silent = await scene.clinic.put(path, {**accepted, "status": "completed"})
    assert (silent.status_code, silent.json()["issue"][0]["expression"]) == (422, ["Task.statusReason"])
    await scene.clinic.save({**accepted, "status": "completed", "statusReason": said("destroyed", text="Shredded")})
    told = (await scene.district.get(path)).json()
    assert (told["status"], told["statusReason"]["coding"][0]["code"]) == ("completed", "destroyed")
    reopened = await scene.clinic.put(path, {**told, "status": "accepted"})
    assert reopened.status_code == 409


async def test_nobody_is_asked_who_received_nothing_and_of_a_release_that_stands(scene: Scene) -> None:
    standing = await scene.district.post("/Task", request(scene, scene.clinic))
    await end(scene)
    unasked = await scene.district.post("/Task", request(scene, scene.stranger))
    other = request(scene, scene.clinic, focus={"reference": f"Consent/{scene.records['Consent']['id']}"})
    unread = await scene.district.post("/Task", other)
    found = [(r.status_code, r.json()["issue"][0]["expression"]) for r in (standing, unasked, unread)]
    assert found == [(422, ["Task.focus"]), (422, ["Task.owner"]), (422, ["Task.focus"])]
    draft = await scene.district.create(request(scene, scene.stranger, status="draft"))
    assert (await scene.stranger.get(f"/Task/{draft['id']}")).status_code == 404
    assert (await scene.district.put(f"/Task/{draft['id']}", {**draft, "status": "requested"})).status_code == 422


@pytest.mark.parametrize(
    "words",
    [
        {"description": "She sees a counselor"},
        {"note": [{"text": "She sees a counselor"}]},
        {"code": {"coding": [{"system": TASK_CODE, "code": RETURN, "display": "Counseling"}]}},
        {"focus": {"display": "Counseling"}},
        {"meta": {"tag": [{"system": "urn:x", "code": "x", "display": "Counseling"}]}},
        {"input": [{"type": {"text": "x"}, "valueString": "Counseling"}]},
        {"extension": [{"url": "urn:x", "valueString": "Counseling"}]},
        {"reasonCode": {"text": "Counseling"}},
    ],
    ids=lambda w: next(iter(w)),
)
async def test_a_request_holds_no_words_about_the_student(scene: Scene, words: Json) -> None:
    await end(scene)
    asked = request(scene, scene.clinic)
    more = {k: {**asked[k], **v} if k == "focus" else v for k, v in words.items()}
    refused = await scene.district.post("/Task", {**asked, **more})
    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (422, [f"Task.{next(iter(words))}"])


async def test_no_other_task_becomes_a_request_and_what_it_asks_stands(scene: Scene) -> None:
    await end(scene)
    other = scene.records["Task"]
    turned = await scene.district.put(f"/Task/{other['id']}", {**other, "code": request(scene, scene.clinic)["code"]})
    task = await scene.district.create(request(scene, scene.clinic))
    moved = await scene.district.put(f"/Task/{task['id']}", {**task, "owner": scene.stranger.reference})
    taken = await scene.district.put(f"/Task/{task['id']}", {**task, "status": "completed"})
    assert [r.status_code for r in (turned, moved, taken)] == [409, 409, 409]
