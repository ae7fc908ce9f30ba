"""Takes the files of a bulk submission, as the client that sent them. Where a worker ends, another goes on."""

from __future__ import annotations

from app.exchange.bulk import submission
from app.jobs.job import Job, Later, Work
from app.submit.fetch import Fetcher
from app.submit.run import steps


async def _run(work: Work) -> None:
    settings = work.tools.settings
    fetcher = Fetcher(settings.submit_hosts, allow_http=settings.allow_http_endpoints)
    try:
        async for _ in steps(work.tools.access_service, settings, fetcher, work.payload):
            if work.tools.stopping.is_set():
                raise Later
    except Later:
        raise
    except Exception:
        if JOB.next_attempt(work.attempt) is None:
            await submission.fail(work.tools.db, work.payload)
        raise


JOB = Job(
    name=submission.JOB,
    summary="Take the files of a bulk submission.",
    run=_run,
    attempts=8,
    at_once=4,
    seconds=6 * 3600,
)
