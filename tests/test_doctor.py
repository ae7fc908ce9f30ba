"""`hallpass doctor` finds what is unsafe, and says what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import URL

from app.keyring import new
from tests.databases import execute
from tests.running import fresh_environment, hallpass

KEY = new()


def doctor(database: URL, folder: Path, **settings: str) -> tuple[int, str]:
    environment = fresh_environment(folder) | {"DATABASE_URL": database.render_as_string(hide_password=False)}
    found = hallpass("doctor", environment=environment | {"HALLPASS_KEY": KEY} | settings)
    return found.exit_code, found.output


def test_a_database_as_it_was_made_has_nothing_to_mend(database: URL, tmp_path: Path) -> None:
    status, said = doctor(database, tmp_path)
    assert (status, "MEND" in said) == (0, False), said
    assert "note  no synchronous standby" in said


@pytest.mark.parametrize(
    ("done", "undone", "said"),
    [
        (
            "ALTER TABLE hallpass.resource DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE hallpass.resource ENABLE ROW LEVEL SECURITY",
            "row-level security is off for hallpass.resource",
        ),
        (
            "GRANT DELETE ON hallpass.disclosure TO hallpass_app",
            "REVOKE DELETE ON hallpass.disclosure FROM hallpass_app",
            "may change hallpass.disclosure",
        ),
        (
            "GRANT SELECT ON hallpass.app_login TO hallpass_app",
            "REVOKE SELECT ON hallpass.app_login FROM hallpass_app",
            "may read its own login",
        ),
        (
            "GRANT EXECUTE ON FUNCTION hallpass.set_operator TO hallpass_app",
            "REVOKE EXECUTE ON FUNCTION hallpass.set_operator FROM hallpass_app",
            "may call hallpass.set_operator",
        ),
        ("ALTER ROLE hallpass_app BYPASSRLS", "ALTER ROLE hallpass_app NOBYPASSRLS", "hallpass_app passes by"),
        ("ALTER ROLE hallpass_app LOGIN", "ALTER ROLE hallpass_app NOLOGIN", "hallpass_app can log in"),
        (
            "INSERT INTO hallpass.signing_key VALUES ('k', 'sealed by another', now(), now(), now())",
            "DELETE FROM hallpass.signing_key",
            "HALLPASS_KEY does not open the signing keys",
        ),
    ],
)
async def test_what_must_be_mended_is_found_and_is_the_exit_status(
    database: URL, tmp_path: Path, done: str, undone: str, said: str
) -> None:
    await execute(database, done)
    try:
        status, output = await asyncio.to_thread(doctor, database, tmp_path)
    finally:
        await execute(database, undone)
    assert status == 1
    assert any(line.startswith("MEND") and said in line for line in output.splitlines()), output


def test_a_setting_that_is_unsafe_is_found(database: URL, tmp_path: Path) -> None:
    status, said = doctor(database, tmp_path, HALLPASS_HOST="192.0.2.1", HALLPASS_REQUIRE_AGREEMENT="false")
    assert status == 1
    assert "listens on 192.0.2.1" in said
    assert "releases need no agreement" in said


async def test_migrating_again_takes_back_what_was_granted(database: URL, tmp_path: Path) -> None:
    await execute(database, "GRANT DELETE ON hallpass.disclosure TO hallpass_app")
    environment = fresh_environment(tmp_path) | {"DATABASE_URL": database.render_as_string(hide_password=False)}
    again = await asyncio.to_thread(lambda: hallpass("migrate", "--again", environment=environment))
    assert again.exit_code == 0, again.output
    assert (await asyncio.to_thread(doctor, database, tmp_path))[0] == 0


async def test_a_clock_that_jumped_is_found(database: URL, tmp_path: Path) -> None:
    ahead = """
        CREATE SCHEMA ahead;
        CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql
            AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$;
    """
    await execute(database, f"{ahead} ALTER DATABASE {database.database} SET search_path = ahead, pg_catalog, public")
    status, said = await asyncio.to_thread(doctor, database, tmp_path)
    await execute(database, f"ALTER DATABASE {database.database} RESET search_path; DROP SCHEMA ahead CASCADE")
    assert status == 1
    assert "MEND  the database's clock is 3600 s away from this one. Set both by NTP." in said
