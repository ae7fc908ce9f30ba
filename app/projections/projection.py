"""What depends on the resources of one type: the tables that releases are judged against, and releases themselves.

Each projection says what the tables should hold (`compute`), what they do hold (`current`), and puts it there
(`store`), so that a write and `hallpass verify` go by the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.db.rows import Stored
from app.session import Session


class Change(NamedTuple):
    """A resource that was written, and what the tables should hold because of it."""

    row: Stored
    value: Any


Compute = Callable[[Session, Stored, dict[str, Any], ZoneInfo], Awaitable[Any]]
Current = Callable[[Session, Stored], Awaitable[Any]]
Store = Callable[[Session, Sequence[Change]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Projection:
    """What depends on the resources of one type."""

    compute: Compute
    current: Current
    store: Store
    at_once: bool = True
    """Whether it is stored before anything else is written: what comes next may hang on it."""


def one_by_one(store: Callable[[Session, Stored, Any], Awaitable[None]]) -> Store:
    """A `store` of many that does them in turn."""

    async def each(session: Session, changes: Sequence[Change]) -> None:
        for change in changes:
            await store(session, change.row, change.value)

    return each
