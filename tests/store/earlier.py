"""Databases as earlier versions made them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from alembic import command
from sqlalchemy import URL, Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.store import migrate as schema


@asynccontextmanager
async def database_at(server: URL, revision: str, *statements: str) -> AsyncIterator[URL]:
    """A database of its own at a revision, where these statements were run."""
    admin = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    url = server.set(database="hallpass_test_earlier")
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)"))
        await connection.execute(text(f"CREATE DATABASE {url.database}"))
        await schema.create_role(url)
        engine = create_async_engine(url)
        async with engine.begin() as earlier:
            await earlier.execute(text("CREATE SCHEMA hallpass"))
            await earlier.run_sync(_upgrade, revision)
            for statement in statements:
                await earlier.exec_driver_sql(statement)
        await engine.dispose()
        yield url
        await connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
    await admin.dispose()


async def rows(url: URL, statement: str) -> list[asyncpg.Record]:
    """What the owner reads, or changes."""
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    found = await connection.fetch(statement)
    await connection.close()
    return list(found)


def _upgrade(connection: Connection, revision: str) -> None:
    config = schema._config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
