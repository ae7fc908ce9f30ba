"""Brings a database to this version's schema, or says why it will not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import login, schema
from app.db.address import open_engine, pooled, spelled
from app.db.engine import owner_transaction, sqlstate
from app.db.tables import SCHEMA

LOCK = 0x68616C6C  # of the migration, and of the role: several processes may start at once
OLDEST = 150000
NO_DATABASE = "3D000"
TRIES = 40
_NO_LOCK = ("55P03", "40P01")  # lock_not_available, deadlock_detected


@dataclass(frozen=True, slots=True)
class Source:
    """Where the migrations and the schema are read from."""

    migrations: Path = Path(__file__).resolve().parents[2] / "migrations"
    schema: Path = schema.FOLDER


HERE = Source()


class WrongSchema(Exception):
    """The database holds a schema of another version; the server does not start on it."""


class NoDatabase(WrongSchema):
    """The server has no database of this name."""


async def migrate(
    owner: URL, source: Source = HERE, *, create: bool = False, again: bool = False
) -> tuple[str | None, str]:
    """Create the application's role where it is absent, and bring the schema to this version's.

    With `create` the database is made where the server has none of its name; with `again` functions, policies and
    grants are applied though they are this version's.
    It may run while the version before serves. Where it does not get a lock soon enough it is tried again.
    Returns the revision before (None for a new database) and after. Raises WrongSchema.
    """
    if pooled(owner):
        raise WrongSchema(
            "a migration holds a lock for longer than a transaction, and DATABASE_URL says pgbouncer=true: "
            "run `hallpass migrate` with PostgreSQL's own address"
        )
    await _require_usable(owner, create=create)
    engine = open_engine(owner)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            restored = not await login.group_exists(connection)
            await login.make_group(connection)
            await connection.commit()
            change = await _upgrade(connection, source, whole=restored or again)
            await login.ensure(connection)
            await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
    finally:
        await engine.dispose()
    await partition(owner)
    return change


async def check(owner: URL, *, create: bool = False) -> bool:
    """Migrate a fresh database; raise WrongSchema on one of another version.

    With `create` the database is made where the server has none of its name; answers whether it was.
    """
    created = await _require_usable(owner, create=create)
    engine = open_engine(owner)
    try:
        async with engine.connect() as connection:
            revision = await connection.run_sync(_revision)
            applied = await connection.run_sync(schema.applied)
            role = await login.group_exists(connection)
    finally:
        await engine.dispose()
    head = _script(HERE).get_current_head()
    if revision is None:
        await migrate(owner)
        return created
    if revision != head:
        known = {s.revision for s in _script(HERE).walk_revisions()}
        newer = "newer, or not ours: install the version that made it"
        what = "older: run `hallpass migrate`" if revision in known else newer
        raise WrongSchema(f"the database's schema is {revision}, this version's is {head}; the database is {what}")
    tables, code = schema.load().checksums()
    if applied is None or applied[0] != tables:
        raise WrongSchema(_UNMIGRATED)
    if not role:
        raise WrongSchema("the database was restored on a server without its roles: run `hallpass migrate`")
    if applied[1] != code:
        raise WrongSchema("the database's functions and policies are another version's: run `hallpass migrate`")
    async with owner_transaction(owner) as connection:
        await login.ensure(connection)
    return created


_UNMIGRATED = (
    "the tables in schema/ are not the database's, and no migration leads from these to those. "
    "Add a migration, or use a new database"
)


async def partition(owner: URL) -> None:
    """Make the ledger's partitions for the two years that come.

    Without them entries would go to the one for all other times.
    """
    engine = open_engine(owner)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            await connection.execute(
                text("SELECT hallpass.partition_ledger(now()::date, (now() + interval '2 years')::date)")
            )
    finally:
        await engine.dispose()


def _config(source: Source) -> Config:
    config = Config()
    config.set_main_option("script_location", str(source.migrations))
    config.set_main_option("path_separator", "os")
    return config


def _script(source: Source) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(source))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()


async def _upgrade(connection: AsyncConnection, source: Source, *, whole: bool) -> tuple[str | None, str]:
    """With `whole`, what can be applied again is in any case: a dump brings no grants to a new server."""
    target, head = schema.load(source.schema), str(_script(source).get_current_head())
    async with connection.begin():
        before = await connection.run_sync(_revision)
        if before is None:
            await connection.run_sync(_create, source, target)
            return before, head
    await _patiently(lambda: connection.run_sync(_run_migrations, source))
    async with connection.begin():
        applied = await connection.run_sync(schema.applied)
        steps = await connection.run_sync(schema.steps, target)
    if before == head and applied is not None and applied[0] != target.checksums()[0]:
        raise WrongSchema(_UNMIGRATED)
    if whole or before != head or applied != target.checksums():
        for step in steps:
            await _patiently(partial(_in_transaction, connection, step))
    return before, head


async def _in_transaction(connection: AsyncConnection, step: Callable[[Connection], None]) -> None:
    async with connection.begin():
        await connection.run_sync(step)


async def _patiently(attempt: Callable[[], Awaitable[None]]) -> None:
    """Try again where a lock was not to be had: requests that came meanwhile go first."""
    for tries in range(1, TRIES + 1):
        try:
            return await attempt()
        except DBAPIError as e:
            if sqlstate(e) not in _NO_LOCK or tries == TRIES:
                raise
        await asyncio.sleep(random.uniform(0.1, 1))  # noqa: S311 - no secret
    return None


def _run_migrations(connection: Connection, source: Source) -> None:
    config = _config(source)
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    finally:
        connection.rollback()  # of what alembic read; each migration has committed by itself


def _create(connection: Connection, source: Source, target: schema.Schema) -> None:
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    context.stamp(_script(source), "head")
    schema.create(connection, target)


async def _require_usable(owner: URL, *, create: bool) -> bool:
    """Raise WrongSchema for a database that is absent, a standby, or of a server that is too old.

    With `create` it is made where it is absent; answers whether it was.
    """
    try:
        await _look(owner)
    except DBAPIError as e:
        if sqlstate(e) != NO_DATABASE:
            raise
        if not create:
            raise NoDatabase(
                f"there is no such database ({spelled(owner)}). Correct its name in DATABASE_URL, "
                "or create it with `hallpass migrate --create`"
            ) from e
        await _create_database(owner)
        await _look(owner)
        return True
    return False


async def _look(owner: URL) -> None:
    engine = open_engine(owner)
    try:
        async with engine.connect() as connection:
            version = int(str(await connection.scalar(text("SHOW server_version_num"))))
            standby = await connection.scalar(text("SELECT pg_is_in_recovery()"))
    finally:
        await engine.dispose()
    if version < OLDEST:
        raise WrongSchema(f"PostgreSQL {version // 10000} is too old: 15 or later is needed")
    if standby:
        raise WrongSchema(
            f"the database is a standby, which takes no writes ({spelled(owner)}). "
            "Name the primary in DATABASE_URL, or all hosts, separated by commas"
        )


async def _create_database(owner: URL) -> None:
    """CREATE DATABASE; somebody else may make it meanwhile."""
    engine = open_engine(owner.set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = str(owner.database).replace('"', '""')
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{name}"'))
    except DBAPIError as e:
        if sqlstate(e) not in ("42P04", "23505"):
            raise
    finally:
        await engine.dispose()
