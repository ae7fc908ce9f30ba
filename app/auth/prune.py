"""Forgets assertions, revocations and signing keys once they are long over, and tidies what writes left for later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import Database
from app.db.tables import assertion, revoked_token, signing_key

EVERY = 60
MARGIN = timedelta(hours=1)
"""For the clocks of processes that differ: what one holds for over, another may not yet."""
LOCK = 0x68707275
MOST_STUDENTS = 100
"""Of whom the access index is brought up to date at a time."""


async def tidy(connection: AsyncConnection) -> None:
    """Fold the counts of what each organization holds, and bring up to date what ended releases left in the index."""
    await connection.execute(text("SELECT hallpass.fold_custody_counts()"))
    await connection.execute(text("SELECT hallpass.clear_index_backlog(:most)"), {"most": MOST_STUDENTS})


class Pruner:
    """Prunes when told that time passes, once in EVERY seconds at the most."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock
        self._last = float("-inf")

    async def tick(self) -> None:
        """Prune, unless it was done lately or another process is at it."""
        now = self._clock()
        if 0 <= now - self._last < EVERY:
            return
        self._last = now
        before = datetime.fromtimestamp(now, UTC) - MARGIN
        async with self._db.begin() as connection:
            if await connection.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
                for table in (assertion, revoked_token, signing_key):
                    await connection.execute(delete(table).where(table.c.expires < before))
                await tidy(connection)
