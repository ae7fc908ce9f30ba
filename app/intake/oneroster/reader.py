"""Reads a OneRoster 1.1 or 1.2 package into the facts of a roster.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv and docs/roster-model.md
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from app.intake.oneroster import people
from app.intake.oneroster.joining import Joining, district_of
from app.intake.oneroster.package import READ, Package, open_package
from app.intake.oneroster.rows import Rows
from app.intake.roster.facts import RosterFacts
from app.intake.roster.marked import Marked
from app.intake.roster.source import About, OnBytes
from app.intake.roster.units import Json

NAME = "oneroster"


@dataclass(frozen=True, slots=True)
class OneRoster:
    """A zip or folder, and the district that is meant where the package does not tell."""

    continues: ClassVar[bool] = False
    path: Path
    district: str | None = None
    staff: Marked = ()
    name: str = NAME

    def open(self, last: Json | None = None) -> _Opened:
        """The package. Raises HallpassError where it does not keep what its manifest promises."""
        return _Opened(self, open_package(self.path))


@dataclass(frozen=True, slots=True)
class _Opened:
    source: OneRoster
    package: Package

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return self.package.size(n for n in READ if n in self.package.modes)

    def fingerprint(self) -> str:
        """Of all that is read, and of how it is read."""
        return self.package.fingerprint(self.source.district, self.source.staff)

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it. Raises HallpassError where a file is unfit, or nobody can tell whose it is."""
        rows = Rows(facts)
        try:
            rows.read(self.package, on_bytes)
            district = district_of(rows, self.source.district)
            delta = not self.package.complete
            Joining(rows, facts, people.Ids(district), today, delta, self.source.staff).join()
        finally:
            rows.db.close()
        unread = sorted(set(self.package.modes) - set(READ))
        remarks = (*self.package.remarks, *([f"not read: {', '.join(unread)}."] if unread else []))
        form = f"OneRoster {self.package.version}"
        return About(form, district, complete=self.package.complete, remarks=remarks)
