"""A write that is done and undone: what the real one would come to, to the last rule. Nothing stays of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.errors import HallpassError, Kind
from app.exchange.release import PendingResult
from app.session import Session

_PASSED_ON = frozenset({Kind.UNAVAILABLE, Kind.LOGIN, Kind.INTERNAL})


class DryRun(Exception):
    """Leaves the transaction, so that it is rolled back; `error` is what the write was refused for, if it was."""

    def __init__(self, error: HallpassError | None) -> None:
        self.error = error


async def dry_run(session: Session, write: Callable[[Session], Awaitable[PendingResult]]) -> list[PendingResult]:
    """Do a write and raise Rehearsed, always."""
    try:
        await write(session)
    except HallpassError as e:
        if e.kind in _PASSED_ON:
            raise
        raise DryRun(e) from None
    raise DryRun(None)
