"""What both servers of a comparison get, and the bodies that they are sent: FHIR alone, by transactions."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

from bench.asker import Asker
from bench.network import NOTE
from tests import build

SYSTEM = "urn:test:student"
_NUMBERS = count(1)


@dataclass(frozen=True)
class Student:
    """One that was loaded: the id, the body that was sent, and the id of its referral."""

    id: str
    number: str
    patient: dict[str, Any]
    referral: str

    @property
    def query(self) -> str:
        """The identifier, as a search has it."""
        return quote(f"{SYSTEM}|{self.number}")


@dataclass(frozen=True)
class Loaded:
    """What a server holds: students whose records are released to the reader, and others."""

    students: list[Student]
    others: list[Student]
    performer: dict[str, str]

    def referral(self, n: int) -> dict[str, Any]:
        """A referral that is on the server not yet."""
        other = self.others[n % len(self.others)]
        student = {"resourceType": "Patient", "id": other.id}
        own = {"system": "urn:bench:referral", "value": f"R-{next(_NUMBERS)}"}
        return build.referral(student, self.performer, note=[{"text": NOTE}], identifier=[own])

    def creates(self, many: int) -> dict[str, Any]:
        """A transaction of so many."""
        return _transaction(("POST", "ServiceRequest", self.referral(n)) for n in range(many))


def load(asker: Asker, organizations: tuple[str, ...], students: int) -> Loaded:
    """Load so many students whose records are released, and fifty others. Without organizations two are made."""
    if not organizations:
        bodies = ({"resourceType": "Organization", "name": name} for name in ("Grand Bend District", "Riverside"))
        organizations = tuple(asker.ask("POST", "/Organization", b)[1]["id"] for b in bodies)
    district, clinic = ({"reference": f"Organization/{o}"} for o in organizations)
    found = [_student(asker, f"P-{n:06}", district, clinic, released=True) for n in range(students)]
    others = [_student(asker, f"O-{n:06}", district, clinic, released=False) for n in range(50)]
    return Loaded(found, others, clinic)


def roster(students: Iterable[Student], change: str | None) -> dict[str, Any]:
    """A transaction of conditional updates of students: with a `change` to each, or as they are."""
    entries = []
    for s in students:
        body = deepcopy(s.patient)
        if change is not None:
            body["telecom"] = [{"system": "phone", "value": f"+1 555 {change}"}]
        entries.append(("PUT", f"Patient?identifier={s.query}", body))
    return _transaction(entries)


def _student(asker: Asker, number: str, district: dict[str, str], clinic: dict[str, str], *, released: bool) -> Student:
    patient = build.patient(number, address=[{"city": "Grand Bend", "postalCode": "48001"}])
    one = {"resourceType": "Patient", "id": asker.ask("POST", "/Patient", patient)[1]["id"]}
    mother = {"resourceType": "RelatedPerson", "id": asker.ask("POST", "/RelatedPerson", build.guardian(one))[1]["id"]}
    sent = [
        build.referral(
            one, clinic, note=[{"text": NOTE}], identifier=[{"system": "urn:bench:referral", "value": number}]
        ),
        build.encounter(one),
    ]
    if released:
        sent.append(build.consent(one, mother, district, clinic, classes=("Patient", "ServiceRequest", "Encounter")))
    answer = asker.ask("POST", "", _transaction(("POST", b["resourceType"], b) for b in sent))[1]
    referral = answer["entry"][0]["response"]["location"].split("ServiceRequest/")[1].split("/")[0]
    return Student(one["id"], number, patient, referral)


def _transaction(entries: Iterable[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": body, "request": {"method": method, "url": url}} for method, url, body in entries],
    }
