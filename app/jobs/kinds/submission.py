"""Takes the files of a bulk submission, as the client that sent them. Where a worker ends, another goes on."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import text

from app.exchange.bulk import submission
from app.jobs.job import Job, Later, Work
from app.submit.fetch import Fetcher
from app.submit.run import steps

_AHEAD = text("""
    SELECT EXISTS (
        SELECT 1 FROM hallpass.job j WHERE j.entrypoint = :kind AND j.status = 'picked' AND j.id < :id
          AND convert_from(j.payload, 'UTF8')::jsonb #>> '{caller,client}' = :client)
""")
WAIT = timedelta(seconds=5)
TURN = 60.0
"""Seconds after which others get a turn, once the file under way is taken."""


async def _run(work: Work) -> None:
    settings = work.tools.settings
    async with work.tools.db.begin() as connection:
        values = {"kind": JOB.name, "id": work.id, "client": work.payload["caller"]["client"]}
        if await connection.scalar(_AHEAD, values):  # one at a time of each client, so that none takes all places
            raise Later(WAIT)
    until = time.monotonic() + TURN
    fetcher = Fetcher(settings.submit_hosts, allow_http=settings.allow_http_endpoints)
    try:
        async for whole in steps(work.tools.access_service, settings, fetcher, work.payload):
            if work.tools.stopping.is_set() or (whole and time.monotonic() > until):
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
