"""Ed-Fi records as FHIR resources: Organization, Patient, RelatedPerson. Pure.
https://hl7.org/fhir/R4/patient.html and https://hl7.org/fhir/us/core/STU6.1/

What is not named here goes nowhere. The same records give the same bytes, so that a second push changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from app.intake import codes
from app.intake.elements import (
    Json,
    addresses,
    boolean,
    code,
    communication,
    concept,
    day,
    filled,
    gender,
    names,
    required,
    telecom,
)
from app.intake.shapes import STUDENT_CODES, Record
from app.resources.paths import first, values

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
OURS = "https://hallpass.example/fhir/StructureDefinition"
GUARDIAN_AUTHORITY = f"{OURS}/guardian-authority"
LIVES_WITH = f"{OURS}/lives-with"
GRADE_LEVEL = f"{OURS}/grade-level"


@dataclass(frozen=True, slots=True)
class District:
    """The district that pushes: its LocalEducationAgencyId, and the id of its Organization at the exchange."""

    agency: str
    organization: str

    def identifier(self, kind: str, value: str) -> Json:
        """An Identifier in the district's system of a kind: `urn:edfi:255901:student`."""
        return {"system": f"urn:edfi:{self.agency}:{kind}", "value": value}

    @property
    def reference(self) -> Json:
        """The Reference to the district's Organization."""
        return {"reference": f"Organization/{self.organization}"}


def organization(school: Record, district: District) -> Json:
    """The Organization of a School; the first identifier is the one it is known by.

    Raises HallpassError where the School lacks its id or name. An Organization has no address of use `home` (org-2).
    """
    phones = [
        {"system": "fax" if code(first(t, "InstitutionTelephoneNumberType")) == "Fax" else "phone", "value": value}
        for t in values(school, "InstitutionTelephone")
        for value in values(t, "TelephoneNumber")
    ]
    return filled(
        resourceType="Organization",
        identifier=[district.identifier("school", required(school, "SchoolId"))],
        active=code(first(school, "OperationalStatus")) not in codes.CLOSED,
        type=[{"coding": [{"system": codes.ORGANIZATION_TYPE, "code": "edu", "display": "Educational Institute"}]}],
        name=required(school, "NameOfInstitution"),
        alias=values(school, "ShortNameOfInstitution"),
        telecom=phones + [{"system": "url", "value": url} for url in values(school, "WebSite")],
        address=[{k: v for k, v in a.items() if k != "use"} for a in addresses(school)],
        partOf=district.reference,
    )


def patient(student: Record, demographics: Sequence[Record], enrollments: Sequence[Record], district: District) -> Json:
    """The Patient of a Student; the first identifier is the one it is known by.

    `demographics` are its StudentEducationOrganizationAssociations, the one that counts most first: each element is
    taken from the first that has it. `enrollments` are its StudentSchoolAssociations.
    Raises HallpassError where the id, the name or the birth date is missing or not what it should be.
    """
    required(student, "BirthData.BirthDate")
    merged: Record = {}
    for association in demographics:
        merged = {**association, **merged}
    return filled(
        resourceType="Patient",
        extension=_race(merged) + _ethnicity(merged) + _grade(enrollments),
        identifier=[
            district.identifier("student", required(student, "StudentUniqueId")),
            *_other_identifiers(merged, district),
        ],
        active=True,
        name=names(student),
        telecom=telecom(merged),
        gender=gender(merged),
        birthDate=day(student, "BirthData.BirthDate"),
        address=addresses(merged),
        communication=communication(merged),
        managingOrganization=district.reference,
    )


def related_person(contact: Record, association: Record, student: str, patient_id: str, district: District) -> Json:
    """The RelatedPerson of a Contact in its association with one student (the student's unique id and Patient id).

    The first identifier is the one it is known by: of the association, since a contact of two siblings is two
    RelatedPersons. Raises HallpassError where the contact's id or name is missing, or a flag is neither true nor
    false: an authority that cannot be read is not guessed.
    """
    unique_id = required(contact, "ContactUniqueId")
    authority = boolean(association, "LegalGuardian")
    lives_with = boolean(association, "LivesWith")
    return filled(
        resourceType="RelatedPerson",
        extension=_flag(GUARDIAN_AUTHORITY, authority) + _flag(LIVES_WITH, lives_with),
        identifier=[
            district.identifier("student-contact", f"{student}/{quote(unique_id, safe='')}"),
            district.identifier("contact", unique_id),
        ],
        active=True,
        patient={"reference": f"Patient/{patient_id}"},
        relationship=_relationship(association, authority),
        name=names(contact),
        telecom=telecom(contact),
        gender=gender(contact),
        address=addresses(contact),
        communication=communication(contact),
    )


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
    return _us_core("race", [codes.RACE[r] for r in races if r in codes.RACE], "; ".join(races))


def _ethnicity(demographics: Record) -> list[Json]:
    hispanic = boolean(demographics, "HispanicLatinoEthnicity")
    if hispanic is None:
        return []
    return _us_core("ethnicity", [codes.ETHNICITY[hispanic]], codes.ETHNICITY[hispanic][2])


def _us_core(name: str, codings: Sequence[tuple[str, str, str]], text: str) -> list[Json]:
    """A us-core extension with its categories and the text that it must have."""
    if not text:
        return []
    categories: list[Json] = [{"url": "ombCategory", "valueCoding": _coding(*coding)} for coding in codings]
    parts = [*categories, {"url": "text", "valueString": text}]
    return [{"url": f"{US_CORE}/us-core-{name}", "extension": parts}]


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
