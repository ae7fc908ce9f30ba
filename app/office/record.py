"""Who saw this child's record and why: the record of disclosures as a page to hand to a parent. 34 CFR 99.32

What a parent gets says nothing of care that the minor controls, nor that something is left out (docs/rule.md).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import disclosures, reads
from app.exchange.disclosures import position
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.fhir.dates import interval
from app.fhir.json import parse
from app.ledger import outside
from app.ledger.entries import Entry, Filter
from app.ledger.names import Names
from app.limits.long_work import off_loop
from app.office import words
from app.office.guard import get
from app.office.templates import STYLE, STYLE_PATH
from app.office.visit import Answer, Visit, about, seen
from app.pdf import download, is_available, pdf
from app.resources import TYPES
from app.resources.paths import values
from app.resources.refs import as_uuid

MOST = 5000
"""Entries that one page tells of. For more, a shorter period is asked for."""
TOO_LONG = "This is too long for a PDF. Choose a shorter period, or print the page with your browser."
Json = dict[str, Any]


@dataclass(slots=True)
class Line:
    """What one organization got at one moment on one basis."""

    at: str
    to: str
    person: str
    why: str
    how: str
    basis: str
    what: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> list[str]:
        """What it got, in words."""
        return words.records(self.what)


def add(router: APIRouter) -> None:
    """The route."""
    get(router, "/office/students/{id}/record", _show)
    get(router, "/office/students/{id}/record/pdf", _pdf)


async def _show(request: Request, visit: Visit) -> Response:
    return visit.page("record.html", **await _values(request, visit), pdf=is_available())


async def _pdf(request: Request, visit: Visit) -> Response:
    """The same page as a PDF. Raises NOT_FOUND where none is made here, and TOO_COSTLY for a long one."""
    if not is_available():
        raise not_found()
    page = visit.text("record.html", **await _values(request, visit), pdf=False)
    try:
        made = await off_loop(visit.caller.client, lambda: pdf(page, {STYLE_PATH: STYLE}), large=True)
    except HallpassError as e:
        if e.kind is not Kind.TOO_COSTLY:
            raise
        raise HallpassError(e.kind, Issue(TOO_LONG)) from None
    return download(made, "record-of-disclosures.pdf")


async def _values(request: Request, visit: Visit) -> Json:
    """What the page shows of a period."""
    student, query = request.path_params["id"], request.query_params
    start, end, whole = query.get("start", ""), query.get("end", ""), query.get("for", "parent") == "student"

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        wanted = _filter(student, start, end, transaction.zone, for_parent=not whole)
        entries, names, cut = await _entries(transaction, student, wanted)
        patient = await reads.read(transaction, TYPES["Patient"], student)
        own = await seen(transaction, "Organization", {str(visit.staff.organization)})
        cited = await seen(transaction, "Consent", {str(e.consent) for e in entries if e.consent})
        signers = {
            r.rpartition("/")[2]
            for found in cited
            for r in values(parse(found.pending[0].row.body), "performer.reference")
            if str(r).startswith("RelatedPerson/")
        }
        people = await seen(transaction, "RelatedPerson", signers)
        document = PendingResult(document={"entries": entries, "names": names, "cut": cut})
        return [document, patient, *own, *cited, *people]

    answer = await visit.perform("disclosures", unit_of_work, about("record of disclosures", "Patient", student))
    first, last = (words.date_of(day, answer.zone) for day in (start, end))
    period = f"{first or 'the beginning'} to {last or 'today'}" if start or end else "all there is"
    return {**_told(answer), "period": period, "start": start, "end": end, "whole": whole}


def _filter(student: str, start: str, end: str, zone: ZoneInfo, *, for_parent: bool) -> Filter:
    """Days are meant in the time zone of the office, and the last one is covered. Raises INVALID for no day."""
    try:
        first = interval(start, zone).lower if start else None
        last = interval(end, zone).upper if end else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue("Give the days as year, month and day: 2026-09-01.")) from None
    return Filter(student=as_uuid(student), start=first, end=last, for_parent=for_parent)


async def _entries(transaction: Transaction, student: str, wanted: Filter) -> tuple[list[Entry], Names, bool]:
    """The entries with their names, MOST at the most; and whether there are more."""
    entries: list[Entry] = []
    names = Names()
    after = None
    while True:
        found = await disclosures.of_student(transaction, student, wanted, after, transaction.settings.max_count)
        document = found.document or {}
        entries += document["entries"]
        names.organizations.update(document["names"].organizations)
        names.signers.update(document["names"].signers)
        cursor = found.cursors.get("next")
        if cursor is None or len(entries) >= MOST:
            return entries, names, cursor is not None
        after = position(cursor)


def _told(answer: Answer) -> Json:
    """What the page shows."""
    document: Json = answer.results[0].document or {}
    found = {f"{r.type}/{r.id}": parse(r.body) for result in answer.results[1:] for r in result.released}
    patient = next(v for k, v in found.items() if k.startswith("Patient/"))
    organization: Json = next((v for k, v in found.items() if k.startswith("Organization/")), {})
    return {
        "student": words.name(patient),
        "born": words.date_of(patient.get("birthDate"), answer.zone),
        "organization": str(organization.get("name", "")),
        "address": _address(organization),
        "lines": lines(document["entries"], document["names"], found, answer.zone),
        "cut": document["cut"],
        "zone": str(answer.zone),
    }


def lines(entries: list[Entry], names: Names, found: dict[str, Json], zone: ZoneInfo) -> list[Line]:
    """Entries in words: what one request got on one basis is one line. `found`: Consents and signers by reference."""
    told: dict[tuple[object, ...], Line] = {}
    for e in entries:
        key = (e.request, e.recipient, e.interaction, e.basis, e.consent, e.consent_version, e.purposes)
        if key not in told:
            told[key] = Line(
                at=words.moment(e.at, zone),
                to=outside.recipient_name(e) or names.organization(e.recipient, e.at) or "(no name)",
                person=_person(e),
                why=words.purposes(e.purposes) or e.reason or "",
                how=words.INTERACTIONS.get(e.interaction, e.interaction),
                basis=_basis(e, names, found, zone),
            )
        told[key].what[e.type] += 1
    return list(told.values())


def _person(entry: Entry) -> str:
    """Who asked, where that is known. What a program said of who is behind it is its word."""
    agent = entry.agent or {}
    return ", ".join(v for v in (agent.get("subject_name"), agent.get("subject_role")) if v)


def _basis(entry: Entry, names: Names, found: dict[str, Json], zone: ZoneInfo) -> str:
    match entry.basis:
        case "release":
            return _release(entry, names, found, zone)
        case "party":
            return "They are named in the release itself"
        case "emergency":
            return f"Emergency: {entry.reason or 'no reason given'}"
        case "directory":
            return "Public directory"
        case "asserted":
            return entry.reason or "Entered by the office"
    return entry.basis


def _release(entry: Entry, names: Names, found: dict[str, Json], zone: ZoneInfo) -> str:
    """Which release it was, in words: by whom it was signed, and when."""
    consent = found.get(f"Consent/{entry.consent}", {})
    who = [_signer(text, found) for text in names.signed(entry)]
    signed = words.date_of(consent.get("dateTime"), zone)
    parts = ["Release"]
    parts += [f"signed by {' and '.join(who)}"] if who else []
    return " ".join(parts + ([f"on {signed}"] if signed else []))


def _signer(text: str, found: dict[str, Json]) -> str:
    """A signer with what they are to the student. The ledger's text is a reference and the name of then."""
    reference, _, name = text.partition(" ")
    if reference.startswith("Patient/"):
        return f"{name} (the student)"
    kin = words.relationship(found.get(reference, {}))
    return f"{name} ({kin})" if kin else name


def _address(organization: Json) -> str:
    lines = [*values(organization, "address.line"), *values(organization, "address.city")]
    lines += [*values(organization, "address.state"), *values(organization, "address.postalCode")]
    phone = [v["value"] for v in values(organization, "telecom") if v.get("system") == "phone" and "value" in v]
    return ", ".join(map(str, [*lines, *phone[:1]]))
