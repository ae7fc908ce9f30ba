"""Migrations make what the code expects, and a database of another version is refused."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.auth_tables import revoked_token
from app.db.engine import Database
from app.db.migrate import WrongSchema, check, migrate
from app.db.tables import metadata
from app.db.terms_tables import TERM_TABLES
from tests.databases import empty_database, execute


async def test_each_table_in_the_code_is_in_the_database_as_it_is(database: URL) -> None:
    """The database has others, which SQL of ours alone reads and writes."""
    engine = create_async_engine(database)
    async with engine.connect() as connection:
        found = await connection.run_sync(
            lambda c: compare_metadata(
                MigrationContext.configure(
                    c,
                    opts={
                        "include_schemas": True,
                        "version_table_schema": "hallpass",
                        "include_name": lambda name, kind, _p: kind != "schema" or name == "hallpass",
                        "include_object": lambda _o, name, kind, *_: (
                            kind in ("table", "column")
                            and not name.startswith("disclosure_")
                            and name != "applied_schema"
                        ),
                    },
                ),
                metadata,
            )
        )
    await engine.dispose()
    assert {t.metadata for t in (*TERM_TABLES, revoked_token)} == {metadata}
    assert [d for d in found if d[0] in ("add_table", "add_column", "remove_column")] == []


async def test_migrating_twice_changes_nothing(database: URL) -> None:
    before, after = await migrate(database)
    assert before == after


async def test_the_app_reads_zero_rows_with_no_caller_set(db: Database, database: URL) -> None:
    async with db.begin() as connection:
        assert await connection.scalar(text("SELECT current_user")) == "hallpass_app"
        for table in ("resource", "access", "student", "authority", "agreement", "release", "provision", "disclosure"):
            assert await connection.scalar(text(f"SELECT count(*) FROM hallpass.{table}")) == 0


async def test_a_schema_of_another_version_stops_the_start(server: URL) -> None:
    async with empty_database(server) as url:
        await check(url)
        await execute(url, "UPDATE hallpass.alembic_version SET version_num = '9999'")
        with pytest.raises(WrongSchema, match="newer"):
            await check(url)


async def test_functions_of_another_version_stop_the_start_until_they_are_migrated(server: URL) -> None:
    async with empty_database(server) as url:
        await check(url)
        await execute(url, "UPDATE hallpass.applied_schema SET code = 'another'")
        with pytest.raises(WrongSchema, match="hallpass migrate"):
            await check(url)
        await migrate(url)
        await check(url)
