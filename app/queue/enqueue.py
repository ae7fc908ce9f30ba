"""Putting a job into the queue, as a part of the transaction that makes it due: if that is undone, so is the job."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from app.queue.driver import TransactionDriver
from app.queue.tables import queries

PACKAGE = "app.jobs.kinds"
"""Where each kind of job has a module, named for it."""


class UnknownJob(ValueError):
    """No module of the name is in app/jobs/kinds: the job would wait for ever."""


async def enqueue(
    connection: AsyncConnection,
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    after: timedelta | None = None,
    key: str | None = None,
) -> int | None:
    """Put a job into the queue; a worker takes it once the transaction has committed. Answers its number.

    The payload is JSON: ids and choices, and never a value of a record. `after`: not before so long from now.
    `key`: while a job with it waits or runs, this one is left out, and None is answered. Two transactions with one key
    wait for each other, so a key belongs to what is locked anyway, or to the worker's own.
    Raises UnknownJob, and RuntimeError outside of a transaction.
    """
    if kind not in kinds():
        raise UnknownJob(f"There is no job {kind}. A kind of job is a module in {PACKAGE}.")
    content = orjson.dumps(payload or {})
    (found,) = await queries(TransactionDriver(connection)).enqueue(
        kind, content, execute_after=after, dedupe_key=key, on_conflict="skip"
    )
    return found


@cache
def kinds() -> frozenset[str]:
    """The names of the kinds of job. They are found by their package: its modules know this one, not the reverse."""
    return frozenset(m.name for m in iter_modules(import_module(PACKAGE).__path__))
