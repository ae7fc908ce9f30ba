"""Makes the ledger's partitions of the two years that come, and is done long before the last of them begins."""

from __future__ import annotations

from app.db.migrate import partition
from app.jobs.job import Job, Work


async def _run(work: Work) -> None:
    await partition(work.tools.db.owner)


JOB = Job(
    name="partition_ledger",
    summary="Make the ledger's partitions for the next two years.",
    run=_run,
    schedule="20 3 * * *",
)
