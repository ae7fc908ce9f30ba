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
from app.store.terms_tables import TERM_TABLES
from tests.store.earlier import database_at, rows


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
    assert {t.metadata for t in TERM_TABLES} == {metadata}
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
    await check(url, create=True)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE hallpass.alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(WrongSchema, match="newer"):
        await check(url, create=True)
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("DROP DATABASE hallpass_test_wrong WITH (FORCE)"))
    await engine.dispose()


OF_0007 = (
    "ALTER TABLE hallpass.access ADD COLUMN custodian uuid NOT NULL",
    "CREATE VIEW hallpass.open_access AS SELECT * FROM hallpass.access",
    "DROP POLICY see ON hallpass.resource",
    "CREATE POLICY see ON hallpass.resource"
    " USING (EXISTS (SELECT 1 FROM hallpass.open_access a WHERE a.id = resource.id))",
    "CREATE FUNCTION hallpass.in_directory(type text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE FUNCTION hallpass.seen(p_ids uuid[]) RETURNS TABLE (type text, id uuid, student uuid) LANGUAGE sql"
    " AS 'SELECT NULL::text, NULL::uuid, NULL::uuid'",
)
"""What 0006 brought for a time, in outline."""
WALL = """
    SELECT polrelid::regclass::text, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'see'
    UNION ALL SELECT oid::regprocedure::text, prosrc FROM pg_proc WHERE pronamespace = 'hallpass'::regnamespace
    UNION ALL SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = 'hallpass.access'::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'open_access', pg_get_viewdef('hallpass.open_access'::regclass) ORDER BY 1, 2
"""


async def test_a_database_to_which_0006_brought_more_comes_to_the_same(server: URL, database: URL) -> None:
    async with database_at(server, "0006", *OF_0007) as url:
        assert (await migrate(url))[0] == "0006"
        assert await rows(url, WALL) == await rows(database, WALL)
