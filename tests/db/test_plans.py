"""A search is planned for what it asks for, however often it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import URL, text

from app.db.engine import Database
from tests.scene import Scene, set_scene
from tests.world import open_world

_MADE = text("""
    SELECT sum(generic_plans) AS once, sum(custom_plans) AS anew FROM pg_prepared_statements
    WHERE statement LIKE '%AS candidate%' AND (statement LIKE '%term_%') = :asks
""")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(database: URL) -> AsyncIterator[Scene]:
    """A student of whom the clinic sees the referral, over one connection, which remembers its plans."""
    async with open_world(Database(database, pool_size=1)) as world:
        yield await set_scene(world, "ServiceRequest")


@pytest.mark.parametrize("query", ["status=active", "patient.gender=female", "code:not=x", "_id=x&status=active"])
async def test_where_a_search_begins_hangs_on_its_terms_each_time(scene: Scene, query: str) -> None:
    """A plan for any terms would begin at the term, and read those of everybody's records."""
    for _ in range(8):
        await scene.clinic.ids(f"/ServiceRequest?{query}")
    async with scene.world.db.begin() as connection:
        made = (await connection.execute(_MADE, {"asks": True})).one()
    assert made.once == 0
    assert made.anew >= 8


async def test_a_search_for_all_is_planned_once(scene: Scene) -> None:
    for _ in range(8):
        assert await scene.clinic.ids("/ServiceRequest") == [scene.records["ServiceRequest"]["id"]]
    async with scene.world.db.begin() as connection:
        made = (await connection.execute(_MADE, {"asks": False})).one()
    assert made.anew == 0
    assert made.once >= 8
