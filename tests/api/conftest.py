"""A network for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio

from app.db.engine import Database
from tests.scene import Scene, set_scene
from tests.world import Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture
async def district(world: World) -> Member:
    """A member of its own for each test, so that none sees what another left."""
    return await world.member(f"District {uuid4().hex[:8]}")


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district with records, and others that see none of them."""
    return await set_scene(world)


@pytest_asyncio.fixture(scope="module")
async def member(scene: Scene) -> Member:
    """Who holds the records."""
    return scene.district
