"""Refreshes the planner's statistics of the search index in the night, after the pushes of the evening."""

from __future__ import annotations

from sqlalchemy import text

from app.db.engine import owner_transaction
from app.jobs.job import Job, Later, Work

TABLES = ("term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri")


async def _run(work: Work) -> None:
    for done in range(work.payload.get("done", 0), len(TABLES)):
        async with owner_transaction(work.tools.db.owner) as connection:
            await connection.execute(text(f"ANALYZE hallpass.{TABLES[done]}"))
            await work.save(connection, {"done": done + 1})
        if work.tools.stopping.is_set():
            raise Later


JOB = Job(
    name="analyze_terms",
    summary="Refresh the planner's statistics of the search index.",
    run=_run,
    schedule="10 2 * * *",
    at_once=1,
)
