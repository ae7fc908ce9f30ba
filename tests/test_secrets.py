"""What is secret is not to be had from the database: not by the app's role, nor with a dump, nor from the program."""

from __future__ import annotations

import base64
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from app.auth.jose import generate, to_pem
from app.auth.keys import Keys, discard, require_ours, reseal
from app.db import login
from app.db.engine import Database, owner_transaction
from app.db.migrate import WrongSchema, check, migrate
from app.keyring import Keyring, WrongKey, default_file, new
from app.settings import Settings, UnsafeSettings
from tests.databases import empty_database, execute, rows
from tests.running import fresh_environment, hallpass

NOW = 1_790_000_000.0
ONE, OTHER = bytes(32), bytes([1] * 32)


def clock() -> float:
    return NOW


# The app's login


async def test_the_apps_role_reads_neither_its_login_nor_a_signing_key(db: Database) -> None:
    await Keys(db, clock, Keyring([ONE]), token_seconds=60).current()
    async with db.begin() as connection:
        (sealed,) = (await connection.execute(text("SELECT sealed FROM hallpass.signing_key"))).one()
    assert "PRIVATE KEY" not in sealed
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db.begin() as connection:
            await connection.execute(text("SELECT * FROM hallpass.app_login"))


async def test_nobody_logs_in_as_the_role_that_has_the_grants(database: URL) -> None:
    (row,) = await rows(database, "SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'hallpass_app'")
    assert (row["rolcanlogin"], row["rolsuper"]) == (False, False)


async def test_what_leaves_the_apps_role_behind_has_no_rights_at_all(db: Database) -> None:
    for left in ("SET ROLE NONE", "SET SESSION AUTHORIZATION DEFAULT"):
        with pytest.raises(DBAPIError, match="permission denied"):  # noqa: PT012 - a transaction
            async with db.begin() as connection:
                await connection.exec_driver_sql(left)
                await connection.exec_driver_sql("SET ROLE NONE")
                await connection.exec_driver_sql("SELECT 1 FROM hallpass.resource")


async def test_each_database_has_a_login_of_its_own_with_a_password_that_cannot_be_derived(server: URL) -> None:
    async with empty_database(server) as one, empty_database(server) as other:
        await migrate(one)
        await migrate(other)
        logins = {(await login.read(url)) for url in (one, other)}
        assert len({found.role for found in logins}) == 2
        assert all(len(found.password) >= 32 for found in logins)


async def test_postgresql_takes_the_verifier_for_the_password(database: URL) -> None:
    """As PostgreSQL itself computes it for the same salt."""
    role = "hallpass_test_verifier"
    await execute(database, f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} PASSWORD 'a password'")
    (row,) = await rows(database, f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")
    await execute(database, f"DROP ROLE {role}")
    salt = base64.b64decode(row["rolpassword"].split(":")[1].split("$")[0])
    assert login.verifier("a password", salt) == row["rolpassword"]


async def test_after_a_rotation_new_connections_use_the_new_login_and_the_old_one_ends_with_the_next(
    server: URL,
) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        db = Database(url)
        async with db.begin() as connection:
            first = await connection.scalar(text("SELECT session_user"))
        for _ in range(2):
            async with owner_transaction(url) as connection:
                await login.rotate(connection)
        await db.engine.dispose()
        async with db.begin() as connection:
            assert await connection.scalar(text("SELECT session_user")) != first
            assert await connection.scalar(text("SELECT current_user")) == "hallpass_app"
        await db.dispose()
        assert not await rows(url, f"SELECT 1 FROM pg_roles WHERE rolname = '{first}'")


async def test_a_database_restored_without_its_roles_is_refused_until_it_is_migrated(server: URL) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        role = (await login.read(url)).role
        await execute(url, f"DROP ROLE {role}; REVOKE ALL ON ALL TABLES IN SCHEMA hallpass FROM hallpass_app")
        await check(url)  # the login is made again by itself, the grants are the migration's
        await migrate(url)
        db = Database(url)
        async with db.begin() as connection:
            assert await connection.scalar(text("SELECT session_user")) == role
        await db.dispose()


async def test_a_server_that_knows_nothing_of_the_apps_role_is_told_of(
    server: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with empty_database(server) as url:
        await migrate(url)
        await execute(url, "REVOKE SELECT ON hallpass.client FROM hallpass_app")
        monkeypatch.setattr(login, "group_exists", absent)
        with pytest.raises(WrongSchema, match="restored on a server without its roles: run `hallpass migrate`"):
            await check(url)
        await migrate(url)
        (row,) = await rows(url, "SELECT has_table_privilege('hallpass_app', 'hallpass.client', 'SELECT') AS may")
        assert row["may"]


async def absent(_connection: object) -> bool:
    return False


# The key that seals


@pytest_asyncio.fixture
async def sealed(db: Database) -> AsyncIterator[Callable[[Keyring], Keys]]:
    """A signing key, sealed with ONE."""
    async with owner_transaction(db.owner) as connection:
        await connection.execute(text("DELETE FROM hallpass.signing_key"))
    await Keys(db, clock, Keyring([ONE]), token_seconds=60).current()
    yield lambda keyring: Keys(db, clock, keyring, token_seconds=60)


async def test_what_was_sealed_opens_under_its_name_alone() -> None:
    keyring = Keyring([ONE])
    pem = to_pem(generate())
    assert keyring.open("a", keyring.seal("a", pem)) == pem
    for wrong in (
        lambda: keyring.open("b", keyring.seal("a", pem)),
        lambda: Keyring([OTHER]).open("a", keyring.seal("a", pem)),
    ):
        with pytest.raises(WrongKey):
            wrong()


async def test_a_key_replaces_another_without_an_end_to_any_token(
    db: Database, sealed: Callable[[Keyring], Keys]
) -> None:
    before = (await sealed(Keyring([ONE])).current())["kid"]
    both = Keyring([OTHER, ONE])
    assert (await sealed(both).current())["kid"] == before
    async with owner_transaction(db.owner) as connection:
        assert await reseal(connection, both) == 1
        await require_ours(connection, Keyring([OTHER]))
    assert (await sealed(Keyring([OTHER])).current())["kid"] == before


async def test_keys_that_cannot_be_opened_are_refused_and_can_be_discarded(
    db: Database, sealed: Callable[[Keyring], Keys]
) -> None:
    lost = Keyring([OTHER])
    assert (await sealed(lost).published())["keys"] == []
    async with owner_transaction(db.owner) as connection:
        with pytest.raises(WrongKey):
            await require_ours(connection, lost)
        assert await discard(connection, lost) == 1
        await require_ours(connection, lost)


def test_without_a_key_one_is_made_that_its_owner_alone_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HALLPASS_KEY")
    settings = Settings(data_dir=tmp_path / "data")
    first = Keyring.of(settings)
    assert stat.S_IMODE(default_file(settings).stat().st_mode) == 0o600
    assert Keyring.of(settings).open("a", first.seal("a", "text")) == "text"


@pytest.mark.parametrize("key", ["", "short", "c2hvcnQ=", "not base64!"])
def test_a_key_that_is_none_is_refused_by_its_variable_and_never_shown(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALLPASS_KEY", key)
    with pytest.raises(UnsafeSettings, match="HALLPASS_KEY: each key is 32 bytes") as refused:
        Keyring.of(Settings())
    assert not key or key not in str(refused.value)


def test_a_key_can_be_in_a_file_and_not_in_two_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    monkeypatch.setenv("HALLPASS_KEY_FILE", str(file))
    with pytest.raises(UnsafeSettings, match="keep one of them"):
        Keyring.of(Settings())
    monkeypatch.delenv("HALLPASS_KEY")
    with pytest.raises(UnsafeSettings, match="cannot be read"):
        Keyring.of(Settings())
    file.write_text(f"{new()}\n{new()}\n")
    Keyring.of(Settings())


def test_the_commands_replace_the_key_and_say_when_it_is_the_wrong_one(database: URL, tmp_path: Path) -> None:
    one, other = new(), new()
    environment = fresh_environment(tmp_path) | {"DATABASE_URL": database.render_as_string(hide_password=False)}

    def run(*arguments: str, key: str) -> tuple[int, str]:
        result = hallpass("keys", *arguments, environment={**environment, "HALLPASS_KEY": key})
        return result.exit_code, result.output

    assert run("rotate", "--discard", key=one)[0] == 0
    code, said = run("rotate", key=other)
    assert (code, "sealed with another key" in said) == (2, True)
    assert run("reseal", key=f"{other},{one}")[0] == 0
    assert run("rotate", key=other)[0] == 0
    assert run("rotate-login", key=other)[0] == 0
    assert run("new", key=other)[0] == 0
