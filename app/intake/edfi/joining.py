"""Joins the staged records of Ed-Fi into the facts of a roster.
https://docs.ed-fi.org/reference/data-exchange/data-standard
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from app.errors import HallpassError, Kind
from app.intake.edfi import mapping
from app.intake.edfi.elements import day, own_code
from app.intake.edfi.mapping import District
from app.intake.edfi.shapes import ASSIGNMENT, Record
from app.intake.edfi.staging import Staging
from app.intake.roster.facts import RosterFacts
from app.intake.roster.marked import Marked, is_marked
from app.intake.roster.model import Enrollment, Finding, Origin, Session, Takes
from app.intake.roster.years import Span, enrolled
from app.resources.paths import first


def join(staging: Staging, agency: str, facts: RosterFacts, today: date, marked: Marked = ()) -> None:
    """Make the facts of a resolved staging, for the LocalEducationAgencyId that is meant."""
    district = District(agency)
    years = list(_sessions(staging, facts))
    _schools(staging, district, facts)
    _students(staging, district, facts, years, today)
    _enrollments(staging, facts)
    _contacts(staging, district, facts)
    _staff(staging, district, facts, today, marked)


def stage(staging: Staging, facts: RosterFacts, origin: Origin, name: str, record: Record) -> None:
    """Take a record in; one that does not say what it is or what it joins is refused."""
    try:
        staging.add(origin.file, name, record, origin.line)
    except HallpassError as e:
        _refuse(facts, origin, _ABOUT.get(name, ""), None, e, name)


_ABOUT = {
    "School": "School",
    "Student": "Student",
    "StudentSchoolAssociation": "Enrollment",
    "StudentContactAssociation": "Contact",
    "Staff": "Staff",
    ASSIGNMENT: "Post",
}
"""Ed-Fi record -> the kind of fact that it is about."""


def clashes(facts: RosterFacts) -> Callable[[str, str, Origin, Origin], None]:
    def told(name: str, key: str, origin: Origin, other: Origin) -> None:
        text = (
            f"This {name} contradicts the one in {other}: the same id with other content. Neither is taken; mend one."
        )
        about = name if name in ("School", "Student", "Staff") else ""
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


def _staff(staging: Staging, district: District, facts: RosterFacts, today: date, marked: Marked) -> None:
    """Those in a role that the district marks."""
    schools = set(facts.keys("School"))
    for staged, assignments in staging.staff():
        found = [(o, r) for o, r in assignments if is_marked(own_code(first(r, "StaffClassification")), marked)]
        if staged.clash or not found:
            continue
        try:
            facts.add(mapping.staff(staged.key, staged.record, district, staged.origin))
        except HallpassError as e:
            _refuse(facts, staged.origin, "Staff", staged.key, e)
            continue
        for place in sorted({other for other, _ in found}):
            if place not in schools and place != district.agency:
                text = "An assignment is neither to a school nor to the district. It is not taken."
                facts.find(Finding(staged.origin, text, "EducationOrganizationReference"))
                continue
            school, held = ("" if place == district.agency else place), [r for other, r in found if other == place]
            try:
                facts.add(mapping.post(staged.key, school, held, district, staged.origin, today))
            except HallpassError as e:
                _refuse(facts, staged.origin, "Post", f"{school}/{staged.key}", e)


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


def agency_of(staging: Staging, wanted: str | None) -> str:
    """The LocalEducationAgencyId that the import is for."""
    agencies = staging.agencies()
    if wanted is None and len(agencies) != 1:
        found = ", ".join(agencies) or "none"
        raise HallpassError(Kind.INVALID, f"Say which local education agency this is; the folder has {found}.")
    agency = wanted or agencies[0]
    if (agencies and agency not in agencies) or not re.fullmatch(r"[A-Za-z0-9._-]+", agency):
        raise HallpassError(Kind.INVALID, f"The folder is not of the local education agency {agency}.")
    return agency


def _refuse(
    facts: RosterFacts, origin: Origin, about: str, key: str | None, error: HallpassError, kind: str = ""
) -> None:
    """One finding for each fault of a record; the record stays as it was."""
    for issue in error.issues:
        facts.find(
            Finding(origin, issue.text, issue.expression or "", refused=True, about=about, key=key, kind=kind or about)
        )
