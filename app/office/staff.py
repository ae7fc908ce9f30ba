"""The registry of staff, written by the operator's commands as the owner of the tables. docs/guides/office.md

A person is a client of their own, whose only key is a sign-in: it gets no token. So the ledger, limits, scopes and what
shuts out a client hold for people as for programs.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients
from app.auth.clients import Client
from app.caller import Caller
from app.db.auth_tables import staff as table
from app.db.auth_tables import staff_link, staff_passkey, staff_session
from app.db.tables import client as client_table
from app.errors import HallpassError, Issue, Kind
from app.office.roles import ROLES, Role
from app.resources.refs import as_uuid
from app.scopes import parse_scope

LINK_TIME = timedelta(hours=24)
NOT_A_KEY = "staff:"
"""What stands in the place of a person's keys: no address that keys could be fetched from."""
LONGEST = 100
CASELOAD_TYPES = ("Group", "Practitioner", "PractitionerRole")
_HELD = text("""
    SELECT true FROM hallpass.resource r JOIN hallpass.tree t ON t.id = r.custodian AND t.ancestor = :organization
    WHERE r.type = :type AND r.id = :id AND r.current AND NOT r.deleted
""")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


@dataclass(frozen=True, slots=True)
class Staff:
    """A person of a member's staff."""

    client: str
    organization: UUID
    name: str
    address: str
    role: Role
    scopes: tuple[str, ...]
    purposes: frozenset[str]
    disabled: bool = False
    caseload: tuple[str, ...] | None = None
    """Whose students the person sees: of Groups, or of CareTeams with these in them. None: all that the role does."""

    def caller(self, token: str) -> Caller:
        """The person as the access service takes a caller. The ledger says who it is."""
        agent = (("subject_id", self.address), ("subject_name", self.name), ("subject_role", self.role.title))
        scopes = frozenset(parse_scope(s) for s in self.scopes)
        return Caller(self.client, self.organization, scopes, self.purposes, token, agent)


def digest(secret: str) -> bytes:
    """By which a secret is remembered: it is long and random, so that a plain hash will do."""
    return sha256(secret.encode()).digest()


async def add(
    connection: AsyncConnection,
    organization: UUID,
    name: str,
    address: str,
    role: str,
    caseload: Sequence[str] | None = None,
) -> Staff:
    """Add a person. Raises HallpassError: UNPROCESSABLE for what cannot be, CONFLICT for an address that is there."""
    name, address = " ".join(name.split()), address.strip().lower()
    issues: list[Issue] = []
    if not name or len(name) > LONGEST or not name.isprintable():
        issues.append(Issue(f"The person needs a name of up to {LONGEST} characters.", "name"))
    if not _ADDRESS.fullmatch(address):
        issues.append(Issue("The address is a mail address such as ada@example.org.", "address"))
    if role not in ROLES:
        issues.append(Issue(f"Unknown role. Use one of: {', '.join(ROLES)}.", "role"))
    elif caseload is not None:
        issues += await _caseload_issues(connection, organization, ROLES[role], caseload)
    if issues:
        raise HallpassError(Kind.UNPROCESSABLE, *issues)
    if any(s.address == address and not s.disabled for s in await everyone(connection, organization)):
        raise HallpassError(Kind.CONFLICT, Issue("This address is a person's of the staff already.", "address"))
    found = ROLES[role]
    person = Client(
        f"staff-{uuid4()}", organization, name, found.scopes, found.purposes, jwks_uri=f"{NOT_A_KEY}{address}"
    )
    await clients.add(connection, person)
    kept = None if caseload is None else tuple(caseload)
    values = {"client": person.id, "organization": organization, "name": name, "address": address, "role": role}
    await connection.execute(insert(table).values(**values, caseload=kept))
    return Staff(person.id, organization, name, address, found, found.scopes, found.purposes, caseload=kept)


async def limit(connection: AsyncConnection, person: Staff, caseload: Sequence[str] | None) -> None:
    """Limit a person to a caseload, from the next page that they open on; None: no longer. Raises UNPROCESSABLE."""
    issues = await _caseload_issues(connection, person.organization, person.role, caseload or ())
    if issues:
        raise HallpassError(Kind.UNPROCESSABLE, *issues)
    kept = None if caseload is None else list(caseload)
    await connection.execute(update(table).where(table.c.client == person.client).values(caseload=kept))


async def _caseload_issues(
    connection: AsyncConnection, organization: UUID, role: Role, caseload: Sequence[str]
) -> list[Issue]:
    """What keeps a caseload from being one: its role, or what it names."""
    if caseload and not role.limited:
        limited = ", ".join(r.code for r in ROLES.values() if r.limited)
        return [Issue(f"A caseload is for the roles {limited}.", "caseload")]
    found = []
    for reference in caseload:
        kind, _, name = reference.partition("/")
        resource_id = as_uuid(name) if kind in CASELOAD_TYPES else None
        values = {"type": kind, "id": resource_id, "organization": organization}
        if resource_id is None or not await connection.scalar(_HELD, values):
            text = (
                f"{reference[:LONGEST]} is no {', '.join(CASELOAD_TYPES)} that the organization or a part of it holds."
            )
            found.append(Issue(text, "caseload"))
    return found


async def link(connection: AsyncConnection, client: str, base_url: str) -> str:
    """A new one-time link for a person, by which they sign in; links before it work no more."""
    secret = secrets.token_urlsafe(32)
    await connection.execute(delete(staff_link).where(staff_link.c.client == client))
    expires = datetime.now(UTC) + LINK_TIME
    await connection.execute(insert(staff_link).values(digest=digest(secret), client=client, expires=expires))
    return f"{base_url}/office/enter/{secret}"


async def everyone(connection: AsyncConnection, organization: UUID | None = None) -> list[Staff]:
    """All people by name, of one member or of all; those who were shut out too."""
    c = client_table.c
    statement = select(table, c.scopes, c.purposes, c.disabled).join(client_table, c.id == table.c.client)
    if organization is not None:
        statement = statement.where(table.c.organization == organization)
    rows = await connection.execute(statement.order_by(table.c.name, table.c.client))
    return [
        Staff(r.client, r.organization, r.name, r.address, ROLES[r.role], tuple(r.scopes), frozenset(r.purposes),
              r.disabled is not None, None if r.caseload is None else tuple(r.caseload))
        for r in rows
    ]  # fmt: skip


async def named(connection: AsyncConnection, address: str) -> Staff:
    """The person with an address, or an id. Raises NOT_FOUND for none, CONFLICT where several members have one."""
    people = await everyone(connection)
    found = [s for s in people if s.client == address or (s.address == address.strip().lower() and not s.disabled)]
    if not found:
        raise HallpassError(Kind.NOT_FOUND, Issue("There is nobody with this address. See `hallpass staff list`."))
    if len(found) > 1:
        raise HallpassError(Kind.CONFLICT, Issue("Several members have this address. Name the person by their id."))
    return found[0]


async def disable(connection: AsyncConnection, client: str, at: datetime) -> None:
    """Shut a person out for good: their sessions, links and passkeys end with this commit. Raises NOT_FOUND."""
    await clients.disable(connection, client, at)
    for other in (staff_link, staff_session, staff_passkey):
        await connection.execute(delete(other).where(other.c.client == client))
    await connection.execute(update(table).where(table.c.client == client).values(issuer=None, subject=None))
