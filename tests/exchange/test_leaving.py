"""A member that leaves gets in no more and shows nothing more; its records and the ledger stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from app.db.engine import Database, owner_transaction
from app.errors import HallpassError
from app.exchange import leaving
from app.exchange.leaving import leave, survey
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, ledger, set_scene
from tests.world import EVERYTHING, World, open_world


@pytest_asyncio.fixture
async def world(db: Database) -> AsyncIterator[World]:
    """A server where no agreement is asked for: what ends has to end by itself."""
    async with open_world(db, require_agreement=False) as found:
        yield found


async def left(scene: Scene, member: str) -> None:
    await leave(scene.world.operator, getattr(scene, member).organization)


async def test_a_district_that_leaves_shows_its_records_to_nobody_and_gets_in_no_more(world: World) -> None:
    scene = await set_scene(world, "Encounter")
    encounter = f"/Encounter/{scene.records['Encounter']['id']}"
    assert (await scene.clinic.get(encounter)).status_code == 200
    given = await ledger(world, scene.clinic)
    await left(scene, "district")
    refused(await scene.clinic.get(encounter), 404, "not-found")
    refused(await scene.district.get(encounter), 401, "login")
    assert (await scene.stranger.get("/Patient")).status_code == 200
    assert await ledger(world, scene.clinic) == given
    directory = (await scene.clinic.get(f"/Organization/{scene.district.organization}")).json()
    assert directory["active"] is False


async def test_its_parts_leave_with_it_and_their_records_stay_in_their_custody(world: World) -> None:
    scene = await set_scene(world)
    school = await world.operator.add_organization("School", part_of=scene.district.organization)
    member = await world.client_of(school, scopes=EVERYTHING, purposes=("TREAT",))
    await member.create(build.patient(f"S-{uuid4().hex}"))
    await left(scene, "district")
    refused(await member.get("/Patient"), 401, "login")
    async with owner_transaction(world.db.owner) as connection:
        found = await survey(connection, scene.district.organization)
    assert (found.clients, found.ending) == ((), ())
    assert dict(found.kept)["Patient"] == 2
    assert (await leave(world.operator, scene.district.organization)).ending == ()


async def test_a_clinic_that_leaves_ends_the_agreements_that_others_hold_with_it_and_no_others(world: World) -> None:
    scene = await set_scene(world, "Encounter")
    await world.agree(scene.district, scene.stranger)
    await left(scene, "clinic")
    refused(await scene.clinic.get("/Patient"), 401, "login")
    found = (await scene.district.get("/OrganizationAffiliation?_count=100")).json()["entry"]
    clinic = scene.clinic.reference["reference"]
    sides = [
        (clinic in (r["organization"]["reference"], r["participatingOrganization"]["reference"]), r["active"])
        for r in (e["resource"] for e in found)
        if scene.district.reference["reference"]
        in (r["organization"]["reference"], r["participatingOrganization"]["reference"])
    ]
    assert sorted(sides) == [(False, True)] * 2 + [(True, False)] * 2
    release = (await scene.district.get("/Consent?status=active")).json()
    assert release["total"] == 2, "what others hold stays theirs"


async def test_nobody_leaves_who_is_not_there(world: World) -> None:
    with pytest.raises(HallpassError):
        await leave(world.operator, uuid4())


async def test_its_releases_end_some_at_a_time_and_how_many_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "AT_ONCE", 2)
    scene = await set_scene(world)
    for _ in range(3):
        await scene.release("Encounter", sourceAttachment={"contentType": "application/pdf", "title": uuid4().hex})
    told: list[tuple[int, int]] = []
    found = await leave(world.operator, scene.district.organization, lambda done, whole: told.append((done, whole)))
    assert told == [(n, len(told)) for n in range(1, len(told) + 1)]
    assert len(told) == sum(n for _, n in found.ending) >= 5
    async with owner_transaction(world.db.owner) as connection:
        assert (await survey(connection, scene.district.organization)).ending == ()
