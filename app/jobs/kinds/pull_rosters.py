"""Puts the sources of rosters into the queue whose time has come. docs/guides/roster.md"""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import croniter

from app.db import sync_sources
from app.db.engine import owner_transaction
from app.jobs.job import Job, Work
from app.queue.enqueue import enqueue


async def _run(work: Work) -> None:
    now = datetime.now(UTC)
    async with owner_transaction(work.tools.db.owner) as connection:
        for name, schedule in await sync_sources.due(connection, now):
            await sync_sources.plan(connection, name, croniter(schedule, now).get_next(datetime))
            await enqueue(connection, "pull_roster", {"source": name}, key=f"pull_roster {name}")


JOB = Job(
    name="pull_rosters",
    summary="Look for rosters that are due to be fetched.",
    run=_run,
    schedule="* * * * *",
    at_once=1,
)
