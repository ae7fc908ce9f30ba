"""Brings a database to this version's schema, or says why it will not."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.store.engine import APP_ROLE, app_password
from app.store.tables import SCHEMA

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
LOCK = 0x68616C6C  # of the migration, and of the role: several processes may start at once
OLDEST = 150000


class WrongSchema(Exception):
    """The database holds a schema of another version; the server does not start on it."""


async def migrate(owner: URL) -> tuple[str | None, str]:
    """Create the database and the app's role where they are absent, and upgrade to head.

    Answers the revision before (None for a fresh database) and after.
    """
    await _create_database(owner)
    await create_role(owner)
    engine = create_async_engine(owner)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def check(owner: URL) -> None:
    """Migrate a fresh database, and make the ledger's next partitions; raise WrongSchema on one of another version."""
    await _create_database(owner)
    engine = create_async_engine(owner)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_revision)
    finally:
        await engine.dispose()
    head = _script().get_current_head()
    if found is None:
        await migrate(owner)
    elif found != head:
        known = {s.revision for s in _script().walk_revisions()}
        what = "older: run `hallpass migrate`" if found in known else "newer than this program, or not ours"
        raise WrongSchema(f"the database's schema is {found}, this version's is {head}; the database is {what}")
    else:
        await _partition(owner)


async def _partition(owner: URL) -> None:
    """Partitions for the two years that come. Without them entries would go to the one for all other times."""
    engine = create_async_engine(owner)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            await connection.execute(
                text("SELECT hallpass.partition_ledger(now()::date, (now() + interval '2 years')::date)")
            )
    finally:
        await engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    before = _revision(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, str(_script().get_current_head())


async def create_role(owner: URL) -> None:
    """The app's role with its password. All databases of a server share it, so the lock is taken in one for all."""
    engine = create_async_engine(owner.set(database="postgres"))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            if not await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": APP_ROLE}):
                await connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN"))
            password = app_password(owner)  # hexadecimal digits only
            await connection.execute(text(f"ALTER ROLE {APP_ROLE} PASSWORD '{password}'"))
    finally:
        await engine.dispose()


async def _create_database(owner: URL) -> None:
    """CREATE DATABASE where it is absent; a server older than 15 is refused."""
    engine = create_async_engine(owner.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            version = int(str(await connection.scalar(text("SHOW server_version_num"))))
            if version < OLDEST:
                raise WrongSchema(f"PostgreSQL {version // 10000} is too old: 15 or later is needed")
            found = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if not await connection.scalar(found, {"name": owner.database}):
                name = str(owner.database).replace('"', '""')
                await connection.execute(text(f'CREATE DATABASE "{name}"'))
    except DBAPIError as e:
        if getattr(e.orig, "sqlstate", "") not in ("42P04", "23505"):  # somebody else made it meanwhile
            raise
    finally:
        await engine.dispose()
