"""Access tokens: made, verified once and then remembered, revoked.
https://datatracker.ietf.org/doc/html/rfc9068

What a process remembers is not told to others: whether a token and its client still stand is asked of the database
at the start of each request, by hallpass.set_caller for the exchange and by `stands` for the endpoints here.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, text
from sqlalchemy.dialects.postgresql import insert

from app.auth.clients import Client
from app.auth.jose import BadToken, read, sign, verify
from app.auth.keys import Keys
from app.caller import Caller
from app.db.auth_tables import revoked_token
from app.db.engine import Database
from app.db.tables import client as client_table
from app.errors import HallpassError
from app.scopes import Granted, parse_scope
from app.settings import Settings

TYP = "at+jwt"
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token: the caller it makes, and its claims."""

    caller: Caller
    claims: dict[str, Any]


class Tokens:
    """The access tokens of this server, as made and read by one process."""

    def __init__(self, db: Database, settings: Settings, keys: Keys, clock: Callable[[], float]) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock
        self._seconds = settings.token_seconds
        self._issuer = settings.base_url
        self._audience = settings.base_url + "/fhir"
        self._known: OrderedDict[bytes, Token] = OrderedDict()

    async def issue_token(
        self, client: Client, granted: Granted, purposes: frozenset[str], agent: tuple[tuple[str, str], ...] = ()
    ) -> str:
        """A signed token for the client, good for `settings.token_seconds`."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "sub": client.id,
            "client_id": client.id,
            "aud": self._audience,
            "jti": secrets.token_urlsafe(18),
            "iat": now,
            "exp": now + self._seconds,
            "scope": granted.text,
            "org": str(client.organization),
            "purposes": sorted(purposes),
        }
        if agent:
            claims["agent"] = dict(agent)
        return sign(claims, await self._keys.current(), typ=TYP)

    async def caller(self, token: str) -> Caller:
        """The caller that a token makes. Raises BadToken for one that does not hold or was revoked."""
        return (await self.read(token)).caller

    async def read(self, token: str) -> Token:
        """The token, verified; from memory if it was before. Raises BadToken."""
        if (known := self.known(token)) is not None:
            return known
        found = await self._verified(token)
        if not await self.stands(found.caller):
            raise BadToken("revoked, or of a client that does not stand")
        self._known[_digest(token)] = found
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def known(self, token: str) -> Token | None:
        """The token, if it was verified here before and has not expired since."""
        digest = _digest(token)
        known = self._known.get(digest)
        if known is not None and not self._clock() < known.claims["exp"]:
            del self._known[digest]
            return None
        if known is not None:
            self._known.move_to_end(digest)
        return known

    async def stands(self, caller: Caller) -> bool:
        """Whether the token is not revoked and its client not disabled, as the database has it now."""
        client, revoked = client_table.c, revoked_token.c
        standing = exists().where(
            client.id == caller.client, client.organization == caller.organization, client.disabled.is_(None)
        )
        async with self._db.begin() as connection:
            found = await connection.scalar(select(standing & ~exists().where(revoked.jti == caller.token)))
        return bool(found)

    async def revoke(self, token: Token) -> None:
        """End a token, here and for every process. To do so again changes nothing."""
        expires = datetime.fromtimestamp(token.claims["exp"], UTC)
        values = {"jti": token.caller.token, "expires": expires}
        async with self._db.begin() as connection:
            await connection.execute(insert(revoked_token).values(values).on_conflict_do_nothing())
        async with self._db.begin() as connection:  # what was checked just before has been given when this is answered
            await connection.execute(text("SELECT hallpass.await_disclosures(NULL, :jti)"), {"jti": token.caller.token})
        for digest in [d for d, known in self._known.items() if known.caller == token.caller]:
            del self._known[digest]

    async def _verified(self, token: str) -> Token:
        header, _ = read(token)
        key = await self._keys.find(header.kid) if header.typ == TYP else None
        if key is None:
            raise BadToken("not signed by a key of ours")
        claims = verify(token, key)
        if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
            raise BadToken("of another server")
        try:
            found = Token(_caller(claims), claims)
            if not self._clock() < claims["exp"]:
                raise BadToken("expired")
        except (KeyError, TypeError, ValueError, HallpassError) as e:
            raise BadToken("claims that are not ours") from e
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(
        client=claims["sub"],
        organization=UUID(claims["org"]),
        scopes=frozenset(parse_scope(s) for s in claims["scope"].split(" ")),
        purposes=frozenset(claims["purposes"]),
        token=claims["jti"],
        agent=tuple(sorted(claims.get("agent", {}).items())),
    )
