"""Reads a folder of Ed-Fi interchange files into the facts of a roster.
https://docs.ed-fi.org/reference/data-exchange/data-standard
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from app.intake.edfi.joining import agency_of, clashes, join, stage
from app.intake.edfi.shapes import STAFF
from app.intake.edfi.staging import Staging
from app.intake.edfi.xml import Interchange, interchanges, located
from app.intake.roster.facts import RosterFacts
from app.intake.roster.marked import Marked
from app.intake.roster.model import Origin
from app.intake.roster.source import About, OnBytes, fingerprint_of
from app.intake.roster.units import Json

NAME = "edfi"


@dataclass(frozen=True, slots=True)
class EdFi:
    """A folder, and the LocalEducationAgencyId that is meant where it has several."""

    continues: ClassVar[bool] = False
    folder: Path
    agency: str | None = None
    staff: Marked = ()
    name: str = NAME

    def open(self, last: Json | None = None) -> _Folder:
        """The files to read. Raises HallpassError where there is nothing to read."""
        files, passed_over = interchanges(self.folder, staff=bool(self.staff))
        return _Folder(self, files, passed_over)


@dataclass(frozen=True, slots=True)
class _Folder:
    source: EdFi
    files: list[Interchange]
    passed_over: list[str]

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return sum(f.path.stat().st_size for f in self.files)

    def fingerprint(self) -> str:
        """Of the files that are read."""
        return fingerprint_of([f.path for f in self.files], self.source.agency, *self.source.staff)

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it. Raises HallpassError where a file breaks off, or it is not of the agency that is meant."""
        with Staging(clashes(facts)) as staging:
            for file in self.files:
                for line, name, record in located(file.path, on_bytes):
                    if name not in STAFF or self.source.staff:
                        stage(staging, facts, Origin(file.path.name, line), name, record)
            staging.resolve()
            agency = agency_of(staging, self.source.agency)
            join(staging, agency, facts, today, self.source.staff)
            return About("Ed-Fi", agency, complete=True, remarks=_remarks(staging, self.passed_over))


def _remarks(staging: Staging, passed_over: list[str]) -> tuple[str, ...]:
    lonely = staging.contacts_of_no_student()
    return (
        *([f"not sent: {lonely} Contact that no student has."] if lonely else []),
        *([f"not read: {', '.join(passed_over)}."] if passed_over else []),
    )
