"""Each student's chain of entries stays whole however many servers disclose the same students at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest_asyncio

from app.consent.gate.verify import Verifier
from app.store.engine import Database
from tests import build
from tests.scene import Scene, as_owner, set_scene
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


async def test_servers_that_disclose_the_same_students_at_once_leave_whole_chains_and_never_stop_each_other(
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
    ends = await as_owner(servers[0], ENDS)
    assert len(ends) == len(ids)
    assert all(row.entries == row.last == row.distinct for row in ends)
    assert [d async for d in Verifier(servers[0].db, servers[0].settings).run()] == []
    await asyncio.sleep(1.1)  # each server process tells its statistics at most once a second
    assert (await as_owner(servers[0], DEADLOCKS))[0].deadlocks == before


DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
ENDS = """
    SELECT c.n AS last, count(*) AS entries, count(DISTINCT d.n) AS distinct
    FROM hallpass.chain c JOIN hallpass.disclosure d ON d.shard = c.shard AND d.n BETWEEN 1 AND c.n
    GROUP BY c.shard, c.n
"""
