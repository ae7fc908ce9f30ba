"""What the import asks of a reader: something to open, and to read into facts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
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


def fingerprint_of(paths: Iterable[Path], *more: str | None) -> str:
    """A digest of files, by name and content, and of what else bears on how they are read."""
    found = hashlib.sha256(repr(more).encode())
    for path in sorted(paths):
        found.update(repr((path.name, path.stat().st_size)).encode())
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


class Opened(Protocol):
    """A source that was found fit to be read."""

    @property
    def size(self) -> int | None:
        """How many bytes there are to read; None where nobody knows before."""

    def fingerprint(self) -> str | None:
        """What tells its content from any other; None where that is not known before it is read."""

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
