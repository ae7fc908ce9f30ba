"""A write that is done and undone: what the real one would come to, to the last rule. Nothing stays of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.consent.gate.door import Door
from app.consent.gate.released import Found
from app.errors import HallpassError, Kind

_PASSED_ON = frozenset({Kind.UNAVAILABLE, Kind.LOGIN, Kind.INTERNAL})


class Rehearsed(Exception):
    """Leaves the transaction, so that it is rolled back; `error` is what the write was refused for, if it was."""

    def __init__(self, error: HallpassError | None) -> None:
        self.error = error


async def rehearse(door: Door, write: Callable[[Door], Awaitable[Found]]) -> list[Found]:
    """Do a write and raise Rehearsed, always."""
    try:
        await write(door)
    except HallpassError as e:
        if e.kind in _PASSED_ON:
            raise
        raise Rehearsed(e) from None
    raise Rehearsed(None)
