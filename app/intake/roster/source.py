"""What the import asks of a reader: something to open, and to read into facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, TypeAlias

from app.intake.roster.facts import RosterFacts

OnBytes: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class About:
    """What was read: the format for people, whose it is, whether it is the whole truth, and what to remark."""

    form: str
    district: str
    complete: bool
    remarks: tuple[str, ...] = field(default=())


class Opened(Protocol):
    """A source that was found fit to be read."""

    @property
    def size(self) -> int:
        """How many bytes there are to read."""

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it into facts. Raises HallpassError where the source as a whole cannot be taken."""


class Source(Protocol):
    """A source by name. The name is part of where its statements are kept."""

    @property
    def name(self) -> str:
        """The source's name."""

    def open(self) -> Opened:
        """Open it. Raises HallpassError where there is nothing to read."""
