"""Forgets bulk exports that can no longer be fetched (HALLPASS_EXPORT_HOURS)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.db import exports
from app.jobs.job import Job, Work


async def _run(work: Work) -> None:
    before = datetime.now(UTC) - timedelta(hours=work.tools.settings.export_hours)
    async with work.tools.db.begin() as connection:
        await exports.forget(connection, before)


JOB = Job(
    name="forget_exports",
    summary="Forget exports that can no longer be fetched.",
    run=_run,
    schedule="20 * * * *",
)
