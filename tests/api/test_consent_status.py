"""Patient/[id]/$consent-status: how releases stand, what changes soon, and where two are equal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.api.test_received import told
from tests.scene import Scene, set_scene
from tests.world import World, open_world

Json = dict[str, Any]
SOON = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> Any:
    """The application."""
    async with open_world(db) as found:
        yield found


async def status(scene: Scene) -> Json:
    """What the custodian is told."""
    response = await scene.district.get(f"/Patient/{scene.student['id']}/$consent-status")
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


def parts(parameter: Json, name: str) -> list[Json]:
    """The parts of a name."""
    return [p for p in parameter["part"] if p["name"] == name]


async def test_each_release_is_told_with_what_it_opens_and_until_when(world: World) -> None:
    scene = await set_scene(world)
    release = await scene.release("Encounter", "ServiceRequest")
    found = (await status(scene))["parameter"]
    (own,) = [
        r for r in found if parts(r, "consent")[0]["valueReference"]["reference"].startswith(f"Consent/{release['id']}")
    ]
    assert parts(own, "effective")[0]["valueBoolean"] is True
    assert parts(own, "until")[0]["valueInstant"].startswith("2027-07-01")
    (recipient,) = parts(own, "recipient")
    opens = [
        {x["name"]: x.get("valueCode", x.get("valueInteger")) for x in o["part"]} for o in parts(recipient, "opens")
    ]
    assert opens == [{"type": "Encounter", "count": 1}, {"type": "ServiceRequest", "count": 1}]
    for other in (scene.clinic, scene.stranger):
        assert (await other.get(f"/Patient/{scene.student['id']}/$consent-status")).status_code == 404


async def test_what_ends_in_the_next_days_is_told_with_what_it_closes(world: World) -> None:
    scene = await set_scene(world)
    period = {"period": {"start": "2026-09-15", "end": SOON}}
    release = await scene.release("Encounter", provision=period)
    (change,) = told(await status(scene), "change")
    assert change["why"].startswith(("a provision of", f"Consent/{release['id']}"))
    assert change["organization"] == scene.clinic.reference
    assert [x.get("valueCode") or x.get("valueInteger") for x in change["closes"]] == ["Encounter", 1]


async def test_two_releases_that_open_the_same_are_told_and_then_no_end_changes_anything(world: World) -> None:
    scene = await set_scene(world)
    await scene.release("Encounter", provision={"period": {"start": "2026-09-15", "end": SOON}})
    other = await scene.release("Encounter")
    found = await status(scene)
    also = [x for r in found["parameter"] for o in parts(r, "recipient") for x in parts(o, "alsoOpenedBy")]
    assert [x["part"][1]["valueInteger"] for x in also] == [1, 1]
    assert {x["part"][0]["valueReference"]["reference"] for x in also} >= {f"Consent/{other['id']}"}
    assert told(found, "change") == []


async def test_a_release_without_effect_says_why(world: World) -> None:
    scene = await set_scene(world, "Encounter")
    mother = scene.records["RelatedPerson"]
    await scene.district.save({**mother, "active": False})
    found = [r for r in told(await status(scene), "release") if not r["effective"]]
    assert {r["why"] for r in found} == {"its signer has no parental or guardian authority"}


async def test_the_birthday_on_which_a_parents_signature_ends_is_told(world: World) -> None:
    scene = await set_scene(world)
    born = datetime.now(UTC).date() + timedelta(days=12)
    try:
        day = born.replace(year=born.year - 18)
    except ValueError:
        day = born.replace(year=born.year - 18, day=28)
    await scene.district.save({**scene.student, "birthDate": day.isoformat()})
    await scene.release("Encounter")
    (change,) = told(await status(scene), "change")
    assert change["why"] == "the student turns 18"
    assert build.ref(scene.student)["reference"]
