"""The facts of a roster as FHIR resources: Organization, Patient, RelatedPerson, Group. Pure.
https://hl7.org/fhir/R4/patient.html and https://hl7.org/fhir/us/core/STU6.1/

What is not named here goes nowhere. The same facts give the same bytes, so that a second import changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from app.consent.codes import GUARDIAN_AUTHORITY
from app.intake.roster.merge import RESTRICTED
from app.intake.roster.model import Contact, Enrollment, Post, School, Staff, Student
from app.intake.roster.units import Json, Units, split
from app.subscriptions.topics import ROSTER_CODE

ORGANIZATION_TYPE = "http://terminology.hl7.org/CodeSystem/organization-type"
NUCC = "http://nucc.org/provider-taxonomy"
NUCC_ROLES = {
    "counselor": ("101YS0200X", "School Counselor"),
    "school counselor": ("101YS0200X", "School Counselor"),
    "nurse": ("163WS0200X", "School Registered Nurse"),
    "school nurse": ("163WS0200X", "School Registered Nurse"),
    "school psychologist": ("103TS0200X", "School Psychologist"),
    "school social worker": ("1041S0200X", "School Clinical Social Worker"),
}
"""A source's word for a role, in lower case -> the code that clinics know."""
FindPatient: TypeAlias = Callable[[str], str | None]


def filled(**elements: Any) -> Json:
    """The elements that are neither None nor an empty list, in order."""
    return {k: v for k, v in elements.items() if v is not None and v != []}


def organization(school: School, district: str) -> Json:
    """The Organization of a school. An Organization has no address of use `home` (org-2)."""
    return filled(
        resourceType="Organization",
        identifier=school.identifiers,
        active=school.active,
        type=[{"coding": [{"system": ORGANIZATION_TYPE, "code": "edu", "display": "Educational Institute"}]}],
        name=school.name,
        alias=school.aliases,
        telecom=school.telecom,
        address=[{k: v for k, v in a.items() if k != "use"} for a in school.addresses],
        partOf={"reference": f"Organization/{district}"},
    )


def location(school: School, organization: str) -> Json:
    """The Location of a school: where its Organization is found."""
    return filled(
        resourceType="Location",
        identifier=[{**school.identifiers[0], "system": f"{school.identifiers[0]['system']}:location"}],
        status="active" if school.active else "inactive",
        name=school.name,
        mode="instance",
        telecom=school.telecom,
        address=next(iter(school.addresses), None),
        managingOrganization={"reference": f"Organization/{organization}"},
    )


def practitioner(staff: Staff) -> Json:
    """The Practitioner of a person on the staff."""
    return filled(
        resourceType="Practitioner",
        identifier=staff.identifiers,
        active=True,
        name=staff.names,
        telecom=staff.telecom,
    )


def practitioner_role(post: Post, staff: str, organization: str, location: str | None) -> Json:
    """The PractitionerRole of a person at a school, or at the district."""
    return filled(
        resourceType="PractitionerRole",
        identifier=post.identifiers,
        active=post.active,
        period=filled(start=post.begin, end=post.end) or None,
        practitioner={"reference": f"Practitioner/{staff}"},
        organization={"reference": f"Organization/{organization}"},
        code=post.roles,
        location=[{"reference": f"Location/{location}"}] if location else [],
    )


def role(word: str, system: str | None = None) -> Json:
    """A role as the source calls it, with the code that clinics know where there is one."""
    own = [{"system": system, "code": word}] if system else []
    found = NUCC_ROLES.get(word.lower().removeprefix("ext:"))
    known = [{"system": NUCC, "code": found[0], "display": found[1]}] if found else []
    return {**({"coding": [*known, *own]} if known or own else {}), "text": word}


def patient(student: Student, district: str) -> Json:
    """The Patient of a student: active unless the source says that the enrollment is over."""
    return filled(
        resourceType="Patient",
        extension=student.extensions,
        identifier=student.identifiers,
        active=student.enrolled is not False,
        name=student.names,
        telecom=student.telecom,
        gender=student.gender,
        birthDate=student.birth_date,
        address=student.addresses,
        communication=student.communication,
        managingOrganization={"reference": f"Organization/{district}"},
    )


def related_person(contact: Contact, patient_id: str) -> Json:
    """The RelatedPerson of a contact. Where a restriction is on file it has no authority."""
    authority = False if contact.restricted else contact.authority
    mark = [] if authority is None else [{"url": GUARDIAN_AUTHORITY, "valueBoolean": authority}]
    return filled(
        resourceType="RelatedPerson",
        extension=[*mark, *contact.extensions],
        identifier=contact.identifiers,
        active=contact.active,
        patient={"reference": f"Patient/{patient_id}"},
        relationship=contact.relationship,
        name=contact.names,
        telecom=contact.telecom,
        gender=contact.gender,
        address=contact.addresses,
        communication=contact.communication,
        period=contact.period,
    )


def enrollment(school: str, identifier: Json, enrollments: Iterable[Enrollment], patient: FindPatient) -> Json:
    """The Group of a school's enrollment: each student with the period of its time there.

    `school` is the id of the school's Organization, `patient` finds a student's Patient id; who has none is left out.
    """
    members: dict[tuple[str, str], Json] = {}
    for one in enrollments:
        if (found := patient(one.student)) is not None:
            period = filled(start=one.begin, end=one.end)
            members[one.student, one.begin or ""] = filled(
                entity={"reference": f"Patient/{found}"},
                period=period or None,
            )
    return filled(
        resourceType="Group",
        identifier=[identifier],
        active=True,
        type="person",
        actual=True,
        code={"coding": [{"system": ROSTER_CODE, "code": "enrollment", "display": "Enrollment of a school"}]},
        managingEntity={"reference": f"Organization/{school}"},
        member=[members[key] for key in sorted(members)],
    )


def stated(resource: Json, *, restricted: bool = False) -> Units:
    """What a source states with a resource, as units."""
    return split(resource) | ({RESTRICTED: True} if restricted else {})
