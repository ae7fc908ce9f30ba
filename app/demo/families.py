"""Finds, in a district's roster, a student whose parent or guardian can sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from app.consent.signing import authority
from app.demo.api import Api, Json, Unexpected, reference

MAJORITY = 18
LEAST_CONTACTS = 2


@dataclass(frozen=True, slots=True)
class Family:
    """A student, the contact of the student who may sign, and all contacts."""

    student: Json
    signer: Json
    contacts: list[Json]


async def find_family(district: Api, skip: int = 0) -> Family:
    """The first student by id in the district's own system, after so many others, who is a minor with a signer."""
    students: dict[str, Json] = {}
    contacts: dict[str, list[Json]] = {}
    async for found in district.every("RelatedPerson?_include=RelatedPerson:patient&_count=200"):
        if found["resourceType"] == "Patient":
            students[reference(found)] = found
        else:
            contacts.setdefault(found["patient"]["reference"], []).append(found)
    for key in sorted(students, key=lambda k: str(students[k]["identifier"][0]["value"])):
        signer = next((c for c in contacts[key] if authority(c, ZoneInfo("UTC"))), None)
        if signer and len(contacts[key]) >= LEAST_CONTACTS and _is_minor(students[key]):
            if skip == 0:
                return Family(students[key], signer, contacts[key])
            skip -= 1
    raise Unexpected("The roster has no minor with two contacts, one of whom may sign.")


def full_name(person: Json) -> str:
    """A person's name, for people."""
    name = person["name"][0]
    return " ".join([*name.get("given", []), name["family"]])


def _is_minor(student: Json) -> bool:
    """Whether the student is under 18 for a year yet, so that a release of a year does not end early."""
    born = date.fromisoformat(student["birthDate"])
    today = datetime.now(UTC).date()
    return (born.year + MAJORITY - 1, born.month, born.day) > (today.year, today.month, today.day)
