"""Makes one row of the many counts that writes have appended, for each organization and type."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.jobs.job import Job, Work

LOCK = 0x68707275
"""Held while counts are folded: two at once would fold the same rows."""


async def _run(work: Work) -> None:
    async with work.tools.db.begin() as connection:
        if await connection.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
            await connection.execute(text("SELECT hallpass.fold_custody_counts()"))


JOB = Job(
    name="fold_counts",
    summary="Fold the counts of what each organization holds.",
    run=_run,
    schedule="* * * * *",
)
