"""The independent validator and the demonstration, each once for all tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests.conformance.demo import Demo
from tests.conformance.hapi import Hapi, Unavailable
from tests.running import serving
from tests.world import World, open_world


@pytest.fixture(scope="session")
def hapi() -> Iterator[Hapi]:
    """HAPI's validator; a test that needs it is skipped, with a word, where it cannot be had."""
    try:
        found = Hapi()
    except Unavailable as e:
        pytest.skip(str(e))
    yield found
    found.close()


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """A server process with the demonstration's members and records."""
    told = {"HALLPASS_WORKER": "true", "HALLPASS_ALLOW_HTTP_ENDPOINTS": "true"}
    with serving("--demo", until="Stop with Ctrl-C", **told) as found:
        yield Demo(found)
