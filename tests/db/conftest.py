"""What the tests of searches share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import URL

from app.db.engine import Database
from tests.db.shelf import Shelf
from tests.db.shelf_data import CLINIC, DISTRICT


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shelf(database: URL, db: Database) -> AsyncIterator[Shelf]:
    """The resources of the two, in a database of their own."""
    found = Shelf(database, db)
    await found.open("district", "clinic")
    await found.put_all("district", DISTRICT)
    await found.put_all("clinic", CLINIC)
    yield found
