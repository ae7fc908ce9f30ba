"""A district, a clinic and a stranger, whose notifications may go to loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from app.db.engine import Database
from tests.notify.endpoint import Endpoint, listening
from tests.scene import Scene, set_scene
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    async with open_world(db, allow_http_endpoints=True) as found:
        yield found


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """Nothing is released to the clinic yet."""
    return await set_scene(world)


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with listening() as found:
        yield found
