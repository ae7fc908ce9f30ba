"""Brings a database to this version's schema, or says why it will not."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from app.store.address import open_engine, spelled
from app.store.engine import APP_ROLE, app_password, sqlstate
from app.store.tables import SCHEMA

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
LOCK = 0x68616C6C  # of the migration, and of the role: several processes may start at once
OLDEST = 150000
NO_DATABASE = "3D000"


class WrongSchema(Exception):
    """The database holds a schema of another version; the server does not start on it."""


class NoDatabase(WrongSchema):
    """The server has no database of this name."""


async def migrate(owner: URL, *, create: bool = False) -> tuple[str | None, str]:
    """Create the app's role where it is absent, and upgrade to head; with `create`, the database too.

    Answers the revision before (None for a fresh database) and after. Raises WrongSchema.
    """
    await _require_usable(owner, create=create)
    await create_role(owner)
    engine = open_engine(owner)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def check(owner: URL, *, create: bool = False) -> bool:
    """Migrate a fresh database, and make the ledger's next partitions; raise WrongSchema on one of another version.

    With `create` the database is made where the server has none of its name; answers whether it was.
    """
    created = await _require_usable(owner, create=create)
    engine = open_engine(owner)
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
    return created


async def _partition(owner: URL) -> None:
    """Partitions for the two years that come. Without them entries would go to the one for all other times."""
    engine = open_engine(owner)
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
    engine = open_engine(owner.set(database="postgres"))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            if not await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": APP_ROLE}):
                await connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN"))
            password = app_password(owner)  # hexadecimal digits only
            await connection.execute(text(f"ALTER ROLE {APP_ROLE} PASSWORD '{password}'"))
    finally:
        await engine.dispose()


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
