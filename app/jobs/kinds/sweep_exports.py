"""Forgets bulk exports that were canceled, or can no longer be fetched (HALLPASS_EXPORT_HOURS), some rows at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.exchange.bulk import export, kept
from app.jobs.job import Job, Later, Work
from app.objects import Objects

STUCK = timedelta(hours=6)
"""After which an export that is still being chosen has failed: its worker was killed for good, or gave up."""


async def _run(work: Work) -> None:
    now, more = datetime.now(UTC), True
    before = now - timedelta(hours=work.tools.settings.export_hours)
    if (objects := Objects.of(work.tools.settings)) is not None:
        await kept.remove_over(objects, work.tools.db, before)
    while more:
        if work.tools.stopping.is_set():
            raise Later
        more = await export.sweep(work.tools.db, before, now - STUCK)


JOB = Job(
    name="sweep_exports",
    summary="Forget exports that were canceled or can no longer be fetched.",
    run=_run,
    schedule="*/5 * * * *",
    seconds=3600,
)
