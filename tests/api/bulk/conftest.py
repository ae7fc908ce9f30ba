"""What the tests of bulk export share."""

from __future__ import annotations

import pytest_asyncio

from tests.api.bulk.exports import CLASSES
from tests.scene import Scene, set_scene
from tests.world import World


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A student, of whom three types are released to the clinic."""
    return await set_scene(world, *CLASSES)
