"""Fetches one roster, or writes back, in a process of its own: its memory and faults are not the worker's.
docs/guides/roster.md
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from app.jobs.job import Job, Later, Work

COULD_NOT_RUN = 2
END_SECONDS = 5.0


class CouldNotRun(Exception):
    """The source could not be run; `hallpass sync list` says why."""


async def _run(work: Work) -> None:
    command = ("-m", "app.cli", "sync", "run", str(work.payload["source"]))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=quiet, stderr=quiet)
    running, stopping = asyncio.create_task(process.wait()), asyncio.create_task(work.tools.stopping.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise Later
        if running.result() not in (0, 1):
            raise CouldNotRun
    finally:
        stopping.cancel()
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process if it still runs; an import goes on where it was ended."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


JOB = Job(
    name="pull_roster",
    summary="Fetch a roster from its source, read what has come into an inbox, or write services delivered back.",
    run=_run,
    attempts=3,
    delay=timedelta(minutes=5),
    at_once=2,
    seconds=6 * 3600,
)
