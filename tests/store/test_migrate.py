"""Migrations make what the code expects, and a database of another version is refused."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.store.engine import Database
from app.store.migrate import WrongSchema, check, migrate
from app.store.tables import metadata


async def test_the_tables_in_the_code_are_those_in_the_database(database: URL) -> None:
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
                            kind in ("table", "column") and not name.startswith("disclosure_")
                        ),
                    },
                ),
                metadata,
            )
        )
    await engine.dispose()
    assert [d for d in found if d[0] in ("add_table", "remove_table", "add_column", "remove_column")] == []


async def test_migrating_twice_changes_nothing(database: URL) -> None:
    before, after = await migrate(database)
    assert before == after


async def test_the_app_reads_zero_rows_with_no_caller_set(db: Database, database: URL) -> None:
    async with db.begin() as connection:
        assert await connection.scalar(text("SELECT current_user")) == "hallpass_app"
        for table in ("resource", "access", "student", "authority", "agreement", "release", "provision", "disclosure"):
            assert await connection.scalar(text(f"SELECT count(*) FROM hallpass.{table}")) == 0


async def test_a_schema_of_another_version_stops_the_start(server: URL) -> None:
    url = server.set(database="hallpass_test_wrong")
    await check(url)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE hallpass.alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(WrongSchema, match="newer"):
        await check(url)
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("DROP DATABASE hallpass_test_wrong WITH (FORCE)"))
    await engine.dispose()
