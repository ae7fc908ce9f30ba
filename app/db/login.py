"""The login of the application: a random name and password, kept where the owner of the tables alone reads them.

The role `hallpass_app` has the grants and cannot log in. Each database has a login of its own that may become that role
and nothing else; PostgreSQL gets a verifier of its password, never the password. docs/decisions/0026-secrets.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.address import open_engine

APP_ROLE = "hallpass_app"
LOCK = 0x686C6F67
ROUNDS = 4096
_GROUP = f"""
    DO $$ BEGIN
        CREATE ROLE {APP_ROLE} NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database's, or another process was first
    END $$
"""
_CLOSED = f"""
    DO $$ BEGIN
        IF (SELECT rolcanlogin FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
            ALTER ROLE {APP_ROLE} NOLOGIN PASSWORD NULL;
        END IF;
    END $$
"""  # noqa: S608 - a constant of ours
_CURRENT = text("SELECT role, password FROM hallpass.app_login WHERE retired IS NULL ORDER BY created DESC LIMIT 1")


@dataclass(frozen=True, slots=True)
class Login:
    """A role that may log in, and its password."""

    role: str
    password: str


async def make_group(connection: AsyncConnection) -> None:
    """Make the role that has the grants, which all databases of a server share, where it is absent."""
    await connection.exec_driver_sql(_GROUP)
    await connection.exec_driver_sql(_CLOSED)


async def group_exists(connection: AsyncConnection) -> bool:
    """Whether this server has the role: a dump that was restored elsewhere comes without it."""
    return bool(await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": APP_ROLE}))


async def ensure(connection: AsyncConnection) -> None:
    """Make this database's login where it has none, or where its server does not know it."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    row = (await connection.execute(_CURRENT)).one_or_none()
    if row is None:
        await _add(connection)
    elif not await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": row.role}):
        await _create(connection, Login(row.role, row.password))


async def rotate(connection: AsyncConnection) -> None:
    """Give new connections a new login. The one before works until the next rotation, for servers that run."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    for role in list(await connection.scalars(text("SELECT role FROM hallpass.app_login WHERE retired IS NOT NULL"))):
        await connection.exec_driver_sql(f"DROP ROLE IF EXISTS {role}")
        await connection.execute(text("DELETE FROM hallpass.app_login WHERE role = :role"), {"role": role})
    await connection.execute(text("UPDATE hallpass.app_login SET retired = clock_timestamp()"))
    await _add(connection)


async def read(owner: URL) -> Login:
    """The login for new connections, read as the owner."""
    engine = open_engine(owner)
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(_CURRENT)).one()
            return Login(row.role, row.password)
    finally:
        await engine.dispose()


async def _add(connection: AsyncConnection) -> None:
    login = Login(f"{APP_ROLE}_{secrets.token_hex(8)}", secrets.token_urlsafe(32))
    values = {"role": login.role, "password": login.password}
    await connection.execute(text("INSERT INTO hallpass.app_login (role, password) VALUES (:role, :password)"), values)
    await _create(connection, login)


async def _create(connection: AsyncConnection, login: Login) -> None:
    """The statement reaches the server's log if that keeps statements: so it holds a verifier."""
    sql = f"CREATE ROLE {login.role} LOGIN NOINHERIT IN ROLE {APP_ROLE} PASSWORD '{verifier(login.password)}'"
    await connection.exec_driver_sql(sql)
    await connection.exec_driver_sql(f"ALTER ROLE {login.role} SET role = {APP_ROLE}")


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL keeps of a password. https://datatracker.ietf.org/doc/html/rfc5803"""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    told = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ROUNDS}:{told[0]}${told[1]}:{told[2]}"
