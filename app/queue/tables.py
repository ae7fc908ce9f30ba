"""Where the queue's tables are, by the names that schema/tables gives them. docs/decisions/0022-queue.md"""

from __future__ import annotations

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings
from pgqueuer.ports.driver import Driver

NAMES = DBSettings(
    prefix="",
    db_schema="hallpass",
    channel="hallpass_job",
    function="unused",
    trigger="unused",
    statistics_table="job_statistics",
    queue_status_type="job_status",
    queue_table="job",
    queue_table_log="job_log",
    schedules_table="job_schedule",
)
"""Every name is given, so that nothing is read from the environment."""


def queries(driver: Driver) -> Queries:
    """The library's statements on our tables."""
    return Queries(driver, QueryBuilderEnvironment(NAMES), QueryQueueBuilder(NAMES), QuerySchedulerBuilder(NAMES))
