"""A world for each test: an authorization server of its own on the module's database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.db.engine import Database
from tests.auth.support import World


@pytest_asyncio.fixture(scope="module")
async def owner(database: URL) -> AsyncIterator[AsyncEngine]:
    """The database as its owner, who alone writes the registry."""
    engine = create_async_engine(database)
    yield engine
    await engine.dispose()


@pytest.fixture
def world(db: Database, owner: AsyncEngine) -> World:
    """An authorization server at a standing moment."""
    return World(db, owner)
