"""Codes that prove who follows a link: good for ten minutes, judged a few times, used once.

A code is derived from the server's key and the mark of what it is for: every process knows it, and none keeps it.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from app.auth.once import first_use
from app.db.engine import Database

CODE_SECONDS = 600
TRIES = 5
"""Codes that are judged, and that are given out, for one mark in the time of one code."""


def code(key: bytes, mark: str, now: float, *, ago: int = 0) -> str:
    """The code of a mark in a stretch of ten minutes, or one before: eight digits."""
    window = int(now) // CODE_SECONDS - ago
    digest = hmac.digest(key, f"{window}\0{mark}".encode(), sha256)
    return f"{int.from_bytes(digest[:8], 'big') % 10**8:08}"


def fits(key: bytes, mark: str, given: str, now: float) -> bool:
    """Whether a code is the mark's, of this stretch or the one before."""
    bare = bare_code(given).encode()
    return any(hmac.compare_digest(bare, code(key, mark, now, ago=n).encode()) for n in (0, 1))


def bare_code(given: str) -> str:
    """A code as it was typed, without spaces."""
    return "".join(given.split())


async def may(db: Database, client: str, what: str, now: float) -> bool:
    """Count something before it is done, so that of many at once no more are done than one by one; False: enough."""
    for n in range(TRIES):
        if await first_use(db, client, f"{what} {int(now) // CODE_SECONDS} {n}", _later()):
            return True
    return False


async def spend(db: Database, client: str, what: str) -> bool:
    """Use a code up; False: it was used before."""
    return await first_use(db, client, what, _later())


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2 * CODE_SECONDS)
