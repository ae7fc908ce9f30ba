"""What waits in the queue, runs and has failed, for the operator. Read as the owner of the tables, or as the app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_KINDS = text("""
    SELECT k.name, count(*) FILTER (WHERE j.status = 'queued') AS waiting,
           count(*) FILTER (WHERE j.status = 'picked') AS running,
           count(*) FILTER (WHERE j.status = 'failed') AS failed,
           now() - min(j.created) FILTER (WHERE j.status = 'queued' AND j.execute_after <= now()) AS age,
           (SELECT l.created FROM hallpass.job_log l WHERE l.entrypoint = k.name AND l.status = 'successful'
            ORDER BY l.created DESC LIMIT 1) AS done,
           (SELECT min(s.next_run) FROM hallpass.job_schedule s WHERE s.entrypoint = k.name) AS due
    FROM (SELECT unnest(CAST(:names AS text[])) UNION SELECT entrypoint FROM hallpass.job) k(name)
    LEFT JOIN hallpass.job j ON j.entrypoint = k.name GROUP BY k.name ORDER BY k.name
""")
_FAILED = text("""
    SELECT j.id, j.entrypoint AS kind, j.updated AS at, j.attempts + 1 AS attempts,
           (SELECT l.traceback ->> 'exception_message' FROM hallpass.job_log l
            WHERE l.job_id = j.id ORDER BY l.created DESC LIMIT 1) AS error
    FROM hallpass.job j WHERE j.status = 'failed' ORDER BY j.updated
""")
_RETRY = text("""
    UPDATE hallpass.job SET status = 'queued', execute_after = now(), updated = now(), attempts = 0
    WHERE id = :id AND status = 'failed'
""")
_WORKERS = text("SELECT host, started, seen FROM hallpass.worker WHERE seen > now() - interval '30 seconds' ORDER BY 2")

_SCHEDULED = text("SELECT DISTINCT entrypoint FROM hallpass.job_schedule ORDER BY 1")


@dataclass(frozen=True, slots=True)
class Kind:
    """What there is of one kind of job: how many wait, run and have failed, and since when the oldest is due."""

    name: str
    waiting: int
    running: int
    failed: int
    age: timedelta | None
    done: datetime | None
    """When one last came to its end."""
    due: datetime | None
    """When its schedule puts the next one into the queue."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that was tried as often as it may be."""

    id: int
    kind: str
    at: datetime
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Living:
    """A worker that gave a sign of life lately."""

    host: str
    started: datetime
    seen: datetime


async def scheduled(connection: AsyncConnection) -> list[str]:
    """The names of the kinds that have a schedule."""
    return list(await connection.scalars(_SCHEDULED))


async def kinds(connection: AsyncConnection, names: list[str]) -> list[Kind]:
    """Each kind by name, also one of which there is a job that nobody declares any more."""
    return [Kind(*row) for row in await connection.execute(_KINDS, {"names": names})]


async def failed(connection: AsyncConnection) -> list[Failed]:
    """The jobs that failed, the oldest first."""
    return [Failed(*row) for row in await connection.execute(_FAILED)]


async def retry(connection: AsyncConnection, job: int) -> bool:
    """Put a job that failed into the queue again; False where there is no such job."""
    return (await connection.execute(_RETRY, {"id": job})).rowcount == 1


async def workers(connection: AsyncConnection) -> list[Living]:
    """The workers that live."""
    return [Living(*row) for row in await connection.execute(_WORKERS)]
