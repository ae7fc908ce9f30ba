"""Who vouches for a member's staff: its OpenID Connect providers, as the operator registers them.

The operator writes them as the owner of the tables; the application reads one by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.addresses import Refused, check_url
from app.db.auth_tables import sign_in_provider as table
from app.db.engine import Database, sqlstate
from app.errors import HallpassError, Issue, Kind
from app.keyring import Keyring

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SEALED = "sign-in provider"
_ONE = text("SELECT * FROM hallpass.sign_in_provider(:name)")


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider: its issuer, and the client that the exchange is to it."""

    name: str
    organization: UUID
    issuer: str
    client_id: str
    secret: str | None = None


async def add(connection: AsyncConnection, provider: Provider, keyring: Keyring, *, allow_http: bool) -> None:
    """Register one. Raises HallpassError: UNPROCESSABLE for what cannot be, CONFLICT for a name that is taken."""
    issues: list[Issue] = []
    if not _NAME.fullmatch(provider.name) or len(provider.name) > 60:
        issues.append(Issue("The name is in an address: lower-case letters, digits and hyphens.", "name"))
    try:
        check_url(provider.issuer, allow_http=allow_http)
    except Refused:
        issues.append(Issue("The issuer is an https URL, as the provider's configuration has it.", "issuer"))
    if not provider.client_id.strip():
        issues.append(Issue("The provider gives you a client id. Say which.", "client_id"))
    if issues:
        raise HallpassError(Kind.UNPROCESSABLE, *issues)
    values = {
        "name": provider.name,
        "organization": provider.organization,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "sealed": keyring.seal(_SEALED, provider.secret) if provider.secret else None,
    }
    try:
        await connection.execute(insert(table).values(values))
    except IntegrityError as e:
        if sqlstate(e) == "23505":
            raise HallpassError(Kind.CONFLICT, Issue("A provider has this name.", "name")) from e
        raise HallpassError(Kind.UNPROCESSABLE, Issue("There is no such organization.", "organization")) from e


async def everyone(connection: AsyncConnection) -> list[Provider]:
    """All providers by name, without their secrets."""
    rows = await connection.execute(select(table).order_by(table.c.name))
    return [Provider(r.name, r.organization, r.issuer, r.client_id) for r in rows]


async def remove(connection: AsyncConnection, name: str) -> None:
    """Take one away: nobody signs in by it from then on. Raises NOT_FOUND."""
    removed = await connection.execute(delete(table).where(table.c.name == name).returning(table.c.name))
    if removed.one_or_none() is None:
        raise HallpassError(Kind.NOT_FOUND, Issue("There is no provider with this name.", "name"))


async def named(db: Database, keyring: Keyring, name: str) -> Provider | None:
    """The provider of a sign-in page, with its secret."""
    if not _NAME.fullmatch(name):
        return None
    async with db.begin() as connection:
        row = (await connection.execute(_ONE, {"name": name})).one_or_none()
    if row is None:
        return None
    secret = keyring.open(_SEALED, row.sealed) if row.sealed else None
    return Provider(row.name, row.organization, row.issuer, row.client_id, secret)
