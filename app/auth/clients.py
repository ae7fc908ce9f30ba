"""The registry of clients: which organization each belongs to, and the most that it may be granted.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html

The functions take a connection: the app's role reads the registry, and only the owner's writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import RowMapping, func, insert, null, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.addresses import Refused, check_url
from app.auth.keyset import registrable
from app.auth.purposes import BTG, PURPOSES
from app.db.engine import sqlstate
from app.db.tables import client as table
from app.errors import HallpassError, Issue, Kind
from app.ledger import security_log
from app.scopes import EMERGENCY, Scope, parse_scope

ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. `scopes` are v2 strings; just one of `jwks` and `jwks_uri` is there."""

    id: str
    organization: UUID
    name: str
    scopes: tuple[str, ...]
    purposes: frozenset[str]
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    emergency: bool = False
    disabled: datetime | None = None

    @property
    def held(self) -> frozenset[Scope]:
        """The most that a token of this client may carry."""
        scopes = frozenset(parse_scope(s) for s in self.scopes)
        return scopes | {EMERGENCY} if self.emergency else scopes


def registration(
    *,
    organization: UUID,
    name: str,
    scopes: Iterable[str],
    purposes: Iterable[str],
    jwks: Any = None,
    jwks_uri: str | None = None,
    emergency: bool = False,
    id: str | None = None,
    allow_http: bool = False,
) -> Client:
    """A client that can be added, with an id of its own unless one is given.

    Raises HallpassError(UNPROCESSABLE) with one issue for each fault.
    """
    scopes, purposes = list(scopes), frozenset(purposes)
    issues: list[Issue] = []
    if id is not None and not ID.fullmatch(id):
        issues.append(Issue("A client id has up to 128 letters, digits, '.', '_', '~' and '-'.", "id"))
    if not name.strip():
        issues.append(Issue("The client needs a name.", "name"))
    if not scopes or not all(_registrable_scope(s) for s in scopes):
        issues.append(Issue("Scopes are system/Type.letters, at least one, none with a query.", "scopes"))
    if not purposes <= PURPOSES or (BTG in purposes and not emergency):
        issues.append(Issue(f"Purposes are of {' '.join(sorted(PURPOSES))}; BTG asks for emergency.", "purposes"))
    try:
        keys = _key_source(jwks, jwks_uri, allow_http=allow_http)
    except HallpassError as e:
        raise HallpassError(Kind.UNPROCESSABLE, *issues, *e.issues) from None
    if issues:
        raise HallpassError(Kind.UNPROCESSABLE, *issues)
    spelled = tuple(dict.fromkeys(parse_scope(s).text for s in scopes))
    return Client(id or str(uuid4()), organization, name.strip(), spelled, purposes, *keys, emergency)


async def add(connection: AsyncConnection, client: Client) -> None:
    """Register a client. Raises HallpassError: CONFLICT for a taken id, UNPROCESSABLE for no such organization."""
    values = {
        "id": client.id,
        "organization": client.organization,
        "name": client.name,
        "scopes": list(client.scopes),
        "purposes": sorted(client.purposes),
        "emergency": client.emergency,
        **_columns(client.jwks, client.jwks_uri),
    }
    try:
        await connection.execute(insert(table).values(values))
    except IntegrityError as e:
        if sqlstate(e) == "23505":
            raise HallpassError(Kind.CONFLICT, Issue("A client with this id is registered.", "id")) from e
        if sqlstate(e) == "23503":
            raise HallpassError(
                Kind.UNPROCESSABLE, Issue("There is no organization with this id.", "organization")
            ) from e
        raise
    await security_log.record_command(connection, client.organization, f"client {client.id} added")


async def get(connection: AsyncConnection, id: str) -> Client | None:
    """The client, also a disabled one; None when there is none."""
    if not ID.fullmatch(id):
        return None
    row = (await connection.execute(select(table).where(table.c.id == id))).mappings().one_or_none()
    return _client(row) if row else None


async def everyone(connection: AsyncConnection) -> list[Client]:
    """All clients by name, disabled ones too."""
    rows = (await connection.execute(select(table).order_by(table.c.name, table.c.id))).mappings()
    return [_client(row) for row in rows]


async def last_logins(connection: AsyncConnection) -> dict[str, datetime]:
    """When each client last got a token, in UTC, by its id; read as the owner of the tables."""
    rows = await connection.execute(
        text(
            "SELECT client, max(last) AS at FROM hallpass.event WHERE kind = 'login' AND outcome = '0' GROUP BY client"
        )
    )
    return {row.client: row.at.astimezone(UTC) for row in rows}


async def rotate_key(
    connection: AsyncConnection, id: str, *, jwks: Any = None, jwks_uri: str | None = None, allow_http: bool = False
) -> None:
    """Put a client's keys in the place of those before; a set that holds both lets it change over at its leisure.

    Raises HallpassError: UNPROCESSABLE as `registration` does, NOT_FOUND for no such client.
    """
    await _change(connection, id, _columns(*_key_source(jwks, jwks_uri, allow_http=allow_http)), "has new keys")


async def disable(connection: AsyncConnection, id: str, at: datetime) -> None:
    """Shut a client out, its running tokens as well, once this is committed. Raises HallpassError(NOT_FOUND).

    It waits for nothing that the client does. `await_disclosures`, afterwards, waits for what was checked just before.
    """
    await _change(connection, id, {"disabled": func.coalesce(table.c.disabled, at)}, "disabled")


async def await_disclosures(connection: AsyncConnection, id: str) -> None:
    """Wait until no disclosure to a client that was disabled is between its last check and its commit."""
    await connection.execute(text("SELECT hallpass.await_disclosures(:id, NULL)"), {"id": id})


async def _change(connection: AsyncConnection, id: str, values: dict[str, Any], what: str) -> None:
    changed = update(table).where(table.c.id == id).values(values).returning(table.c.organization)
    organization = await connection.scalar(changed)
    if organization is None:
        raise HallpassError(Kind.NOT_FOUND, Issue("There is no client with this id.", "id"))
    await security_log.record_command(connection, organization, f"client {id} {what}")


def _key_source(jwks: Any, jwks_uri: str | None, *, allow_http: bool) -> tuple[dict[str, Any] | None, str | None]:
    if (jwks is None) == (jwks_uri is None):
        raise HallpassError(Kind.UNPROCESSABLE, Issue("A client has either a JWKS or a JWKS URL.", "jwks"))
    if jwks_uri is None:
        return registrable(jwks), None
    try:
        check_url(jwks_uri, allow_http=allow_http)
    except Refused:
        text = "A JWKS URL is https, without credentials and fragment."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "jwks_uri")) from None
    return None, jwks_uri


def _columns(jwks: dict[str, Any] | None, jwks_uri: str | None) -> dict[str, Any]:
    """The two columns; SQL NULL, as a JSONB column takes None for the JSON value null."""
    return {"jwks": null() if jwks is None else jwks, "jwks_uri": jwks_uri}


def _registrable_scope(text: str) -> bool:
    try:
        scope = parse_scope(text)
    except HallpassError:
        return False
    return not scope.query and scope != EMERGENCY


def _client(row: RowMapping) -> Client:
    values = {**row, "scopes": tuple(row["scopes"]), "purposes": frozenset(row["purposes"])}
    del values["created"]
    return Client(**values)
