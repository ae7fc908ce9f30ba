"""A network with a mail server, a district's office, and a family with a mail address on file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from pydantic import SecretStr

from app.db.engine import Database
from tests.partner.post import Post, post
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def mails() -> AsyncIterator[Post]:
    """The mail server."""
    async with post() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def world(db: Database, mails: Post) -> AsyncIterator[World]:
    """The application."""
    async with open_world(db, smtp_url=SecretStr(mails.url), mail_from="hallpass@example.org") as found:
        yield found
