"""The ledger stays whole however many servers disclose the same students at once, and nobody waits to enter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.db.engine import Database
from app.exchange.verify import Verifier
from tests import build
from tests.scene import Scene, as_owner, entered, set_scene
from tests.world import EVERYTHING, Member, World, open_world

SERVERS = 4
CLIENTS = 4
"""Of the clinic, at each server."""
TIMES = 20


@pytest_asyncio.fixture
async def servers(db: Database) -> AsyncIterator[list[World]]:
    """Several servers on one database, each with connections of its own."""
    async with AsyncExitStack() as stack:
        pools = [db, *(Database(db.owner, pool_size=4) for _ in range(SERVERS - 1))]
        yield [await stack.enter_async_context(open_world(pool)) for pool in pools]


async def students(scene: Scene) -> list[str]:
    """Four students whose records the clinic may see."""
    found = [scene.student["id"]]
    for number in range(3):
        student = await scene.district.create(build.patient(f"C-{number}"))
        mother = await scene.district.create(build.guardian(student))
        parties = scene.district.reference, scene.clinic.reference
        await scene.district.create(build.consent(student, mother, *parties, classes=("Patient",)))
        found.append(student["id"])
    return found


async def test_servers_that_disclose_the_same_students_at_once_leave_a_whole_ledger_and_never_stop_each_other(
    servers: list[World],
) -> None:
    scene = await set_scene(servers[0], "Patient")
    ids = await students(scene)
    before = (await as_owner(servers[0], DEADLOCKS))[0].deadlocks

    async def ask(member: Member, turn: int) -> int:
        got = 0
        for n in range(TIMES):
            # Reads of several clients share a statement: each server comes to the students in another order.
            response = await member.get(f"/Patient/{ids[(turn + n) % len(ids)]}")
            assert response.status_code == 200, response.text
            got += 1
            if n % 4 == 0:
                got += len((await member.get("/Patient")).json()["entry"])
        return got

    members = []
    for world in servers:
        for _ in range(CLIENTS):
            member = await world.client_of(scene.clinic.organization, scopes=EVERYTHING, purposes=("TREAT",))
            members.append(replace(member, http=world.http))
    got = sum(await asyncio.gather(*(ask(member, turn) for turn, member in enumerate(members))))

    (counted,) = await as_owner(servers[0], "SELECT count(*) AS n FROM hallpass.disclosure WHERE student IS NOT NULL")
    assert counted.n == got
    chains = await as_owner(servers[0], CHAINS)
    assert len(chains) > 1
    assert all(row.batches == row.last for row in chains)
    (all_entries,) = await as_owner(servers[0], "SELECT count(*) AS n FROM hallpass.disclosure")
    assert sum(row.entries for row in chains) == all_entries.n
    assert [d async for d in Verifier(servers[0].db, servers[0].settings).run()] == []
    await asyncio.sleep(1.1)  # each server process tells its statistics at most once a second
    assert (await as_owner(servers[0], DEADLOCKS))[0].deadlocks == before


DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
CHAINS = """
    SELECT c.n AS last, count(*) AS batches, sum(s.entries) AS entries
    FROM hallpass.chain_end c JOIN hallpass.batch s ON s.chain = c.chain AND s.n BETWEEN 1 AND c.n
    GROUP BY c.chain, c.n
"""


async def test_what_is_being_entered_about_a_student_keeps_nobody_from_being_told_of_it(db: Database) -> None:
    async with open_world(db) as world:
        scene = await set_scene(world, "Patient")
        path = f"/Patient/{scene.student['id']}"
        async with entered(world, scene.clinic) as connection:
            row = await connection.execute(
                text("SELECT compartment, id, version, custodian FROM hallpass.resource WHERE type = 'Patient'")
            )
            compartment, own, version, custodian = row.one()
            values = {
                "compartments": [compartment],
                "ids": [own],
                "versions": [version],
                "custodians": [custodian],
                "requests": [uuid4()],
                "how": ["read"],
            }
            assert await connection.scalar(ENTER, values) == 1
            answers = await asyncio.wait_for(
                asyncio.gather(scene.clinic.get(path), scene.clinic.get("/Patient"), scene.clinic.get(path)), 5
            )
            assert [a.status_code for a in answers] == [200] * 3
        assert [d async for d in Verifier(world.db, world.settings).run()] == []


ENTER = text(
    "SELECT entered FROM hallpass.disclose("
    "NULL, '{TREAT}', :requests, :how, :compartments, :ids, :versions, :custodians, :compartments, :custodians)"
)


async def test_two_that_enter_at_once_take_two_chains_and_a_chain_is_free_again_afterwards(db: Database) -> None:
    async with open_world(db):
        engine = create_async_engine(db.owner)
        async with engine.connect() as one, engine.connect() as two:
            taken = [await _chain(one), await _chain(two)]
            assert taken[1] == (taken[0] + 1) % 1024  # the next one that is free
            await one.commit()
            assert await _chain(one) == taken[0]
        await engine.dispose()


async def _chain(connection: AsyncConnection) -> int:
    """The chain that is drawn by one seed."""
    await connection.execute(text("SELECT setseed(0.5)"))
    return int(await connection.scalar(text("SELECT hallpass.lock_chain()")) or 0)
