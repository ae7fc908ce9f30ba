"""A write that is done and undone: what the real one would come to, to the last rule. Nothing stays of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.db.rows import Stored
from app.errors import HallpassError, Kind
from app.exchange.release import PendingResult
from app.session import Session

_PASSED_ON = frozenset({Kind.UNAVAILABLE, Kind.LOGIN, Kind.INTERNAL})


class DryRun(Exception):
    """Leaves the transaction, so that it is rolled back; `error` is what the write was refused for, if it was."""

    def __init__(self, error: HallpassError | None, told: tuple[Stored, ...]) -> None:
        self.error = error
        self.told = told
        """The versions that the answer tells of: that they are there, and what is wrong with the next."""


async def dry_run(
    session: Session, write: Callable[[Session], Awaitable[PendingResult]], seen: PendingResult | None = None
) -> list[PendingResult]:
    """Do a write and raise DryRun, always. `seen`: the version that it is to supersede, which the answer tells of."""
    versions = tuple(p.row for p in seen.pending) if seen is not None else ()
    try:
        await write(session)
    except HallpassError as e:
        if e.kind in _PASSED_ON:
            raise
        told = tuple(row for row in e.told if row not in versions)
        raise DryRun(e, (*versions, *told)) from None
    raise DryRun(None, versions)
