"""The keys that sign access tokens: in the database, shared by all processes, each with its time.

A key signs until it `retires` and verifies until it `expires`, when the last token that it signed is over. The
newest one that has not retired signs. When there is none, a process makes one; a lock lets one process win.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.jose import Jwk, from_pem, generate, public, to_pem
from app.db.auth_tables import signing_key as table
from app.db.engine import Database
from app.keyring import Keyring, WrongKey

log = logging.getLogger("hallpass")
LIFE = 90 * 86_400
REFRESH = 60
"""Seconds for which a process goes by what it has read; so a key that retires may sign for as long again."""
SLACK = 60
LOCK = 0x686B6579


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its times, in seconds of the epoch."""

    jwk: Jwk
    created: float
    retires: float
    expires: float


class Keys:
    """The server's signing keys. `token_seconds` is the life of what they sign."""

    def __init__(self, db: Database, clock: Callable[[], float], keyring: Keyring, *, token_seconds: int) -> None:
        self._db = db
        self._clock = clock
        self._keyring = keyring
        self._after = token_seconds + REFRESH + SLACK
        self._known: dict[str, SigningKey] = {}
        self._read_at = float("-inf")

    async def current(self) -> Jwk:
        """The private key to sign with; made when there is none."""
        now = self._clock()
        await self._refresh(now)
        key = _newest(self._known, now) or await self._renew(now)
        return key.jwk

    async def find(self, kid: str) -> Jwk | None:
        """The public key of that kid, if what it signed may still hold; another process may have just made it."""
        now = self._clock()
        await self._refresh(now, always=kid not in self._known)  # what was deleted verifies no longer than REFRESH
        key = self._known.get(kid)
        return public(key.jwk) if key and key.expires > now else None

    async def published(self) -> dict[str, Any]:
        """The JWKS document: the public part of each key that may verify."""
        now = self._clock()
        await self._refresh(now)
        return {"keys": [public(k.jwk) for k in self._known.values() if k.expires > now]}

    async def rotate(self) -> str:
        """Retire all keys and make a new one; answer its kid. What the old ones signed holds until it expires."""
        return str((await self._renew(self._clock(), retire=True)).jwk["kid"])

    async def _renew(self, now: float, *, retire: bool = False) -> SigningKey:
        """The key that signs, made if there is none; known to this process only once it is committed."""
        async with self._db.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            if retire:
                until = {"retires": _moment(now), "expires": _moment(now + self._after)}
                await connection.execute(update(table).where(table.c.retires > _moment(now)).values(until))
            known = await _read(connection, now, self._keyring)
            key = _newest(known, now)
            if key is None:
                key = SigningKey(generate(), now, now + LIFE, now + LIFE + self._after)
                await connection.execute(insert(table).values(_row(key, self._keyring)))
        self._known, self._read_at = {**known, key.jwk["kid"]: key}, now
        return key

    async def _refresh(self, now: float, *, always: bool = False) -> None:
        if always or not 0 <= now - self._read_at < REFRESH:
            async with self._db.begin() as connection:
                self._known = await _read(connection, now, self._keyring)
            self._read_at = now


async def _read(connection: AsyncConnection, now: float, keyring: Keyring) -> dict[str, SigningKey]:
    """The keys that have not expired; a row without its times, or that was not sealed by a key of ours, is none."""
    rows = await connection.execute(select(table).where(table.c.expires > _moment(now), table.c.retires.is_not(None)))
    found: dict[str, SigningKey] = {}
    for r in rows:
        try:
            pem = keyring.open(r.kid, r.sealed)
        except WrongKey:
            log.error("the signing key %s is sealed with another key; see `hallpass doctor`", r.kid)
            continue
        found[r.kid] = SigningKey(from_pem(pem), r.created.timestamp(), r.retires.timestamp(), r.expires.timestamp())
    return found


async def require_ours(connection: AsyncConnection, keyring: Keyring) -> None:
    """Raise WrongKey where a signing key in the database was sealed with a key that is not on the keyring."""
    for row in await connection.execute(select(table.c.kid, table.c.sealed)):
        keyring.open(row.kid, row.sealed)


async def reseal(connection: AsyncConnection, keyring: Keyring) -> int:
    """Seal every signing key with the keyring's first key; answer how many there are. Raises WrongKey."""
    rows = (await connection.execute(select(table.c.kid, table.c.sealed))).all()
    for row in rows:
        sealed = keyring.seal(row.kid, keyring.open(row.kid, row.sealed))
        await connection.execute(update(table).where(table.c.kid == row.kid).values(sealed=sealed))
    return len(rows)


async def discard(connection: AsyncConnection, keyring: Keyring) -> int:
    """Delete the signing keys that cannot be opened, and so end their tokens; answer how many they were."""
    lost = []
    for row in await connection.execute(select(table.c.kid, table.c.sealed)):
        try:
            keyring.open(row.kid, row.sealed)
        except WrongKey:
            lost.append(row.kid)
    await connection.execute(delete(table).where(table.c.kid.in_(lost)))
    return len(lost)


def _row(key: SigningKey, keyring: Keyring) -> dict[str, Any]:
    times = {name: _moment(getattr(key, name)) for name in ("created", "retires", "expires")}
    return {"kid": key.jwk["kid"], "sealed": keyring.seal(key.jwk["kid"], to_pem(key.jwk)), **times}


def _newest(keys: dict[str, SigningKey], now: float) -> SigningKey | None:
    return max((k for k in keys.values() if k.retires > now), key=lambda k: k.created, default=None)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
