"""Ed-Fi records as facts of a roster: School, Student, Contact. Pure.
https://docs.ed-fi.org/reference/data-exchange/data-standard and https://hl7.org/fhir/us/core/STU6.1/

What is not named here goes nowhere. The same records give the same facts, so that a second import changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote

from app.errors import HallpassError, Issue, Kind
from app.intake.edfi import codes
from app.intake.edfi.elements import (
    Json,
    addresses,
    boolean,
    code,
    communication,
    concept,
    day,
    gender,
    names,
    own_code,
    required,
    telecom,
)
from app.intake.edfi.shapes import STUDENT_CODES, Record
from app.intake.edfi.staging import StagedContact, StagedStudent
from app.intake.roster.codes import GRADE_LEVEL, us_core
from app.intake.roster.model import Contact, Origin, Post, School, Staff, Student
from app.intake.roster.resources import role
from app.resources.paths import first, values

OURS = "https://hallpass.example/fhir/StructureDefinition"
LIVES_WITH = f"{OURS}/lives-with"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class District:
    """The district that a folder is of, by its LocalEducationAgencyId."""

    agency: str

    def identifier(self, kind: str, value: str) -> Json:
        """An Identifier in the district's system of a kind: `urn:edfi:255901:student`."""
        return {"system": f"urn:edfi:{self.agency}:{kind}", "value": value}


def school(key: str, record: Record, district: District, origin: Origin) -> School:
    """The fact of a School. Raises HallpassError with every fault of its record."""
    faults = Faults()
    phones = [
        {"system": "fax" if code(first(t, "InstitutionTelephoneNumberType")) == "Fax" else "phone", "value": value}
        for t in values(record, "InstitutionTelephone")
        for value in values(t, "TelephoneNumber")
    ]
    found = School(
        key=key,
        origin=origin,
        identifiers=[district.identifier("school", key)],
        name=faults.of(required, record, "NameOfInstitution") or "",
        active=code(first(record, "OperationalStatus")) not in codes.CLOSED,
        aliases=values(record, "ShortNameOfInstitution"),
        telecom=phones + [{"system": "url", "value": url} for url in values(record, "WebSite")],
        addresses=faults.of(addresses, record) or [],
    )
    faults.check()
    return found


def student(staged: StagedStudent, district: District, enrolled: bool | None = None) -> Student:
    """The fact of a Student with its associations.

    `demographics` are its StudentEducationOrganizationAssociations, the one that counts most first: each element is
    taken from the first that has it. Raises HallpassError with every fault of its records.
    """
    faults = Faults()
    record, merged = staged.student, _merged(staged.demographics)
    faults.of(required, record, "BirthData.BirthDate")
    found = Student(
        key=staged.key,
        origin=staged.origin,
        identifiers=[district.identifier("student", staged.key), *_other_identifiers(merged, district)],
        names=faults.of(names, record) or [],
        birth_date=faults.of(day, record, "BirthData.BirthDate"),
        gender=gender(merged),
        telecom=faults.of(telecom, merged) or [],
        addresses=faults.of(addresses, merged) or [],
        communication=communication(merged),
        extensions=_race(merged)
        + (faults.of(_ethnicity, merged) or [])
        + (faults.of(_grade, staged.enrollments) or []),
        enrolled=enrolled,
    )
    faults.check()
    return found


def contact(staged: StagedContact, district: District) -> Contact:
    """The fact of a Contact in its association with one student. The identifier that it is known by is of the
    association, since a contact of two siblings is two RelatedPersons.

    Raises HallpassError with every fault; a flag that is neither true nor false is one: an authority that cannot be
    read is not guessed.
    """
    record, association = staged.contact, staged.association
    if record is None:
        text = "Its Contact is contradicted by another." if staged.clash else "Its Contact is not in the folder."
        raise HallpassError(Kind.INVALID, text)
    if not staged.student_known:
        raise HallpassError(Kind.INVALID, "Its Student is not in the folder.")
    faults = Faults()
    authority = faults.of(boolean, association, "LegalGuardian")
    found = Contact(
        key=staged.key,
        origin=staged.origin,
        student=staged.student,
        identifiers=[
            district.identifier("student-contact", f"{staged.student}/{quote(staged.key, safe='')}"),
            district.identifier("contact", staged.key),
        ],
        names=faults.of(names, record) or [],
        relationship=faults.of(_relationship, association, authority) or [],
        authority=authority,
        restricted=bool(values(association, "ContactRestrictions")),
        gender=gender(record),
        telecom=faults.of(telecom, record) or [],
        addresses=faults.of(addresses, record) or [],
        communication=communication(record),
        extensions=_flag(LIVES_WITH, faults.of(boolean, association, "LivesWith")),
    )
    faults.check()
    return found


def staff(key: str, record: Record, district: District, origin: Origin) -> Staff:
    """The fact of a Staff. Of how to reach it only the e-mail at work is taken. Raises as `school`."""
    faults = Faults()
    mails = faults.of(telecom, {"ElectronicMail": values(record, "ElectronicMail")}) or []
    found = Staff(
        key=key,
        origin=origin,
        identifiers=[district.identifier("staff", key)],
        names=faults.of(names, record) or [],
        telecom=[m for m in mails if m.get("use") == "work"],
    )
    faults.check()
    return found


def post(key: str, school: str, records: Sequence[Record], district: District, origin: Origin, today: date) -> Post:
    """What a Staff does at a school, or where that is empty at the district, by its assignments there."""
    spans = [(day(r, "BeginDate"), day(r, "EndDate")) for r in records]
    words = sorted({str(first(r, "StaffClassification")) for r in records})
    end = None if any(e is None for _, e in spans) else max(e for _, e in spans if e)
    return Post(
        staff=key,
        school=school,
        origin=origin,
        identifiers=[district.identifier("staff-role", f"{school}/{quote(key, safe='')}")],
        roles=[role(own_code(word), word.rpartition("#")[0] or None) for word in words],
        active=end is None or end >= today.isoformat(),
        begin=min((b for b, _ in spans if b), default=None),
        end=end,
    )


def takes_authority(association: Record) -> bool:
    """Whether a restriction is on file, or it is said that the contact is no guardian: what counts in a refused record
    too.
    """
    flag = first(association, "LegalGuardian")
    return bool(values(association, "ContactRestrictions")) or flag in ("false", "0")


class Faults:
    """Collects the faults of a record, so that all of them are told at once."""

    def __init__(self) -> None:
        self._issues: list[Issue] = []

    def of(self, make: Callable[..., T], *arguments: Any) -> T | None:
        """What `make` gives; None where it finds faults, which are kept."""
        try:
            return make(*arguments)
        except HallpassError as e:
            self._issues += [i for i in e.issues if i not in self._issues]
            return None

    def check(self) -> None:
        """Raise HallpassError with what was collected, if anything was."""
        if self._issues:
            raise HallpassError(Kind.INVALID, *self._issues)


def _merged(demographics: Sequence[Record]) -> Record:
    merged: Record = {}
    for association in demographics:
        merged = {**association, **merged}
    return merged


def _other_identifiers(demographics: Record, district: District) -> list[Json]:
    """The identification codes of the school system's own; any other, a social security number first, is none."""
    found = (
        (STUDENT_CODES.get(code(first(c, "StudentIdentificationSystem"))), first(c, "IdentificationCode"))
        for c in values(demographics, "StudentIdentificationCode")
    )
    return [district.identifier(kind, value) for kind, value in found if kind and value]


def _relationship(association: Record, authority: bool | None) -> list[Json]:
    guardian = ("GUARD", "guardian")
    found: list[Json] = []
    known = None
    for descriptor in values(association, "Relation"):
        known = codes.RELATION.get(code(descriptor))
        found.append(concept(descriptor, *([_coding(codes.ROLE_CODE, *known)] if known else [])))
    if authority and known != guardian:
        found.append({"coding": [_coding(codes.ROLE_CODE, *guardian)]})
    if boolean(association, "EmergencyContactStatus"):
        found.append({"coding": [_coding(codes.CONTACT_ROLE, "C", "Emergency Contact")]})
    return found


def _race(demographics: Record) -> list[Json]:
    races = [code(r) for r in dict.fromkeys(values(demographics, "Race"))]
    return us_core("race", [codes.RACE[r] for r in races if r in codes.RACE], "; ".join(races))


def _ethnicity(demographics: Record) -> list[Json]:
    hispanic = boolean(demographics, "HispanicLatinoEthnicity")
    if hispanic is None:
        return []
    return us_core("ethnicity", [codes.ETHNICITY[hispanic]], codes.ETHNICITY[hispanic][2])


def _grade(enrollments: Sequence[Record]) -> list[Json]:
    """The grade of the enrollment that counts: not ended, in the primary school, the latest."""
    graded = [e for e in enrollments if first(e, "EntryGradeLevel")]
    if not graded:
        return []
    current = max(graded, key=_counts)
    return [{"url": GRADE_LEVEL, "valueCodeableConcept": concept(required(current, "EntryGradeLevel"))}]


def _counts(enrollment: Record) -> tuple[bool, bool, str]:
    open_ended = first(enrollment, "ExitWithdrawDate") is None
    return open_ended, boolean(enrollment, "PrimarySchool") is not False, day(enrollment, "EntryDate") or ""


def _flag(url: str, value: bool | None) -> list[Json]:
    return [] if value is None else [{"url": url, "valueBoolean": value}]


def _coding(system: str, value: str, display: str) -> Json:
    return {"system": system, "code": value, "display": display}
