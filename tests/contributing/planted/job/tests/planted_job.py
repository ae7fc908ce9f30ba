"""A job of one file is declared, can be put into the queue, and is run by the worker."""

from __future__ import annotations

from app.db.engine import Database
from app.jobs.job import declared
from app.queue.enqueue import enqueue
from tests.jobs.running import rows, until, working


async def test_the_planted_job_is_declared_and_done(db: Database) -> None:
    (kind,) = [k for k in declared() if k.name == "analyze_terms"]
    async with db.begin() as connection:
        await enqueue(connection, "analyze_terms", {"done": 4})
    async with working(db, kind):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))
