"""Chooses what a bulk export holds, as the client that asked. Where a worker ends, another goes on."""

from __future__ import annotations

from app.errors import HallpassError
from app.exchange.bulk import export
from app.jobs.job import Job, Later, Work

SECONDS = 3600


async def _run(work: Work) -> None:
    service, payload = work.tools.access_service, work.payload
    try:
        async for _ in export.steps(service, payload):
            if work.tools.stopping.is_set():
                raise Later
    except HallpassError:
        if JOB.next_attempt(work.attempt) is None:
            await export.fail(service, payload)
        raise


JOB = Job(
    name=export.JOB,
    summary="Choose what a bulk export holds.",
    run=_run,
    attempts=5,
    seconds=SECONDS,
)
