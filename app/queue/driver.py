"""How the queue's library reaches the database: in transactions of our pool, or in the one that a caller has open.

Nothing listens: PostgreSQL's NOTIFY makes commits wait for each other, and a pooler of transactions does not pass it
on. The worker asks instead. docs/decisions/0022-queue.md
"""

from __future__ import annotations

import asyncio
from typing import Self

from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import Driver, NotifyCallback
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.driver import alike, on_driver
from app.db.engine import Database


class _Driver(Driver):
    """What both have in common. A notice goes round within the process, so that the library finds its channel alive."""

    def __init__(self) -> None:
        self._shutdown = asyncio.Event()
        self._callbacks: list[NotifyCallback] = []

    async def notify(self, channel: str, payload: str) -> None:
        """Tell those who listen in this process."""
        for callback in self._callbacks:
            callback(payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Tell this one too."""
        self._callbacks.append(callback)

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when no more work should be taken."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """No task of the driver's own runs."""
        return TaskManager()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class PoolDriver(_Driver):
    """Each statement is a transaction of the pool."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self._db = db

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of a statement. Raises the driver's errors, and UNAVAILABLE as `Database.begin`."""
        async with self._db.begin() as connection:
            return [dict(row) for row in await on_driver(connection).fetch(query, *args)]

    async def execute(self, query: str, *args: object) -> str:
        """PostgreSQL's word for what was done. Raises as `fetch`."""
        async with self._db.begin() as connection:
            done: str = await on_driver(connection).execute(query, *args)
        return done


class TransactionDriver(_Driver):
    """Each statement is a part of a transaction that is under way."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__()
        self._driver = on_driver(connection)
        if not self._driver.is_in_transaction():
            raise RuntimeError("a job is put into the queue within a transaction")

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of a statement. Raises DBAPIError."""
        with alike(query):
            return [dict(row) for row in await self._driver.fetch(query, *args)]

    async def execute(self, query: str, *args: object) -> str:
        """PostgreSQL's word for what was done. Raises DBAPIError."""
        with alike(query):
            done: str = await self._driver.execute(query, *args)
        return done
