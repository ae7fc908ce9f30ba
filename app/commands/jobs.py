"""`hallpass worker` and `hallpass jobs`: the process that does background work, and what there is of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner, plainly
from app.db import migrate
from app.jobs.job import Job, declared
from app.jobs.runner import Worker
from app.queue import state
from app.server import database_url, open_database
from app.settings import Settings, load
from app.telemetry import log


def worker(
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End when standard input does.")] = False,
) -> None:
    """Do background work until told to stop by SIGTERM. `hallpass serve` runs one unless HALLPASS_WORKER is false."""
    with plainly():
        settings = load()
        asyncio.run(migrate.check(database_url(settings), create=settings.database_url is None))
        log.to_stderr(settings.log_format)
        asyncio.run(_work(settings, beside=beside))


async def _work(settings: Settings, *, beside: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if beside:
        threading.Thread(target=_until_alone, args=(loop, stop), daemon=True).start()
    else:
        typer.echo("Hallpass works")
    db = open_database(settings)
    try:
        await Worker(db, settings).run(stop)
    finally:
        await db.dispose()


def _until_alone(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Wait for the end of standard input: the server that holds its other end is gone, or wants this one to end."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    loop.call_soon_threadsafe(stop.set)


def jobs(
    retry: Annotated[int | None, typer.Option(help="Put the failed job of this number into the queue again.")] = None,
) -> None:
    """List the kinds of job: when each is due, how many wait, run and failed; and the workers that live."""

    async def work(connection: AsyncConnection, _settings: Settings) -> list[str]:
        if retry is not None:
            if await state.retry(connection, retry):
                return [f"job {retry} waits again"]
            return [f"there is no failed job {retry}; `hallpass jobs` lists those that there are"]
        return await _listed(connection)

    with plainly():
        typer.echo("\n".join(as_owner(work)))


async def _listed(connection: AsyncConnection) -> list[str]:
    known = {kind.name: kind for kind in declared()}
    lines = []
    for found in await state.kinds(connection, list(known)):
        kind = known.get(found.name)
        if kind is None:
            when, summary = "", "No longer declared: nothing takes it."
        elif isinstance(kind, Job):
            when, summary = f"schedule {kind.schedule or 'none'}", kind.summary
        else:
            when, summary = f"every {kind.every.total_seconds():g} s", kind.summary
        counts = f"{found.waiting} waiting, {found.running} running, {found.failed} failed"
        late = f", oldest {found.age.total_seconds():.0f} s" if found.age else ""
        last = f", last done {_ago(found.done)}" if found.done else ""
        lines.append(f"{found.name:20} {when:24} {counts}{late}{last}\n    {summary}")
    for job in await state.failed(connection):
        again = f"to try again: hallpass jobs --retry {job.id}"
        lines.append(f"failed: {job.kind} {job.id}, {job.attempts} attempts: {job.error}; {again}")
    living = await state.workers(connection)
    lines += [f"worker on {w.host} since {w.started:%Y-%m-%d %H:%M:%S} UTC" for w in living]
    return lines if living else [*lines, "no worker lives: run `hallpass worker`, or serve with HALLPASS_WORKER=true"]


def _ago(moment: datetime) -> str:
    return f"{(datetime.now(UTC) - moment).total_seconds():.0f} s ago"
