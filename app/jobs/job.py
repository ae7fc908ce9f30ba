"""What a kind of job declares, once: its name, its work, when it is due, and what happens when it fails.

A new kind is one module in app/jobs/kinds. docs/guides/adding.md shows one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

import orjson
from croniter import croniter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import Database
from app.exchange.service import AccessService
from app.queue.enqueue import PACKAGE
from app.settings import Settings

_SAVE = text("UPDATE hallpass.job SET payload = :payload WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Tools:
    """What all jobs of a worker share."""

    db: Database
    settings: Settings
    access_service: AccessService
    stopping: asyncio.Event
    """Set when the worker is told to end: a long job saves where it is, and raises Later."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run of a job: its number, what it was given, and how often it was tried before."""

    tools: Tools
    id: int
    payload: dict[str, Any]
    attempt: int = 0

    async def save(self, connection: AsyncConnection, payload: dict[str, Any]) -> None:
        """Keep how far the job is, within the transaction that did it: whoever runs it next is given this payload."""
        await connection.execute(_SAVE, {"id": self.id, "payload": orjson.dumps(payload)})


class Later(Exception):
    """The job is not done: run it again after a while, with what it has saved. It does not count as a failure."""

    def __init__(self, after: timedelta = timedelta(0)) -> None:
        super().__init__("later")
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The declaration of one kind of job. A worker that was killed leaves its jobs to others, so each may run twice."""

    name: str
    summary: str
    """What it does, for `hallpass jobs`."""
    run: Callable[[Work], Awaitable[None]]
    schedule: str | None = None
    """When it is put into the queue by itself: five fields of cron, in UTC. A run is left out while one goes on."""
    attempts: int = 5
    """How often it is tried before it is held as failed."""
    delay: timedelta = timedelta(seconds=2)
    """Before the second attempt; before each further one it doubles, up to an hour."""
    at_once: int = 0
    """How many may run at once, over all workers; 0: any number."""
    seconds: float = 300
    """The longest run."""

    def __post_init__(self) -> None:
        if self.schedule is not None and (len(self.schedule.split()) != 5 or not croniter.is_valid(self.schedule)):
            raise TypeError(f"{self.name}: a schedule is five fields of cron, such as 15 3 * * *")

    def next_attempt(self, attempt: int) -> timedelta | None:
        """How long to wait after a failed attempt, the first being 0; None where it was the last."""
        if attempt + 1 >= self.attempts:
            return None
        return min(timedelta(seconds=self.delay.total_seconds() * 2**attempt), timedelta(hours=1))


class Steps(Protocol):
    """Work that goes on for as long as a worker does."""

    async def step(self) -> bool:
        """Do some of the work; answer whether there may be more at once."""

    async def end(self) -> None:
        """Bring to its end what is under way: the worker ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The declaration of work that is looked for all the time, by every worker: a step decides who does it."""

    name: str
    summary: str
    start: Callable[[Tools], Steps]
    """Begins with the work, once for each worker."""
    every: timedelta
    """How long to wait where there was none."""


@cache
def declared() -> tuple[Job | Loop, ...]:
    """Every kind, by name. Raises TypeError where a module's name is not its job's."""
    found = []
    for module in iter_modules(import_module(PACKAGE).__path__):
        job = import_module(f"{PACKAGE}.{module.name}").JOB
        if job.name != module.name:
            raise TypeError(f"The job {job.name} is in a module of another name: {module.name}")
        found.append(job)
    return tuple(found)
