"""Chooses what a bulk export holds, as the client that asked. Where a worker ends, another goes on."""

from __future__ import annotations

from app.exchange.bulk import export
from app.jobs.job import Job, Later, Work
from app.objects import Objects

SECONDS = 3600


async def _run(work: Work) -> None:
    try:
        async for _ in export.steps(work.tools.access_service, work.payload, Objects.of(work.tools.settings)):
            if work.tools.stopping.is_set():
                raise Later
    except Later:
        raise
    except Exception:
        if JOB.next_attempt(work.attempt) is None:
            await export.fail(work.tools.db, work.payload)
        raise


JOB = Job(
    name=export.JOB,
    summary="Choose what a bulk export holds.",
    run=_run,
    attempts=5,
    seconds=SECONDS,
)
