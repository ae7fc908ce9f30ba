"""What of an Encounter goes to the district's ODS: who was served, by which service, when, and for how long. Pure.

https://hl7.org/fhir/R4/encounter.html — what is not named here goes nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from app.consent import codes as c
from app.consent.attributes import labels_of
from app.resources.encounter import ENCOUNTER
from app.resources.paths import first, values

Json = dict[str, Any]
MOST_MINUTES = 24 * 60
"""Of one session: what says more is no time of a session."""
SERVICE_CHARACTERS, PROVIDER_CHARACTERS = 24, 20
"""Of a service and its provider, so that the code of an intervention has no more than 60."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One session: the Encounter, the student's number in the ODS, the intervention's code, the day, and minutes."""

    encounter: UUID
    student: str
    intervention: str
    held: date
    minutes: int


def stands(encounter: Json) -> bool:
    """Whether a session was held and is over."""
    return encounter.get("status") == "finished" and _moment(encounter, "start") is not None


def held_back(encounter: Json) -> bool:
    """Whether labels restrict it more than a school's records commonly are: then it stays at the exchange."""
    levels = [
        c.CONFIDENTIALITY.get(str(label.get("code")), c.NOT_UNDERSTOOD)
        for label in values(encounter, "meta.security")
        if label.get("system") == c.CONFIDENTIALITY_SYSTEM
    ]
    return max(levels, default=c.NORMAL) > c.NORMAL or bool(labels_of(ENCOUNTER, encounter))


def delivered(encounter: Json, student: str, provider: str) -> Delivered:
    """What is written of an Encounter that stands. `provider` is the name of who held it."""
    start = _moment(encounter, "start")
    if start is None:
        raise ValueError("an Encounter without a start is no session")
    end = _moment(encounter, "end")
    timed = isinstance(start, datetime) and isinstance(end, datetime)
    lasted = (end - start).total_seconds() / 60 if timed else _length(encounter)  # type: ignore[operator]
    day = start.date() if isinstance(start, datetime) else start
    minutes = round(max(0, min(lasted, MOST_MINUTES)))
    return Delivered(UUID(encounter["id"]), student, code_of(encounter, provider), day, minutes)


def code_of(encounter: Json, provider: str) -> str:
    """`interventionIdentificationCode`: the service and its provider by name, and a part of the provider's id."""
    coding = first(encounter, "type.coding") or {}
    service = str(coding.get("display") or coding.get("code") or "Service")
    who = provider_of(encounter).partition("-")[0]
    return f"{_short(service, SERVICE_CHARACTERS)}, {_short(provider, PROVIDER_CHARACTERS)} ({who})"


def provider_of(encounter: Json) -> str:
    """The id of the organization that held it: the one that is named, else the one that filed it."""
    named = first(encounter, "serviceProvider.reference") or first(encounter, "meta.source") or ""
    return str(named).removeprefix("Organization/")


def number_of(patient: Json | None, system: str, custodian: str) -> str | None:
    """The number under which the district's ODS knows a student; None where another than the district filed it."""
    if patient is None or first(patient, "meta.source") != f"Organization/{custodian}":
        return None
    found = [str(i.get("value", "")) for i in values(patient, "identifier") if i.get("system") == system]
    return found[0] if len(set(found)) == 1 and found[0] else None


def subjects(encounter: Json, referrals: Iterable[Json]) -> list[str]:
    """References to who it may be about, the Encounter's own word first, then its referrals'."""
    named = [first(r, "subject.reference") for r in (encounter, *referrals)]
    return [str(n) for n in dict.fromkeys(named) if n and str(n).startswith("Patient/")]


def _length(encounter: Json) -> float:
    """`Encounter.length` in minutes; 0 where it says none."""
    unit = {"min": 1, "h": 60}.get(str(first(encounter, "length.code")), 0)
    return float(first(encounter, "length.value") or 0) * unit


def _short(text: str, most: int) -> str:
    plain = " ".join("".join(x if x.isprintable() else " " for x in text).split())
    return plain[:most].strip()


def _moment(encounter: Json, end: str) -> datetime | date | None:
    text = str(first(encounter, f"period.{end}") or "")
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        return None
