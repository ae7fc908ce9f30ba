"""The worker: takes jobs from the queue and runs them, looks after loops, and gives signs of life until told to end."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import orjson
from pgqueuer.core.applications import PgQueuer
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as Queued
from pgqueuer.domain.models import Schedule
from pgqueuer.domain.types import Channel
from sqlalchemy import text

from app.db.engine import Database
from app.exchange.service import AccessService
from app.jobs.job import Job, Later, Loop, Tools, Work, declared
from app.limits.limits import Limits
from app.queue.driver import PoolDriver
from app.queue.enqueue import enqueue
from app.queue.tables import NAMES, queries
from app.settings import Settings

POLL = timedelta(seconds=0.5)
"""How often the queue is asked while it is empty."""
SIGN_SECONDS = 5
HEARTBEAT = timedelta(seconds=30)
"""After which a job whose worker gives no sign any more is given to another."""
DRAIN_SECONDS = 10
"""Which a job has to come to an end when the worker does; then it goes back into the queue."""
BATCH = 10
AT_ONCE = 20
_SIGN = text("""
    INSERT INTO hallpass.worker (id, host) VALUES (:id, :host) ON CONFLICT (id) DO UPDATE SET seen = now()
""")
_NO_FAILURE = text("UPDATE hallpass.job SET attempts = attempts - 1 WHERE id = :id")
"""The library counts every run that is asked for again."""
_END = text("DELETE FROM hallpass.worker WHERE id = :id")
log = logging.getLogger("hallpass")


def _without_traceback(record: logging.LogRecord) -> bool:
    """What the library logs of an error: not its text, which may quote a row."""
    record.exc_info = None
    return True


logging.getLogger("pgqueuer").addFilter(_without_traceback)


class JobFailed(Exception):
    """A job failed: which error, and where in the code. It holds nothing of what the error says."""


class Worker:
    """Runs the jobs of one process."""

    def __init__(self, db: Database, settings: Settings, kinds: tuple[Job | Loop, ...] | None = None) -> None:
        self._db = db
        self._kinds = declared() if kinds is None else kinds
        self._stopping = asyncio.Event()
        self._deadline = asyncio.Event()
        access_service = AccessService(db, settings, Limits(settings, db.pool_size).connections)
        self._tools = Tools(db, settings, access_service, self._stopping)
        self._id = uuid4()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then take nothing more, and give what runs DRAIN_SECONDS to end."""
        looping = [asyncio.create_task(self._loop(kind)) for kind in self._kinds if isinstance(kind, Loop)]
        signing = asyncio.create_task(self._give_signs())
        queueing = asyncio.create_task(self._queue())
        await stop.wait()
        self._stopping.set()
        signing.cancel()
        _, late = await asyncio.wait({queueing, *looping}, timeout=DRAIN_SECONDS)
        self._deadline.set()
        if late:
            await asyncio.wait(late, timeout=DRAIN_SECONDS / 2)
        for task in (queueing, *looping):
            task.cancel()
        with suppress(Exception):
            async with self._db.begin() as connection:
                await connection.execute(_END, {"id": self._id})

    async def _queue(self) -> None:
        """Take jobs; after a fault of the database, again."""
        while not self._stopping.is_set():
            library = self._library()
            ending = asyncio.create_task(self._end(library))
            try:
                await library.run(
                    dequeue_timeout=POLL, batch_size=BATCH, max_concurrent_tasks=AT_ONCE, heartbeat_timeout=HEARTBEAT
                )
            except Exception as e:
                log.warning("the queue cannot be used: %s; it is tried again", _place(e))
                await self._pause(1)
            finally:
                ending.cancel()

    async def _end(self, library: PgQueuer) -> None:
        await self._stopping.wait()
        library.shutdown.set()

    def _library(self) -> PgQueuer:
        driver = PoolDriver(self._db)
        library = PgQueuer(driver, Channel(NAMES.channel), queries=queries(driver))
        for kind in self._kinds:
            if isinstance(kind, Job):
                self._register(library, kind)
        return library

    def _register(self, library: PgQueuer, kind: Job) -> None:
        async def run(queued: Queued) -> None:
            await self._run(kind, queued)

        async def due(_: Schedule) -> None:
            async with self._db.begin() as connection:
                await enqueue(connection, kind.name, key=kind.name)

        library.entrypoint(kind.name, concurrency_limit=kind.at_once, accepts_context=False, on_failure="hold")(run)
        if kind.schedule is not None:
            library.schedule(kind.name, kind.schedule, accepts_context=False)(due)

    async def _run(self, kind: Job, queued: Queued) -> None:
        """One run. Raises RetryRequested where it should be run again, and JobFailed where it should not."""
        work = Work(self._tools, queued.id, orjson.loads(queued.payload or b"{}"), queued.attempts)
        running = asyncio.ensure_future(kind.run(work))
        deadline = asyncio.create_task(self._deadline.wait())
        await asyncio.wait({running, deadline}, timeout=kind.seconds, return_when=asyncio.FIRST_COMPLETED)
        deadline.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
            if self._deadline.is_set():
                raise RetryRequested(reason="the worker ended")
        try:
            running.result()
        except Later as e:
            async with self._db.begin() as connection:
                await connection.execute(_NO_FAILURE, {"id": queued.id})
            raise RetryRequested(e.after, "later") from None
        except (Exception, asyncio.CancelledError) as e:
            place = "it took too long" if isinstance(e, asyncio.CancelledError) else _place(e)
            log.error("job %s %s failed: %s", kind.name, queued.id, place)
            delay = kind.next_attempt(queued.attempts)
            if delay is not None:
                raise RetryRequested(delay, place) from None
            raise JobFailed(place) from None

    async def _loop(self, loop: Loop) -> None:
        """Step after step; a fault is logged and the next one comes later."""
        steps = loop.start(self._tools)
        while not self._stopping.is_set():
            more = False
            try:
                more = await steps.step()
            except Exception as e:
                log.error("%s failed: %s", loop.name, _place(e))
                await self._pause(1)
            if not more:
                await self._pause(loop.every.total_seconds())
        await steps.end()

    async def _give_signs(self) -> None:
        while True:
            with suppress(Exception):
                async with self._db.begin() as connection:
                    await connection.execute(_SIGN, {"id": self._id, "host": socket.gethostname()})
            await asyncio.sleep(SIGN_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _place(error: BaseException) -> str:
    """Which error, and where in the code: its text may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "site-packages" not in f.filename] or frames
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return f"{type(error).__name__}{f' {state}' if state else ''}{where}"
