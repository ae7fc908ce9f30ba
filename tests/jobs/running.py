"""A worker in the test's own process, with jobs that the test declares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from app.db.engine import Database
from app.jobs.job import Job, Loop
from app.jobs.runner import Worker
from app.settings import Settings


@asynccontextmanager
async def working(db: Database, *kinds: Job | Loop) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Run a worker with these kinds of job; what is given ends it and waits."""
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(db, Settings(), kinds).run(stop))

    async def end() -> None:
        stop.set()
        await task

    try:
        yield end
    finally:
        await end()


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """Wait until something holds; answer it."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110 - the database does not tell
            await asyncio.sleep(0.05)
    return found


async def rows(db: Database, statement: str) -> list[Any]:
    """What the app's role reads or does."""
    async with db.begin() as connection:
        result = await connection.execute(text(statement))
        return list(result) if result.returns_rows else []
