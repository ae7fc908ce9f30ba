"""schema/ is the truth: a new database, a migrated one and migrations/schema.sql are the same."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import URL

from app.db import schema
from app.db.migrate import Source, WrongSchema, migrate
from app.resources import REGISTRY, Visibility
from tests.databases import empty_database, execute, rows
from tests.db.sources import edit, source
from tools.schema import FILE, dump

__all__ = ["source"]

OBJECTS = {
    "tables": "SELECT relname FROM pg_class WHERE relnamespace = 'hallpass'::regnamespace AND relkind IN ('r', 'p')"
    " AND NOT relispartition AND relname <> 'alembic_version'",
    "views": "SELECT relname FROM pg_class WHERE relnamespace = 'hallpass'::regnamespace AND relkind = 'v'",
    "functions": "SELECT proname FROM pg_proc WHERE pronamespace = 'hallpass'::regnamespace",
    "policies": "SELECT DISTINCT tablename FROM pg_policies WHERE schemaname = 'hallpass'",
    "types": "SELECT relname FROM pg_class WHERE relnamespace = 'hallpass'::regnamespace AND relkind = 'c'"
    " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'hallpass'::regnamespace AND typtype = 'e'",
}
"""By folder of schema/, which names its files have."""


async def baseline(server: URL, owner: URL) -> None:
    """Make the database as the first migration of a released version left it."""
    kept = FILE.with_name("baseline.sql")  # kept from the day on that a second migration alters what it says
    script = (kept if kept.exists() else FILE).read_text()
    await execute(owner, f"SET check_function_bodies = off;\n{script}")
    await execute(owner, "INSERT INTO hallpass.alembic_version VALUES ('0001')")


async def _same_server(owner: URL) -> None:
    version = (await rows(owner, "SHOW server_version_num"))[0][0]
    if int(version) // 10000 != 18:
        pytest.skip("schema.sql is written with PostgreSQL 18; another version words some things differently")


async def test_a_new_database_is_what_the_file_says(database: URL) -> None:
    await _same_server(database)
    assert dump(database) == FILE.read_text(), "run `make schema`"


async def test_a_migrated_database_is_what_the_file_says(server: URL, template: URL) -> None:
    await _same_server(template)
    async with empty_database(server) as url:
        await baseline(server, url)
        assert (await migrate(url))[0] == "0001"
        assert dump(url) == FILE.read_text()


@pytest.mark.parametrize("folder", OBJECTS)
async def test_each_file_is_named_for_its_object(database: URL, folder: str) -> None:
    assert {path.stem for path in (schema.FOLDER / folder).glob("*.sql")} == {
        r[0] for r in await rows(database, OBJECTS[folder])
    }


def test_a_file_defines_one_object() -> None:
    for path in (f for kind in OBJECTS for f in (schema.FOLDER / kind).glob("*.sql")):
        named = re.findall(
            r"^(?:CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW|TYPE)|CREATE POLICY \w+ ON|CREATE TABLE) hallpass\.(\w+)",
            re.sub(r"^CREATE TABLE .* PARTITION OF .*$", "", path.read_text(), flags=re.M),
            flags=re.M,
        )
        assert set(named) == {path.stem}, path


async def test_a_changed_function_is_in_force_after_migrating(server: URL, source: Source) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        edit(source, "functions/statement_time.sql", "statement_timestamp()", "timestamptz '2026-09-01'")
        await migrate(url, source)
        assert str((await rows(url, "SELECT hallpass.statement_time()"))[0][0]).startswith("2026-09-01")


async def test_a_policy_and_a_grant_that_were_taken_out_are_gone_after_migrating(server: URL, source: Source) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        (source.schema / "policies" / "event.sql").unlink()
        edit(
            source,
            "grants.sql",
            "GRANT SELECT ON hallpass.disclosure, hallpass.event TO",
            "GRANT SELECT ON hallpass.disclosure TO",
        )
        await migrate(url, source)
        assert not await rows(url, "SELECT 1 FROM pg_policies WHERE schemaname = 'hallpass' AND tablename = 'event'")
        assert not (await rows(url, "SELECT has_table_privilege('hallpass_app', 'hallpass.event', 'SELECT')"))[0][0]


async def test_a_changed_table_without_a_migration_is_refused(server: URL, source: Source) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        edit(
            source,
            "tables/revoked_token.sql",
            "expires timestamptz NOT NULL",
            "expires timestamptz NOT NULL,\n    note    text",
        )
        with pytest.raises(WrongSchema, match="Add a migration"):
            await migrate(url, source)


async def test_a_migration_alters_a_table_and_the_functions_follow(server: URL, source: Source) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        edit(
            source,
            "tables/revoked_token.sql",
            "expires timestamptz NOT NULL",
            "expires timestamptz NOT NULL,\n    note    text",
        )
        (source.migrations / "versions" / "0002_note.py").write_text(
            'from alembic import op\n\nrevision = "0002"\ndown_revision = "0001"\n\n\n'
            'def upgrade():\n    op.execute("ALTER TABLE hallpass.revoked_token ADD COLUMN note text")\n'
        )
        assert await migrate(url, source) == ("0001", "0002")
        async with empty_database(server) as new:
            assert await migrate(new, source) == (None, "0002")
            assert dump(new) == dump(url)


async def test_a_migration_does_not_wait_for_a_lock_behind_which_requests_would_queue(
    server: URL, source: Source
) -> None:
    env = (source.migrations / "env.py").read_text()
    assert re.search(r'^LOCK_TIMEOUT = "500ms"$', env, flags=re.M)
    (source.migrations / "versions" / "0002_told.py").write_text(
        'from alembic import op\n\nrevision = "0002"\ndown_revision = "0001"\n\n\ndef upgrade():\n'
        "    op.execute(\"CREATE TABLE hallpass.told AS SELECT current_setting('lock_timeout') AS lock,\"\n"
        "               \" current_setting('statement_timeout') AS statement\")\n"
    )
    async with empty_database(server) as url:
        await migrate(url)
        await migrate(url, source)
        assert tuple((await rows(url, "SELECT * FROM hallpass.told"))[0]) == ("500ms", "1min")


async def test_the_database_takes_the_types_of_the_directory_from_the_registry(database: URL) -> None:
    for declared in REGISTRY:
        [[directory]] = await rows(database, f"SELECT hallpass.in_directory('{declared.name}')")
        assert directory is (declared.visibility is Visibility.DIRECTORY), declared.name


def test_no_file_of_the_schema_lists_the_types_that_the_registry_declares_for_it() -> None:
    directory = [t.name for t in REGISTRY if t.visibility is Visibility.DIRECTORY]
    for path in schema.FOLDER.rglob("*.sql"):
        assert not [name for name in directory if f"'{name}'" in path.read_text()], path
    written = [t.name for t in REGISTRY if t.party_writes]
    for path in (schema.FOLDER / "policies").glob("*.sql"):
        assert not [name for name in written if f"'{name}'" in path.read_text()], path
