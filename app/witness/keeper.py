"""Keeps the witness: marks the database, copies what ended and what was disclosed, and stops an older database.

A mark is in the database before it is in the witness. So a database without the witness's last mark is older than it,
however it came about: a restore to a moment, a dump, a snapshot, a standby that lagged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.address import open_engine
from app.db.engine import owner_transaction
from app.settings import Settings
from app.witness import marks
from app.witness.folder import Busy, Folder, Head
from app.witness.marks import NOTHING, Due, Standing

MARK_SECONDS = 1.0
"""How often a mark is made while nothing ends and nothing is disclosed: what a restore may lack unnoticed."""
DATABASE_SECONDS = 10.0
log = logging.getLogger("hallpass")


class Keeper:
    """What one worker does for the witness; of several workers one at a time."""

    def __init__(self, owner: URL, settings: Settings) -> None:
        self._folder = Folder(settings.witness) if settings.witness else None
        self._keeps = timedelta(days=settings.witness_days)
        self._engine = open_engine(owner, pool_size=1, max_overflow=0)
        self._told: tuple[Due, Head] | None = None
        """What the last step has written: forgotten in the database by the next."""
        self._marked = float("-inf")
        self._said: Standing | None = None

    async def step(self) -> bool:
        """Write what there is; answer whether there may be more."""
        if self._folder is None:
            return False
        try:
            with self._folder.held():
                return await self._write(self._folder)
        except Busy:
            self._told = None
            return False

    async def end(self) -> None:
        """Write what is left, and close the connection."""
        try:
            await self.step()
        finally:
            await self._engine.dispose()

    async def _write(self, folder: Folder) -> bool:
        head = await asyncio.to_thread(folder.head)
        async with self._transaction() as connection:
            found = await marks.standing(connection, head)
            self._say(found)
            if found is Standing.BEHIND:
                await marks.stop(connection)
            if found not in (Standing.NEW, Standing.CURRENT):
                return False
            if found is Standing.NEW:
                await marks.begin(connection)
            await marks.let_out(connection)
            if self._told is not None and head is not None and self._told[1].token == head.token:
                await marks.told(connection, *self._told)
            self._told = None
            what = await marks.due(connection)
            if what == NOTHING and time.monotonic() - self._marked < MARK_SECONDS:
                return False
            made = await marks.mark(connection, head)
        await asyncio.to_thread(folder.add, made, what.lines)
        await asyncio.to_thread(folder.forget, made.at - self._keeps)
        self._told, self._marked = (what, made), time.monotonic()
        return what != NOTHING

    def _say(self, found: Standing) -> None:
        if found is not self._said and found not in (Standing.NEW, Standing.CURRENT):
            log.error("witness: %s; `hallpass after-restore` says what to do", found.value)
        self._said = found

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        async with asyncio.timeout(DATABASE_SECONDS), self._engine.begin() as connection:
            yield connection


async def look(owner: URL, folder: Folder) -> Standing:
    """Compare a database with its witness before anything is served, and stop it where it is older."""
    async with owner_transaction(owner) as connection:
        found = await marks.standing(connection, folder.head())
        if found is Standing.BEHIND:
            await marks.stop(connection)
    return found
