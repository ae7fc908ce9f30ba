"""Reads a folder of Ed-Fi interchange files into the facts of a roster.
https://docs.ed-fi.org/reference/data-exchange/data-standard
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from app.errors import HallpassError, Kind
from app.intake.edfi import mapping
from app.intake.edfi.elements import day
from app.intake.edfi.mapping import District
from app.intake.edfi.shapes import Record
from app.intake.edfi.staging import Staging
from app.intake.edfi.xml import Interchange, interchanges, located
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Enrollment, Finding, Origin, Session, Takes
from app.intake.roster.source import About, OnBytes
from app.intake.roster.units import Json
from app.intake.roster.years import Span, enrolled

NAME = "edfi"


@dataclass(frozen=True, slots=True)
class EdFi:
    """A folder, and the LocalEducationAgencyId that is meant where it has several."""

    continues: ClassVar[bool] = False
    folder: Path
    agency: str | None = None
    name: str = NAME

    def open(self, last: Json | None = None) -> _Folder:
        """The files to read. Raises HallpassError where there is nothing to read."""
        files, passed_over = interchanges(self.folder)
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

    def read(self, facts: RosterFacts, today: date, on_bytes: OnBytes) -> About:
        """Read all of it. Raises HallpassError where a file breaks off, or it is not of the agency that is meant."""
        with Staging(_clash(facts)) as staging:
            _stage(self.files, staging, facts, on_bytes)
            district = District(_agency(staging, self.source.agency))
            years = list(_sessions(staging, facts))
            _schools(staging, district, facts)
            _students(staging, district, facts, years, today)
            _enrollments(staging, facts)
            _contacts(staging, district, facts)
            return About("Ed-Fi", district.agency, complete=True, remarks=_remarks(staging, self.passed_over))


def _stage(files: list[Interchange], staging: Staging, facts: RosterFacts, on_bytes: OnBytes) -> None:
    for file in files:
        for line, name, record in located(file.path, on_bytes):
            try:
                staging.add(file.path.name, name, record, line)
            except HallpassError as e:
                _refuse(facts, Origin(file.path.name, line), _ABOUT.get(name, ""), None, e, name)
    staging.resolve()


_ABOUT = {
    "School": "School",
    "Student": "Student",
    "StudentSchoolAssociation": "Enrollment",
    "StudentContactAssociation": "Contact",
}
"""Ed-Fi record -> the kind of fact that it is about."""


def _clash(facts: RosterFacts) -> Callable[[str, str, Origin, Origin], None]:
    def told(name: str, key: str, origin: Origin, other: Origin) -> None:
        text = (
            f"This {name} contradicts the one in {other}: the same id with other content. Neither is taken; mend one."
        )
        about = name if name in ("School", "Student") else ""
        facts.find(Finding(origin, text, refused=True, about=about, key=key, kind=name))

    return told


def _schools(staging: Staging, district: District, facts: RosterFacts) -> None:
    for staged in staging.schools(district.agency):
        if staged.clash:
            continue
        try:
            facts.add(mapping.school(staged.key, staged.record, district, staged.origin))
        except HallpassError as e:
            _refuse(facts, staged.origin, "School", staged.key, e)


def _students(staging: Staging, district: District, facts: RosterFacts, years: list[Span], today: date) -> None:
    for staged in staging.students(district.agency):
        if staged.clash:
            continue
        try:
            periods = [_period(e) for e in staged.enrollments]
            facts.add(mapping.student(staged, district, enrolled(periods, years, today)))
        except HallpassError as e:
            _refuse(facts, staged.origin, "Student", staged.key, e)


def _enrollments(staging: Staging, facts: RosterFacts) -> None:
    for student, school, origin, record in staging.enrollments():
        try:
            begin, end = _period(record)
            facts.add(Enrollment(student, school, origin, begin, end))
        except HallpassError as e:
            _refuse(facts, origin, "Enrollment", student, e)


def _contacts(staging: Staging, district: District, facts: RosterFacts) -> None:
    for staged in staging.contacts():
        try:
            facts.add(mapping.contact(staged, district))
        except HallpassError as e:
            key = f"{staged.student}/{staged.key}"
            _refuse(facts, staged.origin, "Contact", key, e)
            if mapping.takes_authority(staged.association):
                facts.take(Takes("Contact", key, staged.origin))


def _sessions(staging: Staging, facts: RosterFacts) -> Iterator[Span]:
    """The school years: each from the first day of its sessions to the last."""
    years: dict[str, list[str]] = {}
    for staged in staging.sessions:
        try:
            begin, end = day(staged.record, "BeginDate"), day(staged.record, "EndDate")
        except HallpassError as e:
            facts.find(Finding(staged.origin, " ".join(i.text for i in e.issues), kind="Session"))
            continue
        if begin and end:
            years.setdefault("".join(staged.record.get("SchoolYear", [""])), []).extend([begin, end])
    for name, days in years.items():
        facts.add(Session(name, Origin("EducationOrgCalendar"), "schoolYear", min(days), max(days)))
        yield min(days), max(days)


def _period(record: Record) -> Span:
    return day(record, "EntryDate"), day(record, "ExitWithdrawDate")


def _agency(staging: Staging, wanted: str | None) -> str:
    """The LocalEducationAgencyId that the import is for."""
    agencies = staging.agencies()
    if wanted is None and len(agencies) != 1:
        found = ", ".join(agencies) or "none"
        raise HallpassError(Kind.INVALID, f"Say which local education agency this is; the folder has {found}.")
    agency = wanted or agencies[0]
    if (agencies and agency not in agencies) or not re.fullmatch(r"[A-Za-z0-9._-]+", agency):
        raise HallpassError(Kind.INVALID, f"The folder is not of the local education agency {agency}.")
    return agency


def _remarks(staging: Staging, passed_over: list[str]) -> tuple[str, ...]:
    lonely = staging.contacts_of_no_student()
    return (
        *([f"not sent: {lonely} Contact that no student has."] if lonely else []),
        *([f"not read: {', '.join(passed_over)}."] if passed_over else []),
    )


def _refuse(
    facts: RosterFacts, origin: Origin, about: str, key: str | None, error: HallpassError, kind: str = ""
) -> None:
    """One finding for each fault of a record; the record stays as it was."""
    for issue in error.issues:
        facts.find(
            Finding(origin, issue.text, issue.expression or "", refused=True, about=about, key=key, kind=kind or about)
        )
