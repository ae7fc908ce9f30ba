"""A search is planned for what it asks for, however often it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import URL, text

from app.db.engine import Database
from tests.scene import Scene, set_scene
from tests.world import open_world

_MADE = text("""
    SELECT sum(generic_plans) AS once, sum(custom_plans) AS each_time FROM pg_prepared_statements
    WHERE statement LIKE '%AS candidate%' AND (statement LIKE '%term_%') = :asks
      AND statement NOT LIKE '%pg_prepared_statements%'
""")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(database: URL) -> AsyncIterator[Scene]:
    """A student of whom the clinic sees the referral, over one connection, which remembers its plans."""
    async with open_world(Database(database, pool_size=1)) as world:
        yield await set_scene(world, "ServiceRequest")


@pytest.mark.parametrize("query", ["status=active", "patient.gender=female", "code:not=x", "_id=x&status=active"])
async def test_where_a_search_begins_hangs_on_its_terms_each_time(scene: Scene, query: str) -> None:
    """A plan for any terms would begin at the term, and read those of everybody's records."""
    before = await made(scene, asks=True)
    for _ in range(8):
        await scene.clinic.ids(f"/ServiceRequest?{query}")
    once, each_time = await made(scene, asks=True)
    assert once == before[0]
    assert each_time >= before[1] + 8


async def test_a_search_for_what_is_about_a_student_is_planned_once(scene: Scene) -> None:
    """It begins at the student's compartment, whatever is asked beside it."""
    student = scene.records["Patient"]["id"]
    before = await made(scene, asks=True)
    for _ in range(8):
        assert await scene.clinic.ids(f"/ServiceRequest?patient={student}") == [scene.records["ServiceRequest"]["id"]]
        assert await scene.clinic.ids(f"/ServiceRequest?patient={student}&status=completed") == []
    once, each_time = await made(scene, asks=True)
    assert once >= before[0] + 16
    assert each_time == before[1]


async def test_a_search_for_all_is_planned_once(scene: Scene) -> None:
    for _ in range(8):
        assert await scene.clinic.ids("/ServiceRequest") == [scene.records["ServiceRequest"]["id"]]
    once, each_time = await made(scene, asks=False)
    assert each_time == 0
    assert once >= 8


async def test_a_search_by_ids_is_one_statement_however_many_they_are_and_planned_once(scene: Scene) -> None:
    referral = scene.records["ServiceRequest"]["id"]
    await scene.clinic.ids(f"/ServiceRequest?_id={referral}")
    before, kept = await made(scene, asks=False), await statements(scene)
    for more in range(8):
        ids = ",".join([referral, *(str(uuid4()) for _ in range(more))])
        assert await scene.clinic.ids(f"/ServiceRequest?_id={ids}") == [referral]
    once, each_time = await made(scene, asks=False)
    assert (once - before[0], each_time) == (8, before[1])
    assert await statements(scene) == kept


async def statements(scene: Scene) -> int:
    """How many statements of searches the connection has prepared."""
    asked = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%AS candidate%'")
    async with scene.world.db.begin() as connection:
        return int((await connection.execute(asked)).scalar_one())


async def made(scene: Scene, *, asks: bool) -> tuple[int, int]:
    """How many plans of searches with criteria, or without, were made once, and how many for their values."""
    async with scene.world.db.begin() as connection:
        found = (await connection.execute(_MADE, {"asks": asks})).one()
    return int(found.once or 0), int(found.each_time or 0)
