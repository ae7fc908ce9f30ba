"""Forgets what became of jobs after a month, and workers that were killed after a day."""

from __future__ import annotations

from sqlalchemy import text

from app.jobs.job import Job, Work

_OVER = (
    text("DELETE FROM hallpass.job_log WHERE created < now() - interval '30 days'"),
    text("DELETE FROM hallpass.job_statistics WHERE created < now() - interval '30 days'"),
    text("DELETE FROM hallpass.worker WHERE seen < now() - interval '1 day'"),
)


async def _run(work: Work) -> None:
    async with work.tools.db.begin() as connection:
        for statement in _OVER:
            await connection.execute(statement)


JOB = Job(
    name="forget_jobs",
    summary="Forget what became of jobs a month ago.",
    run=_run,
    schedule="40 3 * * *",
)
