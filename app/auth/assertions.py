"""Client authentication by a signed assertion (private_key_jwt), with every check of SMART.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#authenticating-to-the-token-endpoint

What is wrong with the assertion by itself is said. What depends on the registry has one answer for all: an unknown
client, a disabled one, a key that is not there and a signature that does not hold cannot be told apart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from app.auth.clients import ID, Client, get
from app.auth.jose import BadToken, Header, Jwk, UnreadableToken, read, verify
from app.auth.jwks import JwksFetcher, JwksUnavailable
from app.auth.keyset import keys_of, pick
from app.auth.oauth import OAuthCode, OAuthError
from app.auth.once import first_use
from app.db.engine import Database

MAX_AHEAD = 300
SKEW = 10
MAX_JTI = 256
log = logging.getLogger("hallpass.auth")


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that has proved itself, with the claims by which it did."""

    client: Client
    claims: dict[str, Any]


class Assertions:
    """The checks of client assertions made for `audience`, the token URL."""

    def __init__(self, db: Database, fetcher: JwksFetcher, *, audience: str, clock: Callable[[], float]) -> None:
        self._db = db
        self._fetcher = fetcher
        self._audience = audience
        self._clock = clock

    async def check(self, token: str) -> Authenticated:
        """The client that made this assertion, now used up. Raises OAuthError(invalid_client)."""
        try:
            header, claims = read(token)
        except UnreadableToken as e:
            raise _refused(f"The assertion {e}.") from None
        except BadToken:
            raise _refused("The assertion is not a JWT: its header and claims must be JSON objects.") from None
        if fault := self._fault(header, claims):
            raise _refused(fault)
        try:
            client = await self._verified(token, header, claims)
        except (BadToken, JwksUnavailable) as e:
            log.info("assertion of client %s refused: %s", claims["iss"], e)
            raise _refused("No registered client signed the assertion. Check iss, sub and the signing key.") from None
        if not await self._first_use(client.id, claims):
            raise _refused("The assertion was used before. Sign a new one, with a new jti, for each request.")
        return Authenticated(client, claims)

    def _fault(self, header: Header, claims: dict[str, Any]) -> str | None:
        """What is wrong with an assertion whoever made it."""
        now = self._clock()
        issuer, jti = claims.get("iss"), claims.get("jti")
        exp: Any = claims.get("exp")
        if header.typ.upper() != "JWT":
            return "The header's typ must be JWT."
        if not isinstance(issuer, str) or issuer != claims.get("sub") or not ID.fullmatch(issuer):
            return "iss and sub must both be the client id."
        if claims.get("aud") not in (self._audience, [self._audience]):
            return f"aud must be {self._audience}."
        if not _number(exp) or not now - SKEW < exp <= now + MAX_AHEAD + SKEW:
            return "exp must be a time that is not past, and at most five minutes ahead."
        if any(t is not None and not (_number(t) and t <= now + SKEW) for t in (claims.get("iat"), claims.get("nbf"))):
            return "iat and nbf must be times that are not ahead."
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI or not jti.isprintable():
            return f"jti must be a string of 1 to {MAX_JTI} printable characters."
        return None

    async def _verified(self, token: str, header: Header, claims: dict[str, Any]) -> Client:
        async with self._db.begin() as connection:
            client = await get(connection, claims["iss"])
        if client is None or client.disabled:
            raise BadToken("not registered, or disabled")
        if header.jku is not None and header.jku != client.jwks_uri:
            raise BadToken("jku is not the registered URL")
        key = pick(await self._keys(client, header.kid), header)
        if key is None:
            raise BadToken("not exactly one fit key for its kid")
        verify(token, key)
        return client

    async def _keys(self, client: Client, kid: str) -> list[Jwk]:
        if client.jwks_uri is not None:
            return await self._fetcher.keys(client.jwks_uri, kid)
        return keys_of(client.jwks)

    async def _first_use(self, client: str, claims: dict[str, Any]) -> bool:
        """Remember the jti, and answer whether it was new. The insert is the check: of two processes one wins."""
        return await first_use(self._db, client, claims["jti"], datetime.fromtimestamp(claims["exp"] + SKEW, UTC))


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(description: str) -> OAuthError:
    return OAuthError(OAuthCode.INVALID_CLIENT, description)
