"""What is sent of a staged folder: its schools, its students, its contacts, each as an Entry or a refusal of our own.
https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from app.errors import HallpassError, Kind
from app.intake.answers import Entry, Outcome, Status
from app.intake.elements import Json
from app.intake.mapping import District, organization, patient, related_person
from app.intake.push import entry
from app.intake.staging import StagedContact, StagedStudent, Staging

Refuse = Callable[[Outcome], None]


def schools(staging: Staging, district: District, refuse: Refuse) -> Iterator[Entry]:
    """The Organizations of the district's schools."""
    for key, school in staging.schools(district.agency):
        yield from _entry("School", key, partial(organization, school, district), refuse)


def students(staging: Staging, district: District, refuse: Refuse) -> Iterator[Entry]:
    """The Patients of all students."""
    for staged in staging.students(district.agency):
        yield from _entry("Student", staged.key, partial(_patient, staged, district), refuse)


def contacts(staging: Staging, district: District, refuse: Refuse) -> Iterator[Entry]:
    """The RelatedPersons of all contacts, one for each of their students."""
    for staged in staging.contacts():
        key = f"{_shown(staged.key)} of student {_shown(staged.student)}"
        yield from _entry("Contact", key, partial(_related_person, staged, district), refuse)


def refused(name: str, key: str, error: HallpassError) -> Outcome:
    """The Outcome of a record that the intake itself refuses."""
    reasons = (f"{i.text} ({i.expression})" if i.expression else i.text for i in error.issues)
    return Outcome(name, key, Status.REFUSED, reason="; ".join(reasons))


def _entry(name: str, key: str, make: Callable[[], Json], refuse: Refuse) -> Iterator[Entry]:
    try:
        resource = make()
    except HallpassError as e:
        refuse(refused(name, key, e))
    else:
        yield entry(name, key, resource)


def _patient(staged: StagedStudent, district: District) -> Json:
    return patient(staged.student, staged.demographics, staged.enrollments, district)


def _related_person(staged: StagedContact, district: District) -> Json:
    if staged.contact is None:
        raise HallpassError(Kind.INVALID, "Its Contact is not in the folder.")
    if not staged.student_known:
        raise HallpassError(Kind.INVALID, "Its Student is not in the folder.")
    if staged.patient is None:
        raise HallpassError(Kind.INVALID, "Its Student was refused.")
    return related_person(staged.contact, staged.association, staged.student, staged.patient, district)


def _shown(key: str) -> str:
    """A key for people: what stands for an unresolved reference begins with a control character."""
    return " ".join(key.replace("\x01", " ").split())
