"""A network for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio

from app.db.engine import Database
from tests.world import Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database, which may fetch from one host."""
    async with open_world(db, submit_hosts=("files.example.org",)) as found:
        yield found


@pytest_asyncio.fixture
async def district(world: World) -> Member:
    """A member of its own for each test."""
    return await world.member(f"District {uuid4().hex[:8]}")
