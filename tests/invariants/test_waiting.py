"""Invariant 9: nobody holds up another. Who waits for a transaction that somebody leaves open, and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import clients
from app.db.caller import Write, lock_writes
from tests import build
from tests.scene import Scene, set_scene
from tests.world import World

SOON = 5
"""Seconds in which whoever waits for nobody is answered, on a busy machine."""
Change = Callable[[Scene], Awaitable[Any]]


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A clinic that a release lets see a student's referral, and that is named in a Task."""
    found = await set_scene(world, "Patient")
    found.records["release"] = await found.release("ServiceRequest", "Task")
    parties = found.district.reference, found.clinic.reference
    errand = build.task(found.student, found.records["ServiceRequest"], *parties)
    found.records["errand"] = await found.district.create(errand)
    return found


@asynccontextmanager
async def left_open(
    scene: Scene, *statements: str, writes: tuple[Write, ...] = (), **values: Any
) -> AsyncIterator[None]:
    """A transaction that has done this, and is not over yet."""
    engine = create_async_engine(scene.world.db.owner)
    async with engine.connect() as connection:
        if writes:
            await lock_writes(connection, writes)
        for statement in statements:
            await connection.execute(text(statement), values)
        yield
        await connection.rollback()
    await engine.dispose()


async def _end(scene: Scene) -> Any:
    found = (await scene.district.get(f"/Consent/{scene.records['release']['id']}")).json()
    return await scene.district.put(f"/Consent/{found['id']}", {**found, "status": "inactive"})


async def _authority(scene: Scene) -> Any:
    mother = (await scene.district.get(f"/RelatedPerson/{scene.records['RelatedPerson']['id']}")).json()
    return await scene.district.put(f"/RelatedPerson/{mother['id']}", {**mother, "active": False})


async def _birth_date(scene: Scene) -> Any:
    student = (await scene.district.get(f"/Patient/{scene.student['id']}")).json()
    return await scene.district.put(f"/Patient/{student['id']}", {**student, "birthDate": "1990-01-01"})


@pytest.mark.parametrize("ending", [_end, _authority, _birth_date], ids=lambda f: f.__name__[1:])
async def test_a_recipient_that_keeps_writing_does_not_hold_off_the_custodian(scene: Scene, ending: Change) -> None:
    """Its own records of the student, and what it may write into the custodian's Task."""
    student, clinic = UUID(scene.student["id"]), scene.clinic.organization
    errand = UUID(scene.records["errand"]["id"])
    writes = (
        Write(student, clinic, uuid4(), "create"),
        Write(student, clinic, uuid4(), "sign"),
        Write(student, scene.district.organization, errand, "party"),
    )
    async with left_open(scene, writes=writes):
        answer = await asyncio.wait_for(ending(scene), SOON)
        assert answer.status_code == 200, answer.text
        assert await asyncio.wait_for(scene.clinic.ids("/ServiceRequest"), SOON) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT hallpass.lock_agreements(ARRAY[CAST(:own AS uuid)], ARRAY[CAST(:other AS uuid)])",
        "SELECT hallpass.place_organization(gen_random_uuid(), :own, 'UTC', false)",
        "INSERT INTO hallpass.revoked_token VALUES ('gone', now() + interval '1 h')",
    ],
    ids=["an agreement that ends", "a new part", "a token"],
)
async def test_what_one_member_leaves_open_keeps_no_other_waiting(scene: Scene, statement: str) -> None:
    """Reads and writes of all others go on, and new parts and agreements too."""
    values = {"own": scene.stranger.organization, "other": uuid4()}
    used = {k: v for k, v in values.items() if f":{k} " in statement or f":{k}," in statement}
    async with left_open(scene, statement, **used):
        answers = await asyncio.wait_for(
            asyncio.gather(
                scene.clinic.get("/ServiceRequest"),
                scene.clinic.get(f"/Patient/{scene.student['id']}"),
                scene.district.post("/Encounter", build.encounter(scene.student)),
                scene.clinic.post(
                    "/Organization",
                    {"resourceType": "Organization", "name": "Desk", "partOf": scene.clinic.reference},
                ),
            ),
            SOON,
        )
    assert [a.status_code for a in answers] == [200, 200, 201, 201]


async def test_a_client_is_shut_out_at_once_whatever_it_is_doing(scene: Scene) -> None:
    """Its transaction goes on, and gets nothing more."""
    world, clinic = scene.world, scene.clinic
    student = UUID(scene.student["id"])
    writes = (Write(student, clinic.organization, uuid4(), "create"),)
    async with left_open(scene, writes=writes):
        engine = create_async_engine(world.db.owner)
        for step in ("disable", "await"):
            async with asyncio.timeout(SOON), engine.begin() as connection:
                if step == "disable":
                    now = (await connection.execute(text("SELECT now()"))).scalar_one()
                    await clients.disable(connection, clinic.client_id, now)
                else:
                    await clients.await_disclosures(connection, clinic.client_id)
        await engine.dispose()
        assert (await clinic.get("/ServiceRequest")).status_code == 401
