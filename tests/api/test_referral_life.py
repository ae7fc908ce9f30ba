"""A referral's life over HTTP: nobody takes it where its table does not lead. docs/referral.md"""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from random import Random
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.referral import codes as c
from app.referral.judge import state
from app.referral.table import TABLES, Party, final
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, ledger, set_scene
from tests.world import Member, World

REASON = {"coding": [{"system": c.STATUS_REASON, "code": "family-declined"}], "text": "They found another clinic"}
ASKED = {"coding": [{"system": c.BUSINESS_STATUS, "code": c.CANCELLATION_REQUESTED}]}
RELEASED = ("Patient", "ServiceRequest")


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district, and a clinic that a release lets see the referral."""
    return await set_scene(world, *RELEASED)


async def sent(scene: Scene, **more: Any) -> dict[str, Any]:
    """A Task that the clinic owns, of an active referral."""
    task = build.task(scene.student, scene.records["ServiceRequest"], scene.district.reference, scene.clinic.reference)
    return await scene.district.create({**task, **more})


async def move(member: Member, task: dict[str, Any], **more: Any) -> httpx.Response:
    """Write the Task as it stands with these elements, None taking one away."""
    current = (await member.get(f"/Task/{task['id']}")).json()
    return await member.put(f"/Task/{task['id']}", {k: v for k, v in {**current, **more}.items() if v is not None})


async def taken(scene: Scene) -> dict[str, Any]:
    """A Task that the clinic has accepted."""
    task = await sent(scene)
    assert (await move(scene.clinic, task, status="accepted")).status_code == 200
    return task


async def test_a_referral_goes_its_way_and_its_history_tells_when_and_by_whom(scene: Scene) -> None:
    task = await taken(scene)
    period = {"start": "2026-10-01T09:00:00-05:00"}
    scheduled = {"coding": [{"system": c.BUSINESS_STATUS, "code": c.SCHEDULED}]}
    steps: list[dict[str, Any]] = [
        {"businessStatus": scheduled, "executionPeriod": period},
        {"businessStatus": {"coding": [{"system": c.BUSINESS_STATUS, "code": c.UNATTENDED}]}},
        {"businessStatus": scheduled},
        {"status": "in-progress"},
        {"status": "completed", "output": [{"type": {"text": "result"}, "valueString": "Three sessions"}]},
    ]
    for step in steps:
        response = await move(scene.clinic, task, **step)
        assert response.status_code == 200, response.text
    page = (await scene.district.get(f"/Task/{task['id']}/_history")).json()
    versions = [e["resource"] for e in reversed(page["entry"])]
    assert [v["status"] for v in versions][-2:] == ["in-progress", "completed"]
    writers = [v["meta"]["source"] for v in versions]
    assert writers == [scene.district.reference["reference"], *[scene.clinic.reference["reference"]] * 6]
    times = [v["meta"]["lastUpdated"] for v in versions]
    assert times == sorted(set(times))


async def test_the_author_of_a_version_is_the_servers_to_say(scene: Scene) -> None:
    task = await sent(scene, meta={"source": "urn:somebody"})
    assert task["meta"]["source"] == scene.district.reference["reference"]
    same = await scene.district.put(f"/Task/{task['id']}", {**task, "meta": {"source": "urn:somebody"}})
    assert same.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("way", ["put", "json-patch", "fhirpath-patch", "merge-patch", "batch", "transaction"])
async def test_no_way_to_write_leaves_a_final_state(scene: Scene, way: str) -> None:
    task = await sent(scene)
    assert (await move(scene.district, task, status="cancelled", statusReason=REASON)).status_code == 200
    for member in (scene.clinic, scene.district):
        response = await by(way, member, {**task, "status": "accepted"})
        assert response == (409, "final"), way
    assert (await scene.district.get(f"/Task/{task['id']}")).json()["status"] == "cancelled"


async def by(way: str, member: Member, task: dict[str, Any]) -> tuple[int, str]:
    """Set a Task's status in one way; the status of the answer, and whether it says that it is final."""
    path, status = f"/Task/{task['id']}", task["status"]
    kinds = {"json-patch": "application/json-patch+json", "merge-patch": "application/merge-patch+json"}
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Task.status"},
        {"name": "value", "valueCode": status},
    ]
    bodies: dict[str, Any] = {
        "json-patch": [{"op": "replace", "path": "/status", "value": status}],
        "fhirpath-patch": {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]},
        "merge-patch": {"status": status},
    }
    if way == "put":
        response = await member.put(path, task)
    elif way in bodies:
        headers = {"Content-Type": kinds.get(way, "application/fhir+json")}
        response = await member._send("PATCH", path, content=json.dumps(bodies[way]), headers=headers)
    else:
        entry = {"resource": task, "request": {"method": "PUT", "url": path[1:]}}
        response = await member.post("", {"resourceType": "Bundle", "type": way, "entry": [entry]})
        if way == "batch":
            answer = response.json()["entry"][0]["response"]
            return int(answer["status"][:3]), "final" if "final" in answer["outcome"]["issue"][0]["details"][
                "text"
            ] else ""
    return response.status_code, "final" if "final" in response.text else ""


async def test_an_upsert_and_a_conditional_patch_leave_no_final_state(scene: Scene) -> None:
    name = {"system": "urn:test:task", "value": "T-1"}
    task = await sent(scene, identifier=[name])
    assert (await move(scene.district, task, status="entered-in-error")).status_code == 200
    condition = "/Task?identifier=urn:test:task|T-1"
    refused(await scene.district.put(condition, {k: v for k, v in task.items() if k != "id"}), 409, "business-rule")
    body = json.dumps([{"op": "replace", "path": "/status", "value": "draft"}])
    headers = {"Content-Type": "application/json-patch+json"}
    response = await scene.district._send("PATCH", condition, content=body, headers=headers)
    refused(response, 409, "business-rule")


async def test_what_was_deleted_comes_back_no_other_than_it_was(scene: Scene) -> None:
    task = await sent(scene)
    assert (await move(scene.district, task, status="cancelled", statusReason=REASON)).status_code == 200
    assert (await scene.district.delete(f"/Task/{task['id']}")).status_code == 204
    refused(await scene.district.put(f"/Task/{task['id']}", task), 409, "business-rule")


async def test_a_new_task_is_a_draft_or_requested_unless_its_owner_is_ones_own(scene: Scene) -> None:
    referral, district = scene.records["ServiceRequest"], scene.district
    done = build.task(scene.student, referral, district.reference, scene.clinic.reference, status="completed")
    response = await district.post("/Task", {**done, "statusReason": REASON})
    refused(response, 422, "business-rule")
    assert "draft, requested" in response.text
    past = await district.create({**done, "owner": district.reference, "statusReason": REASON})
    assert past["status"] == "completed"


async def test_the_requester_asks_to_cancel_and_the_owner_confirms(scene: Scene) -> None:
    task = await taken(scene)
    refused(await move(scene.district, task, status="cancelled", statusReason=REASON), 409, "business-rule")
    assert (await move(scene.district, task, businessStatus=ASKED, statusReason=REASON)).status_code == 200
    refused(await move(scene.clinic, task, status="in-progress"), 409, "business-rule")
    done = {"coding": [{"system": c.BUSINESS_STATUS, "code": c.CANCELED}]}
    assert (await move(scene.clinic, task, status="cancelled", businessStatus=done)).status_code == 200


async def test_once_the_release_has_ended_the_requester_cancels_alone(world: World) -> None:
    scene = await set_scene(world)
    release = await scene.release(*RELEASED)
    task = await taken(scene)
    refused(await move(scene.district, task, status="cancelled", statusReason=REASON), 409, "business-rule")
    await scene.district.save({**release, "status": "inactive"})
    assert (await scene.clinic.get(f"/Task/{task['id']}")).status_code == 404
    assert (await move(scene.district, task, status="cancelled", statusReason=REASON)).status_code == 200


async def test_nobody_takes_up_what_the_school_has_revoked(world: World) -> None:
    scene = await set_scene(world, *RELEASED)
    task = await sent(scene)
    referral = await scene.district.save({**scene.records["ServiceRequest"], "status": "revoked"})
    before = len(await ledger(world, scene.clinic))
    response = await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": "accepted"})
    refused(response, 409, "business-rule")
    told = (await ledger(world, scene.clinic))[before:]
    assert str(referral["id"]) in {str(row[1]) for row in told}, "that it is revoked was told, off the ledger"
    refused(
        await scene.district.put(f"/ServiceRequest/{referral['id']}", {**referral, "status": "active"}),
        409,
        "business-rule",
    )


async def test_of_two_that_claim_an_open_referral_at_once_one_gets_it(world: World) -> None:
    scene = await set_scene(world, *RELEASED, "Task")
    second = await world.member("Second clinic")
    await world.agree(scene.district, second)
    mother = scene.records["RelatedPerson"]
    await scene.district.create(
        build.consent(scene.student, mother, scene.district.reference, second.reference, classes=(*RELEASED, "Task"))
    )
    open_task = build.task(scene.student, scene.records["ServiceRequest"], scene.district.reference, {})
    del open_task["owner"]
    for _ in range(4):
        task = await scene.district.create(open_task)
        claims = [
            member.put(f"/Task/{task['id']}", {**task, "status": "accepted", "owner": member.reference})
            for member in (scene.clinic, second)
        ]
        answers = await asyncio.gather(*claims)
        assert sorted(a.status_code for a in answers) == [200, 403]
        winner = next(a for a in answers if a.status_code == 200).json()["owner"]
        held = (await scene.district.get(f"/Task/{task['id']}")).json()
        assert (held["status"], held["owner"], held["meta"]["versionId"]) == ("accepted", winner, "2")


async def test_an_open_referral_is_taken_up_for_oneself_whole_and_by_who_sees_it(world: World) -> None:
    scene = await set_scene(world, *RELEASED, "Task")
    open_task = build.task(scene.student, scene.records["ServiceRequest"], scene.district.reference, {})
    del open_task["owner"]
    task = await scene.district.create(open_task)
    path = f"/Task/{task['id']}"
    refused(await scene.clinic.put(path, {**task, "status": "accepted"}), 403, "forbidden")
    refused(
        await scene.clinic.put(path, {**task, "owner": scene.stranger.reference, "status": "accepted"}),
        403,
        "forbidden",
    )
    claim = {**task, "owner": scene.clinic.reference}
    refused(await scene.clinic.put(path, {**claim, "status": "accepted", "priority": "asap"}), 403, "forbidden")
    refused(await scene.clinic.put(path, {**claim, "status": "rejected", "statusReason": REASON}), 409, "business-rule")
    refused(
        await scene.stranger.put(path, {**task, "owner": scene.stranger.reference, "status": "accepted"}),
        404,
        "not-found",
    )
    assert (await scene.clinic.put(path, {**claim, "status": "accepted"})).status_code == 200
    assert (await move(scene.clinic, task, status="in-progress")).status_code == 200


async def test_a_referral_goes_on_with_a_new_task_that_names_the_old_one(scene: Scene) -> None:
    first = await sent(scene)
    assert (await move(scene.clinic, first, status="rejected", statusReason=REASON)).status_code == 200
    again = await sent(scene, partOf=[build.ref(first)])
    assert await scene.district.ids(f"/Task?part-of=Task/{first['id']}") == [again["id"]]


async def test_no_sequence_of_calls_by_any_party_goes_where_the_tables_do_not_lead(world: World) -> None:
    """Whoever writes whatever in whatever way: each version follows from the one before by a row of its table."""
    scene = await set_scene(world, *RELEASED, "Task")
    other = await world.member("Second clinic")
    await world.agree(scene.district, other)
    to_other = (scene.records["RelatedPerson"], scene.district.reference, other.reference)
    await scene.district.create(build.consent(scene.student, *to_other, classes=(*RELEASED, "Task")))
    dice, everybody = Random(17), [scene.district, scene.clinic, other, scene.stranger]
    refusals = set[int]()
    for n in range(6):
        referral = await scene.district.create(build.referral(scene.student))
        task = build.task(scene.student, referral, scene.district.reference, scene.clinic.reference)
        task = await scene.district.create({k: v for k, v in task.items() if n % 2 or k != "owner"})  # or open to claim
        for _ in range(25):
            about = task if dice.random() < 0.85 else referral
            refusals.add(await at_random(dice, dice.choice(everybody), scene.district, about))
        for one in (task, referral):
            page = (await scene.district.get(f"/{one['resourceType']}/{one['id']}/_history?_count=100")).json()
            for before, after in pairwise([e["resource"] for e in reversed(page["entry"])]):
                follows(before, after, scene.district)
    assert refusals >= {200, 404, 409, 422}, "the dice tried too little"


async def at_random(dice: Random, member: Member, reader: Member, about: dict[str, Any]) -> int:
    """A member writes something of a Task or a referral in some way; the status of the answer."""
    kind = about["resourceType"]
    more: dict[str, Any] = {"status": dice.choice(sorted({t.after for t in TABLES[kind]} - {"cancellation-requested"}))}
    if kind == "Task":
        more |= {"statusReason": dice.choice([REASON, None]), "businessStatus": dice.choice([None, None, ASKED])}
        more |= dice.choice([{}, {}, {"owner": member.reference}])
    path = f"/{kind}/{about['id']}"
    current = (await reader.get(path)).json()
    whole = {k: v for k, v in {**current, **more}.items() if v is not None}
    way = dice.choice(["put", "merge-patch", "transaction"])
    if way == "put":
        response = await member.put(path, whole)
    elif way == "merge-patch":
        headers = {"Content-Type": "application/merge-patch+json"}
        response = await member._send("PATCH", path, content=json.dumps(more), headers=headers)
    else:
        entry = {"resource": whole, "request": {"method": "PUT", "url": path[1:]}}
        response = await member.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert response.status_code in (200, 403, 404, 409, 422), response.text
    return response.status_code


def follows(before: dict[str, Any], after: dict[str, Any], requester: Member) -> None:
    """The one version may follow the other, by who wrote it."""
    table, by = TABLES[before["resourceType"]], after["meta"]["source"]
    was, becomes = (state(before["resourceType"], v) for v in (before, after))
    owner = before.get("owner", {}).get("reference")
    parties = {Party.REQUESTER} if by == requester.reference["reference"] else set[Party]()
    parties |= {Party.OWNER} if by == owner else set()
    parties |= {Party.CLAIMANT} if owner is None and by == after.get("owner", {}).get("reference") else set()
    assert parties, "nobody else writes"
    assert was == becomes or any(t.before == was and t.after == becomes and parties & t.by for t in table)
    assert was not in final(table) or before["status"] == after["status"]
