"""A student's page: who can see what now and why, what changes soon, and what is drafted. 34 CFR 99.30"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.consent.recipients import BY_ID
from app.exchange import reads, standing
from app.exchange.service import PendingResult, Result
from app.exchange.service import Session as Transaction
from app.fhir.json import parse
from app.office import words
from app.office.guard import get
from app.office.parameters import Parts, read, reference
from app.office.picture import MOST, Drawn, draw, provisions
from app.office.visit import Visit, about, seen
from app.resources import TYPES
from app.resources.paths import values

Json = dict[str, Any]
DRAFTS = frozenset({"draft", "proposed"})


@dataclass(frozen=True, slots=True)
class Card:
    """One release in words: `opens` are who may see and what."""

    id: str
    signed: str
    effective: bool
    why: str
    since: str
    until: str
    opens: tuple[tuple[str, list[str]], ...]
    provisions: list[tuple[int, bool, str]]


@dataclass(frozen=True, slots=True)
class Change:
    """What opens or closes at a moment to come."""

    at: str
    why: str
    who: str
    opens: list[str]
    closes: list[str]


def add(router: APIRouter) -> None:
    """The route."""
    get(router, "/office/students/{id}", _show)


async def _show(request: Request, visit: Visit) -> Response:
    student = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        status = await standing.status(transaction, student, provisions=True)
        patient = await reads.read(transaction, TYPES["Patient"], student)
        named = [reference(c) for p in read(status.document, "release") for c in p.get("consent", [])]
        consents = await seen(transaction, "Consent", {n for n in named if n})
        return [status, patient, *consents, *await everyone_named(transaction, status.document, consents)]

    answer = await visit.perform("explain", unit_of_work, about("who can see", "Patient", student))
    found = by_reference(answer.results[1:])
    status = answer.results[0].document
    patient = found[f"Patient/{student}"]
    covered = read(status, "provision")
    cards = [_card(p, found, covered, answer.zone) for p in read(status, "release")]
    return visit.page(
        "student.html",
        id=student,
        student=words.name(patient),
        born=words.date_of(patient.get("birthDate"), answer.zone),
        cards=sorted(cards, key=lambda c: not c.effective),
        picture=draw([_drawn(c) for c in cards if c.effective][:MOST]),
        changes=[_change(p, found, answer.zone) for p in read(status, "change")],
    )


async def everyone_named(
    transaction: Transaction, document: Json | None, consents: Iterable[PendingResult]
) -> list[PendingResult]:
    """The organizations that a status names, and who signed the Consents."""
    organizations = {reference(o) for p in read(document, "change") for o in p.get("organization", [])}
    for release in read(document, "release"):
        organizations |= {reference(o) for r in release.get("recipient", []) for o in r.get("organization", [])}
    signers = {
        r.rpartition("/")[2]
        for c in consents
        for r in values(parse(c.pending[0].row.body), "performer.reference")
        if str(r).startswith("RelatedPerson/")
    }
    found = await seen(transaction, "Organization", {o for o in organizations if o and UUID(o) not in BY_ID})
    return found + await seen(transaction, "RelatedPerson", signers)


def by_reference(results: Iterable[Result]) -> dict[str, Json]:
    """What was released, by reference."""
    return {f"{r.type}/{r.id}": parse(r.body) for result in results for r in result.released}


def signature(consent: Json, found: dict[str, Json], zone: ZoneInfo) -> str:
    """By whom a Consent was signed, and when."""
    who = []
    for target in values(consent, "performer.reference"):
        person = found.get(target)
        if target.startswith("Patient/"):
            who.append("the student")
        elif person is not None:
            kin = words.relationship(person)
            who.append(f"{words.name(person)} ({kin})" if kin else words.name(person))
    signed = words.date_of(consent.get("dateTime"), zone)
    return " ".join(filter(None, ("signed by " + " and ".join(who) if who else "", f"on {signed}" if signed else "")))


def organization(organization_id: str, found: dict[str, Json]) -> str:
    """The name of an organization, or of a class of recipients."""
    if organization_id and (kind := BY_ID.get(UUID(organization_id))):
        return f"{kind.display} of the network"
    return str(found.get(f"Organization/{organization_id}", {}).get("name", "(an organization)"))


def counted(parts: Iterable[Parts]) -> list[str]:
    """Numbers of records by type, in words."""
    return words.records(Counter({p["type"][0]: p["count"][0] for p in parts}))


def _drawn(card: Card) -> Drawn:
    until = f", in effect until {card.until}" if card.until else ""
    return Drawn(f"Release {card.signed}{until}", card.provisions, list(card.opens))


def _card(parts: Parts, found: dict[str, Json], covered: list[Parts], zone: ZoneInfo) -> Card:
    consent_id, effective = reference(parts["consent"][0]), bool(parts["effective"][0])
    consent = found.get(f"Consent/{consent_id}", {})
    own = [p for p in covered if reference(p["consent"][0]) == consent_id]
    recipients = parts.get("recipient", [])
    return Card(
        id=consent_id,
        signed=signature(consent, found, zone),
        effective=effective,
        why=str(next(iter(parts.get("why", [])), "")),
        since=_moment(parts.get("since"), zone),
        until=_moment(parts.get("until"), zone),
        opens=tuple(
            (organization(reference(r["organization"][0]), found), counted(r.get("opens", []))) for r in recipients
        ),
        provisions=provisions(consent, own, zone) if effective else [],
    )


def _change(parts: Parts, found: dict[str, Json], zone: ZoneInfo) -> Change:
    return Change(
        at=_moment(parts.get("at"), zone),
        why=", ".join(parts.get("why", [])),
        who=organization(reference(parts["organization"][0]), found),
        opens=counted(parts.get("opens", [])),
        closes=counted(parts.get("closes", [])),
    )


def _moment(found: list[Any] | None, zone: ZoneInfo) -> str:
    return words.moment(datetime.fromisoformat(found[0]), zone) if found else ""
