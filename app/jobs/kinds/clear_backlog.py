"""Brings up to date what ended and narrowed releases left in the access index. Until then the live check keeps it."""

from __future__ import annotations

from sqlalchemy import text

from app.jobs.job import Job, Later, Work

MOST_STUDENTS = 100
"""Of whom the index is brought up to date in one transaction."""


async def _run(work: Work) -> None:
    while True:
        async with work.tools.db.begin() as connection:
            statement = text("SELECT hallpass.clear_index_backlog(:most)")
            done = int(await connection.scalar(statement, {"most": MOST_STUDENTS}) or 0)
        if done < MOST_STUDENTS:
            return
        if work.tools.stopping.is_set():
            raise Later


JOB = Job(
    name="clear_backlog",
    summary="Bring the access index up to date after releases that ended.",
    run=_run,
    schedule="* * * * *",
    at_once=1,
)
