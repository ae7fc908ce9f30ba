"""Databases of a test's own, and statements that their owner runs in them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import URL


async def rows(owner: URL, statement: str) -> list[asyncpg.Record]:
    """What the owner reads."""
    connection = await _connect(owner)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def execute(owner: URL, script: str) -> None:
    """Run any number of statements as the owner, in one transaction."""
    connection = await _connect(owner)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


@asynccontextmanager
async def empty_database(server: URL) -> AsyncIterator[URL]:
    """The owner's URL of a new database, which is dropped afterwards."""
    url = server.set(database=f"hallpass_test_{uuid.uuid4().hex[:12]}")
    admin = server.set(database="postgres")
    await execute(admin, f"CREATE DATABASE {url.database}")
    try:
        yield url
    finally:
        await execute(admin, f"DROP DATABASE {url.database} WITH (FORCE)")


async def _connect(owner: URL) -> asyncpg.Connection:
    return await asyncpg.connect(owner.set(drivername="postgresql").render_as_string(hide_password=False))
