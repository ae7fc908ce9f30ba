"""Who is signed in. A cookie holds a secret, the database its digest; both are new at each sign-in.

https://datatracker.ietf.org/doc/html/rfc6265#section-8.4
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import text

from app.db.engine import Database
from app.keyring import Keyring
from app.ledger import security_log
from app.office.roles import ROLES
from app.office.staff import Staff, digest

IDLE_SECONDS = 20 * 60
WHOLE_SECONDS = 8 * 3600
_USE_LINK = text("SELECT hallpass.use_staff_link(:link, :session, :seconds)")
_BEGIN = text("SELECT hallpass.begin_staff_session(:client, :session, :seconds)")
_STAFF = text("SELECT * FROM hallpass.staff_of_session(:session, :idle)")
_END = text("SELECT hallpass.end_staff_session(:session, :token)")


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session in the office. *Not* a caller's transaction, which is `app.session`."""

    secret: str

    @property
    def digest(self) -> bytes:
        """By which the database knows it."""
        return digest(self.secret)

    @property
    def token(self) -> str:
        """What stands in the place of a token's id: revoked at the end, it discloses nothing any more."""
        return f"office {self.digest.hex()[:32]}"


def new() -> Session:
    """A session that nobody knows yet."""
    return Session(secrets.token_urlsafe(32))


async def enter(db: Database, link: str) -> Session | None:
    """Sign in by a one-time link; None for one that is none, was used, is too old, or is of who was shut out."""
    session = new()
    values = {"link": digest(link), "session": session.digest, "seconds": WHOLE_SECONDS}
    async with db.begin() as connection:
        client = await connection.scalar(_USE_LINK, values)
        if client is None:
            return None
        await security_log.record(connection, "login", client, "0", "office: one-time link")
    return session


async def begin(db: Database, client: str, how: str) -> Session | None:
    """Sign in a person who has proved themselves; None for one who was shut out."""
    session = new()
    values = {"client": client, "session": session.digest, "seconds": WHOLE_SECONDS}
    async with db.begin() as connection:
        if not await connection.scalar(_BEGIN, values):
            return None
        await security_log.record(connection, "login", client, "0", how)
    return session


async def staff_of(db: Database, session: Session) -> Staff | None:
    """Who is signed in; None where the session has ended, or was not used for IDLE_SECONDS."""
    async with db.begin() as connection:
        row = (await connection.execute(_STAFF, {"session": session.digest, "idle": IDLE_SECONDS})).one_or_none()
    if row is None or row.role not in ROLES:
        return None
    role = ROLES[row.role]
    caseload = None if row.caseload is None else tuple(row.caseload)
    scopes, purposes = tuple(row.scopes), frozenset(row.purposes)
    return Staff(row.client, row.organization, row.name, row.address, role, scopes, purposes, caseload=caseload)


async def end(db: Database, session: Session) -> None:
    """Sign out."""
    async with db.begin() as connection:
        await connection.execute(_END, {"session": session.digest, "token": session.token})


def form_token(keyring: Keyring, secret: str) -> str:
    """What a form carries, so that another site cannot send it: bound to the browser's own secret."""
    return hmac.digest(keyring.derive("office forms"), secret.encode(), sha256).hex()
