"""Forgets bulk submissions a month after they were last touched; what they brought stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.exchange.bulk import submission
from app.jobs.job import Job, Later, Work

KEPT = timedelta(days=30)


async def _run(work: Work) -> None:
    more = True
    while more:
        if work.tools.stopping.is_set():
            raise Later
        more = await submission.sweep(work.tools.db, datetime.now(UTC) - KEPT)


JOB = Job(
    name="sweep_submissions",
    summary="Forget submissions that were last touched a month ago.",
    run=_run,
    schedule="40 3 * * *",
    seconds=3600,
)
