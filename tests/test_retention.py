"""The ledger in quarters: what is past retention is dropped whole, and that it was is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from app.exchange.verify import Verifier
from tests.scene import Scene, as_owner, set_scene
from tests.world import open_world

OLD = "hallpass.partition_ledger('2015-01-01', '2015-06-30')"


@pytest_asyncio.fixture
async def scene(db: Database) -> AsyncIterator[Scene]:
    """The clinic read the student in 2015, and reads it now, in one chain."""
    async with open_world(db) as world:
        found = await set_scene(world, "Patient")
        await as_owner(
            world,
            f"SELECT {OLD}",
            "CREATE OR REPLACE FUNCTION hallpass.lock_chain() RETURNS smallint LANGUAGE sql"
            " AS $$ SELECT 7::smallint $$",
            "CREATE OR REPLACE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE"
            " AS $$ SELECT '2015-02-03T12:00:00Z'::timestamptz $$",
        )
        await found.clinic.get(f"/Patient/{found.student['id']}")
        await as_owner(
            world,
            "CREATE OR REPLACE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE"
            " AS $$ SELECT clock_timestamp() $$",
        )
        await found.clinic.get(f"/Patient/{found.student['id']}")
        yield found


async def rows(scene: Scene, statement: str) -> list[Any]:
    """What the owner reads."""
    engine = create_async_engine(scene.world.db.owner)
    async with engine.connect() as connection:
        found = list(await connection.execute(text(statement)))
    await engine.dispose()
    return found


async def verified(scene: Scene) -> list[str]:
    """What is found to differ."""
    return [d.what async for d in Verifier(scene.world.db, scene.world.settings).run()]


async def test_a_quarter_past_retention_is_dropped_recorded_and_missed_by_nobody(scene: Scene) -> None:
    entries = "SELECT tableoid::regclass::text AS part, batch FROM hallpass.disclosure ORDER BY batch"
    before = await rows(scene, entries)
    assert [r.batch for r in before] == [1, 2]
    assert before[0].part == "hallpass.disclosure_2015q1"
    assert before[1].part.startswith("hallpass.disclosure_20")
    await as_owner(scene.world, "SELECT hallpass.drop_ledger('2019-01-01')")
    assert [r.batch for r in await rows(scene, entries)] == [2]
    kept = await rows(scene, "SELECT partition, entries, students FROM hallpass.ledger_drop ORDER BY 1")
    assert [tuple(r) for r in kept] == [("disclosure_2015q1", 1, 1), ("disclosure_2015q2", 0, 0)]
    assert await verified(scene) == []
    await scene.clinic.get(f"/Patient/{scene.student['id']}")
    assert await verified(scene) == []

    # What was dropped excuses nothing that came after it.
    await as_owner(scene.world, "UPDATE hallpass.disclosure SET client = 'another' WHERE batch = 2")
    assert await verified(scene) == ["a ledger entry that was changed"]
    await as_owner(scene.world, "DELETE FROM hallpass.disclosure WHERE batch = 2")
    assert await verified(scene) == ["a gap in the ledger"]


async def test_what_lies_outside_every_quarter_is_entered_all_the_same(scene: Scene) -> None:
    await as_owner(
        scene.world,
        "CREATE OR REPLACE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE"
        " AS $$ SELECT '2090-02-03T12:00:00Z'::timestamptz $$",
    )
    assert (await scene.clinic.get(f"/Patient/{scene.student['id']}")).status_code == 200
    found = await rows(scene, "SELECT count(*) AS n FROM hallpass.disclosure_other")
    assert found[0].n == 1
