"""A person at the custodian confirms a release of which something lapsed and is back. docs/rule.md, 'Who may sign'"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.consent.codes import CONFIRMED_BY
from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, set_scene
from tests.world import Member, World, open_world

Json = dict[str, Any]
BY = {"resourceType": "Parameters", "parameter": [{"name": "by", "valueString": "R. Ortiz, registrar"}]}
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> Any:
    """The application."""
    async with open_world(db) as found:
        yield found


async def lapsed(world: World) -> tuple[Scene, Json]:
    """A release of visits whose signer lost authority and has it again."""
    scene = await set_scene(world)
    release = await scene.release("Encounter")
    assert await sees(scene)
    for active in (False, True):
        mother = {**build.guardian(scene.student, active=active), "id": scene.records["RelatedPerson"]["id"]}
        await scene.district.save(mother)
        assert not await sees(scene)
    return scene, release


async def sees(scene: Scene) -> bool:
    """Whether the clinic reads the visit, and finds it."""
    visit = scene.records["Encounter"]["id"]
    total = (await scene.clinic.get(f"/Encounter?_id={visit}")).json()["total"]
    assert (await scene.clinic.get(f"/Encounter/{visit}")).status_code == (200 if total else 404)
    return bool(total)


async def confirm(member: Member, release: Json, sent: Json = BY, **headers: str) -> Any:
    """The answer to a confirmation."""
    return await member.post(f"/Consent/{release['id']}/$confirm", sent, headers=headers)


async def test_a_confirmed_release_opens_again_and_says_who_confirmed_it(world: World) -> None:
    """The recipient gets the new version with it; the custodian is told since when it has effect."""
    scene, release = await lapsed(world)
    confirmed = await confirm(scene.district, release)
    assert (confirmed.status_code, confirmed.headers["ETag"]) == (200, 'W/"2"')
    assert await sees(scene)
    (one,) = (await scene.clinic.get(f"/Consent/{release['id']}")).json()["verification"]
    at = one.pop("verificationDate")[:23]
    assert release["meta"]["lastUpdated"] < at <= confirmed.json()["meta"]["lastUpdated"]
    by = [{"url": CONFIRMED_BY, "valueString": "R. Ortiz, registrar"}]
    assert one == {"verified": True, "extension": by}
    status = await scene.district.get(f"/Patient/{scene.student['id']}/$consent-status")
    (told,) = [p["part"] for p in status.json()["parameter"] if f"{release['id']}/_history/2" in str(p)]
    values = {p["name"]: p for p in told}
    assert values["effective"]["valueBoolean"] is True
    assert values["since"]["valueInstant"][:23] == at


async def test_who_does_not_hold_a_release_does_not_confirm_it(world: World) -> None:
    """Its recipient, and one to whom it is as if it did not exist."""
    scene, release = await lapsed(world)
    for other in (scene.clinic, scene.stranger):
        hidden = await confirm(other, release)
        refused(hidden, 404, "not-found")
        assert hidden.content == (await confirm(other, {"id": ABSENT})).content
    assert not await sees(scene)


async def test_nothing_else_confirms_a_release(world: World) -> None:
    """No new Consent, update or patch that says so itself; and a copy of one that was confirmed is none."""
    scene, release = await lapsed(world)
    confirmed = (await confirm(scene.district, release)).json()
    mark = {"verification": confirmed["verification"]}
    new = {k: v for k, v in release.items() if k not in ("id", "meta")}
    for status in ("active", "draft"):
        answer = await scene.district.post("/Consent", {**new, **mark, "status": status, "dateTime": "2026-09-20"})
        refused(answer, 409, "business-rule", "Consent.verification")
        for dated in ({}, {"verificationDate": "2026"}):
            bare = {**{k: v for k, v in mark["verification"][0].items() if k != "verificationDate"}, **dated}
            forged = {**new, "verification": [bare], "status": status, "dateTime": "2026-09-20"}
            refused(await scene.district.post("/Consent", forged), 409, "business-rule", "Consent.verification")
    more = {**confirmed, "verification": [*mark["verification"], {**mark["verification"][0], "verified": False}]}
    refused(await scene.district.put(f"/Consent/{release['id']}", more), 409, "business-rule", "Consent.verification")


async def test_a_push_that_does_not_know_of_a_confirmation_changes_nothing(world: World) -> None:
    """What a source system sends each night; and a nearer end that it sends keeps the confirmation."""
    scene, release = await lapsed(world)
    await confirm(scene.district, release)
    again = await scene.district.put(f"/Consent/{release['id']}", release)
    assert (again.status_code, again.headers["ETag"]) == (200, 'W/"2"')
    sooner = {**release, "provision": {**release["provision"], "period": {"start": "2026-09-15", "end": "2027-01-31"}}}
    ended = await scene.district.put(f"/Consent/{release['id']}", sooner)
    assert (ended.status_code, ended.headers["ETag"]) == (200, 'W/"3"')
    assert await sees(scene)


async def test_what_did_not_lapse_stays_as_it_is_and_what_ended_is_not_confirmed(world: World) -> None:
    """The first is no fault, so that a lost answer can be asked for again."""
    scene = await set_scene(world)
    release = await scene.release("Encounter")
    for _ in range(2):
        answer = await confirm(scene.district, release)
        assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"1"')
    refused(await confirm(scene.district, release, **{"If-Match": 'W/"7"'}), 412, "conflict")
    for sent in ({}, {"parameter": [{"name": "by", "valueString": " "}]}):
        answer = await confirm(scene.district, release, {"resourceType": "Parameters", **sent})
        refused(answer, 422, "required", "Parameters.parameter")
    await scene.district.save({**release, "status": "inactive"})
    refused(await confirm(scene.district, release), 409, "business-rule", "Consent.status")
