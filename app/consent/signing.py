"""Who may sign a release: the adult student, a parent or guardian, or a minor where the law of the place says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.codes import (
    ADULT_GUARDIAN,
    CONTACT_RESTRICTION,
    EMANCIPATED,
    GUARDIAN_AUTHORITY,
    GUARDIANS,
    POSTSECONDARY,
    ROLE_CODE,
)
from app.consent.evaluate import MAJORITY
from app.consent.jurisdictions import minor_age
from app.consent.lapses import State, held
from app.consent.model import AdultFrom, Provision, Window
from app.consent.moments import birthday
from app.fhir.dates import BEGINNING, END, Interval, interval, period
from app.resources.paths import first, values


@dataclass(frozen=True, slots=True)
class ConsentContext:
    """What a Consent is read against, beside its own text.

    `custodian` is the organization that writes it, in `zone` and `jurisdiction` (a US state's code, or None).
    `authorities` are the RelatedPersons of the student with authority, each in its window; `related` all of them.
    `organizations` are those of the network among the ones that the Consent names. `elsewhere`: of the student and the
    RelatedPersons, those that an organization outside the custodian's line in the tree holds. `intermediary`: the
    exchange's operator is one, by 42 CFR 2.11. `adult` and `adult_guardians` as in a PolicySet.
    """

    custodian: UUID
    zone: ZoneInfo
    student: UUID
    now: datetime
    jurisdiction: str | None = None
    born: tuple[date, date] | None = None
    authorities: Mapping[UUID, Window] = field(default_factory=dict)
    related: frozenset[UUID] = frozenset()
    organizations: frozenset[UUID] = frozenset()
    elsewhere: frozenset[UUID] = frozenset()
    intermediary: bool = True
    adult: AdultFrom = field(default_factory=AdultFrom)
    adult_guardians: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds: the RelatedPerson who signed (None: the student), and the age it counts from.

    `cosigned`: the student signed as well.
    """

    signer: UUID | None
    age: int = MAJORITY
    cosigned: bool = False


def student_signs(
    s: ConsentContext, signed: datetime, permits: Iterable[Provision], *, education: bool = False
) -> Signature | str:
    """Whether the student may sign alone; a text says why not. `education`: as in a Release."""
    if s.born is None:
        return "the student's date of birth is not known"
    adult = _adult_from(s, education=education)
    if birthday(s.born[1], MAJORITY, s.zone) <= signed or (adult is not None and adult <= signed):
        return Signature(None)
    age = _age_of_consent(s.jurisdiction, signed.astimezone(s.zone).date(), permits)
    if age is not None and birthday(s.born[1], age, s.zone) <= signed:
        return Signature(None, age)
    return "below 18 a student signs alone only where the jurisdiction's table says so for that kind of service"


def guardian_signs(
    s: ConsentContext, signer: UUID, signed: Interval, confirmed: datetime | None = None, *, education: bool = False
) -> Signature | str:
    """Whether a RelatedPerson may sign; a text says why not. All that a partial date covers must lie before 18.

    Authority that lapsed since is enough where the custodian confirmed the signature once it was back.
    """
    if signer not in s.related:
        return "the signer is not a RelatedPerson of this student"
    window = s.authorities.get(signer)
    if window is None or window[0] > max(signed.lower, confirmed or signed.lower) or not s.now < window[1]:
        return "the signer has no parental or guardian authority, or has it no longer"
    if s.born is None:
        return "the student's date of birth is not known"
    if signer in s.adult_guardians and signer not in s.elsewhere:
        return Signature(signer)
    adult = _adult_from(s, education=education)
    if signed.upper > birthday(s.born[0], MAJORITY, s.zone):
        return "the student was 18 and signs alone"
    if adult is not None and s.now >= adult:
        return "the student signs as an adult, and alone"
    return Signature(signer)


def _adult_from(s: ConsentContext, *, education: bool) -> datetime | None:
    return None if s.student in s.elsewhere else s.adult.under(education=education)


def _age_of_consent(jurisdiction: str | None, on: date, permits: Iterable[Provision]) -> int | None:
    """The age from which a minor signs alone for all that these provisions open; None where the table is silent.

    The kind of service is told by the sensitivity labels that each provision names, so a release that names none,
    or reaches beyond the kind, is not one that a minor can sign.
    """
    opened = list(permits)
    if not opened or any(not p.labels or p.confidentiality is not None for p in opened):
        return None
    return minor_age(jurisdiction, on, {label for p in opened for label in p.labels or ()})


def authority(person: dict[str, Any], zone: ZoneInfo) -> Window | None:
    """The window in which a RelatedPerson has parental or guardian authority; None: never.

    The relationship gives it, where no restriction is on file; the `guardian-authority` extension says otherwise
    where a court or the district did.
    https://hl7.org/fhir/R4/relatedperson.html
    """
    if person.get("active") is False:
        return None
    said = [e.get("valueBoolean") for e in values(person, "extension") if e.get("url") == GUARDIAN_AUTHORITY]
    codings = values(person, "relationship.coding")
    by_code = any(c.get("system") == ROLE_CODE and c.get("code") in GUARDIANS for c in codings)
    by_code = by_code or guards_an_adult(person)
    restricted = any(
        e.get("url") == CONTACT_RESTRICTION and e.get("valueBoolean") is not False for e in values(person, "extension")
    )
    if not (all(v is True for v in said) if said else by_code and not restricted):
        return None
    stated = first(person, "period")
    window = period(stated, zone) if stated else None
    return (window.lower, window.upper) if window else (BEGINNING, END)


def has_authority(person: dict[str, Any], zone: ZoneInfo, now: datetime) -> bool:
    """Whether a RelatedPerson may sign for the student at a moment."""
    window = authority(person, zone)
    return window is not None and window[0] <= now < window[1]


def guards_an_adult(person: dict[str, Any]) -> bool:
    """Whether the custodian marked a RelatedPerson as the guardian of an adult student."""
    return any(e.get("url") == ADULT_GUARDIAN and e.get("valueBoolean") is True for e in values(person, "extension"))


def may_be_adult(patient: dict[str, Any]) -> bool:
    """Whether a Patient says that the student is emancipated, or in postsecondary enrollment."""
    return any(e.get("url") in (EMANCIPATED, POSTSECONDARY) for e in values(patient, "extension"))


def adult_from(versions: Sequence[tuple[datetime, dict[str, Any] | None]], zone: ZoneInfo) -> AdultFrom:
    """From when a minor signs as an adult, by the versions of a Patient: never before the custodian recorded it."""

    def since(url: str) -> datetime | None:
        states: list[State] = [(at, _from(patient, url, zone) if patient else None) for at, patient in versions]
        return held(states)[-1][0] if states and states[-1][1] else None

    return AdultFrom(since(EMANCIPATED), since(POSTSECONDARY))


def _from(patient: dict[str, Any], url: str, zone: ZoneInfo) -> Window | None:
    days = [e["valueDate"] for e in values(patient, "extension") if e.get("url") == url and "valueDate" in e]
    return (interval(days[0], zone).lower, END) if days else None
