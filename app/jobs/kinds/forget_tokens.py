"""Forgets assertions, revocations, signing keys and idempotency keys once they are long over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.auth_tables import assertion, revoked_token, signing_key
from app.jobs.job import Job, Work

MARGIN = timedelta(hours=1)
"""For the clocks of processes that differ: what one holds for over, another may not yet."""


async def forget(connection: AsyncConnection, now: datetime) -> None:
    """Forget what has been over for longer than MARGIN."""
    for table in (assertion, revoked_token, signing_key):
        await connection.execute(delete(table).where(table.c.expires < now - MARGIN))
    await connection.execute(select(func.hallpass.forget_keyed(now - MARGIN)))


async def _run(work: Work) -> None:
    async with work.tools.db.begin() as connection:
        await forget(connection, datetime.now(UTC))


JOB = Job(
    name="forget_tokens",
    summary="Forget assertions, revocations, signing keys and idempotency keys that are long over.",
    run=_run,
    schedule="* * * * *",
)
