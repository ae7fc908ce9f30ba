"""What the source states of each record, as a resource in units: built when it is needed, and never held.
https://hl7.org/fhir/R4/resourcelist.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, ClassVar

from app.errors import HallpassError, Kind
from app.intake.roster import resources
from app.intake.roster.facts import RosterFacts
from app.intake.roster.merge import last_said
from app.intake.roster.model import Contact, Enrollment, Post, School, Staff, Student
from app.intake.roster.units import Json, Units, digest

TYPES = {
    "School": "Organization",
    "Location": "Location",
    "Student": "Patient",
    "Contact": "RelatedPerson",
    "Enrollment": "Group",
    "Staff": "Practitioner",
    "Post": "PractitionerRole",
}
"""Kind of record -> the resource it becomes, in the order in which they are written."""
FACTS = {"Location": "School"}
"""Kind of record -> the kind of fact that it is made of, where that is another."""
_MADE_OF: Mapping[str, type[Any]] = {"School": School, "Location": School, "Student": Student, "Staff": Staff}


@dataclass(frozen=True, slots=True)
class Stated:
    """A record as the source states it."""

    resource: Json
    units: Units


class Builder:
    """Builds the records of one import from its facts, for the district's Organization at the exchange.

    `partial`: the source tells changes, so that what it does not say is unknown.
    """

    def __init__(
        self, facts: RosterFacts, district: str, today: date, *, partial: bool = False, dry_run: bool = False
    ) -> None:
        self._facts = facts
        self._district = district
        self._today = today
        self._dry_run = dry_run
        self.partial = partial

    def keys(self, kind: str) -> Iterator[str]:
        """The keys of the records of a kind that the source states."""
        if kind == "Enrollment":
            query = "SELECT DISTINCT substr(key, 1, instr(key, '/') - 1) FROM fact WHERE kind = ? AND NOT refused"
            return (k for (k,) in self._facts.db.execute(query, (kind,)).fetchall())
        query = "SELECT key FROM fact WHERE kind = ? AND NOT refused ORDER BY key"
        return (k for (k,) in self._facts.db.execute(query, (FACTS.get(kind, kind),)))

    def build(self, kind: str, key: str) -> Stated:
        """A record. Raises HallpassError where what it belongs to was refused."""
        restricted = untold = False
        if kind == "School":
            resource = resources.organization(self._get(School, key), self._district)
        elif kind == "Student":
            student = self._get(Student, key)
            resource = resources.patient(student, self._district)
            untold = self.partial and student.enrolled is None
        elif kind == "Contact":
            contact = self._get(Contact, key)
            restricted = contact.restricted
            resource = resources.related_person(contact, self._patient(contact.student))
        else:
            resource = self._MORE[kind](self, key)
        units = resources.stated(resource, restricted=restricted)
        if untold:
            units.pop("active")
        return Stated(resource, units)

    def ended(self, key: str, held: Units, wrote: Mapping[str, str]) -> Units:
        """The members of a school's Group that the source stated once and no longer has: each with an end."""
        spoken = {self._id("Student", k) for k in self._facts.spoken("Enrollment")}
        stated = self.build("Enrollment", key).units if key in set(self.keys("Enrollment")) else {}
        found: Units = {}
        for name, value in held.items():
            if not name.startswith("member:") or name in stated or not last_said(wrote.get(digest(name))):
                continue
            patient = str(value[0]["entity"].get("reference", "")).removeprefix("Patient/")
            keep = "Enrollment" in self._facts.unattributed or patient in spoken
            found[name] = value if keep else [self._over(m) for m in value]
        return found

    def _over(self, member: Json) -> Json:
        period: Json = member.get("period", {})
        if period.get("end"):
            return member
        today = self._today.isoformat()
        return {**member, "period": {**period, "end": max(today, str(period.get("start", today)))}}

    def _enrollment(self, school: str) -> Json:
        organization = self._of("School", school)
        own = self._get(School, school).identifiers[0]
        identifier = {"system": f"{own['system']}:enrollment", "value": own["value"]}
        return resources.enrollment(organization, identifier, self._of_school(school), partial(self._id, "Student"))

    def _location(self, school: str) -> Json:
        return resources.location(self._get(School, school), self._of("School", school))

    def _staff(self, key: str) -> Json:
        return resources.practitioner(self._get(Staff, key))

    def _post(self, key: str) -> Json:
        post: Post = self._get(Post, key)
        organization = self._of("School", post.school) if post.school else self._district
        location = self._id("Location", post.school) if post.school else None
        return resources.practitioner_role(post, self._of("Staff", post.staff), organization, location)

    _MORE: ClassVar[Mapping[str, Callable[[Builder, str], Json]]] = {
        "Location": _location,
        "Enrollment": _enrollment,
        "Staff": _staff,
        "Post": _post,
    }

    def _of(self, kind: str, key: str) -> str:
        """The id of what a record belongs to. Raises HallpassError where that is not there."""
        found = self._id(kind, key)
        if found is None:
            raise HallpassError(Kind.INVALID, f"Its {kind} is not in the source, or was refused.")
        return found

    def _of_school(self, school: str) -> Iterator[Enrollment]:
        return (e for e in self._facts.starting(Enrollment, f"{school}/") if e.school == school)

    def _patient(self, student: str) -> str:
        found = self._id("Student", student)
        if found is None:
            known = self._facts.get(Student, student) is not None
            raise HallpassError(Kind.INVALID, "Its Student was refused." if known else "Its Student is not there.")
        return found

    def _id(self, kind: str, key: str) -> str | None:
        row = self._facts.db.execute("SELECT id FROM statement WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        if row is None and self._dry_run and self._facts.get(_MADE_OF[kind], key):
            return "to-be-created"
        return str(row[0]) if row else None

    def _get(self, kind: type[Any], key: str) -> Any:
        found = self._facts.get(kind, key)
        if found is None:
            raise HallpassError(Kind.INVALID, f"Its {kind.__name__} is not in the source, or was refused.")
        return found
