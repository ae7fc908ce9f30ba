"""What the import asks of a reader: something to open, and to read into facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Protocol, TypeAlias

from app.intake.roster.facts import RosterFacts
from app.intake.roster.units import Json

OnBytes: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class About:
    """What was read: the format for people, whose it is, whether it is the whole truth, and what to remark."""

    form: str
    district: str
    complete: bool
    remarks: tuple[str, ...] = field(default=())
    mark: Json | None = None
    """What the next import of this source begins from; kept once everything of this one is written."""


class Opened(Protocol):
    """A source that was found fit to be read."""

    @property
    def size(self) -> int | None:
        """How many bytes there are to read; None where nobody knows before."""

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it into facts. Raises HallpassError where the source as a whole cannot be taken."""


class Source(Protocol):
    """A source by name. The name is part of where its statements are kept.

    `continues`: it begins from where its last import ended.
    """

    continues: ClassVar[bool]

    @property
    def name(self) -> str:
        """The source's name."""

    def open(self, last: Json | None = None) -> Opened:
        """Open it; `last` is the mark of the last import. Raises HallpassError where there is nothing to read."""
