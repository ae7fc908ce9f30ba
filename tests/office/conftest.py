"""A network with a student, whose referral a clinic has read under a release."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from app.db.engine import Database
from tests.scene import Scene, set_scene
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The student, and the clinic that has read it."""
    found = await set_scene(world, "Patient", "ServiceRequest")
    await found.clinic.ids("/ServiceRequest?_include=ServiceRequest:patient")
    return found
