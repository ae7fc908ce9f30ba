"""A plan over given resources, and what its document tells, for the tests."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from app.plan.document import MEASURES, composition

Json = dict[str, Any]
Table = list[tuple[str, ...]]
AT = "2026-11-28T08:00:00Z"
SCHOOL = {"reference": "Organization/o", "display": "A school"}
ANA = {
    "resourceType": "Patient",
    "id": "p",
    "birthDate": "2014-05-01",
    "name": [{"given": ["Ana", "Lu"], "family": "Sol"}],
}
MOTHER = {"resourceType": "RelatedPerson", "id": "m", "name": [{"text": "Lu Sol", "family": "Other"}]}
CLINIC = {"resourceType": "Organization", "id": "c", "name": "The clinic"}
ROLE = {"resourceType": "PractitionerRole", "id": "r", "code": [{"text": "School counselor"}]}
BY = {"reference": "RelatedPerson/m"}
AT_CLINIC = {"reference": "Organization/c"}
UNKNOWN = {"reference": "Practitioner/nobody"}
PLAN, NEEDS, GOALS = "The plan and its review", "Strengths and needs", "Goals"
TEAM, SERVICES, OUTCOMES = "Team", "Services and referrals", "Outcomes"


def made(*resources: Json, whole: bool = True) -> Json:
    """The plan of Ana over these resources."""
    return composition([ANA, MOTHER, CLINIC, ROLE, *resources], "Patient/p", SCHOOL, AT, whole=whole)


def parsed(narrative: Json) -> ElementTree.Element:
    """A narrative as XML."""
    return ElementTree.fromstring(narrative["div"])  # noqa: S314 - our own


def table(narrative: Json) -> Table:
    """The rows of a narrative, without the headings."""
    rows = parsed(narrative).iter("{http://www.w3.org/1999/xhtml}tr")
    return [tuple(cell.text or "" for cell in row) for row in rows][1:]


def section(document: Json, title: str) -> Json:
    """One section."""
    return next(dict(s) for s in document["section"] if s["title"] == title)


def told(title: str, *resources: Json) -> Table:
    """What a section of a plan over these resources tells."""
    return table(section(made(*resources), title)["text"])


def attendance(value: float | None, day: str, unit: str = "%") -> Json:
    """A measure of a day."""
    code = {"coding": [{"system": MEASURES, "code": "attendance-rate", "display": "Attendance"}]}
    known = {} if value is None else {"valueQuantity": {"value": value, "unit": unit}}
    return {"resourceType": "Observation", "id": day, "code": code, "effectiveDateTime": day, **known}
