"""Codes in plain words, for people who are no programmers. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.consent.codes import RESOURCE_TYPES
from app.resources.paths import first, values

TYPES = {
    "AllergyIntolerance": "allergies",
    "Appointment": "appointments",
    "Binary": "contents of documents",
    "CarePlan": "plans of support",
    "CareTeam": "members of the support team",
    "Communication": "messages",
    "Condition": "conditions and needs",
    "Consent": "the release itself",
    "DocumentReference": "documents",
    "Encounter": "visits",
    "Goal": "goals",
    "Group": "class and group lists",
    "Immunization": "immunizations",
    "Observation": "measures, such as attendance and grades",
    "Patient": "name, birth date and contact",
    "Procedure": "services delivered",
    "Provenance": "signatures and sources",
    "QuestionnaireResponse": "answers to questionnaires",
    "RelatedPerson": "parents and guardians",
    "ServiceRequest": "referrals",
    "Task": "progress of referrals",
}
PURPOSES = {
    "BTG": "an emergency",
    "CAREMGT": "care management",
    "COC": "coordination of care",
    "ETREAT": "emergency treatment",
    "HOPERAT": "operations",
    "HPAYMT": "payment",
    "PATRQT": "at the request of the family",
    "TREAT": "treatment",
}
INTERACTIONS = {
    "read": "opened",
    "vread": "opened",
    "search": "found by a search",
    "history": "opened with its history",
    "export": "taken with a file",
    "notification": "sent with a notification",
    "everything": "opened as a whole record",
    "update": "answered after a change",
    "create": "answered after a change",
    "asserted": "told outside of the exchange",
}
RELATIONSHIPS = {
    "MTH": "mother",
    "NMTH": "mother",
    "FTH": "father",
    "NFTH": "father",
    "ADOPTP": "adoptive parent",
    "GUARD": "legal guardian",
    "PRN": "parent",
}
PROGRESS = {
    "requested": "waits for an answer",
    "accepted": "accepted",
    "in-progress": "under way",
    "on-hold": "on hold",
    "cancellation-requested": "asked to be canceled",
}
STATES = {
    "draft": "draft",
    "proposed": "waits for a signature",
    "active": "signed",
    "rejected": "was refused",
    "inactive": "ended",
    "entered-in-error": "entered by mistake",
}


def records(counts: Counter[str]) -> list[str]:
    """Numbers of records by type, in words."""
    return [f"{of_type(t)} ({n})" if n > 1 else of_type(t) for t, n in sorted(counts.items())]


def of_type(name: str) -> str:
    """A resource type."""
    return TYPES.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def purposes(codes: Iterable[str]) -> str:
    """Why something was asked."""
    return ", ".join(PURPOSES.get(c, c) for c in codes)


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment by the clocks of a place."""
    local = at.astimezone(zone)
    return f"{day(local.date())}, {local.hour % 12 or 12}:{local:%M} {'a.m.' if local.hour < 12 else 'p.m.'}"


def day(value: date) -> str:
    """A day."""
    return f"{value:%B} {value.day}, {value.year}"


def date_of(text: str | None, zone: ZoneInfo) -> str:
    """A FHIR date or dateTime as a day; what is less than a day as it is."""
    try:
        if text and "T" in text:
            return day(datetime.fromisoformat(text).astimezone(zone).date())
        return day(date.fromisoformat(text)) if text else ""
    except ValueError:
        return text or ""


def name(person: object) -> str:
    """The name of a Patient or RelatedPerson in one line."""
    found = first(person, "name") or {}
    text = found.get("text") or " ".join([*found.get("given", []), *filter(None, [found.get("family")])])
    return str(text) or "(no name)"


def relationship(person: object) -> str:
    """What a RelatedPerson is to the student; '' where it does not say, or not in a word of ours."""
    codes = values(person, "relationship.coding.code")
    return next((RELATIONSHIPS[c] for c in codes if c in RELATIONSHIPS), "")


def state(code: str) -> str:
    """The status of a Consent."""
    return STATES.get(code, code)


def classes(provision: object) -> list[str]:
    """Which records a provision names by type."""
    return [of_type(c["code"]) for c in values(provision, "class") if c.get("system") == RESOURCE_TYPES and "code" in c]
