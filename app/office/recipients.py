"""Who received a student's records, by recipient and release: whom to tell when one is corrected or ended.

34 CFR 99.30(c)(1), 42 CFR 2.24. It is for the office: it tells of care that the minor controls as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.exchange import reads, received
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.fhir.json import parse
from app.office import words
from app.office.guard import get
from app.office.parameters import Parts, read, reference
from app.office.visit import Visit, about
from app.resources import TYPES

BASES = {
    "release": "a release",
    "party": "named in the release itself",
    "emergency": "an emergency",
    "directory": "the public directory",
    "asserted": "entered by the office",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one organization received on one basis."""

    who: str
    basis: str
    consent: str
    why: str
    records: int
    first: str
    last: str


def add(router: APIRouter) -> None:
    """The route."""
    get(router, "/office/students/{id}/recipients", _show)


async def _show(request: Request, visit: Visit) -> Response:
    student = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        found = await received.who(transaction, student, (None, None))
        return [found, await reads.read(transaction, TYPES["Patient"], student)]

    answer = await visit.perform("disclosures", unit_of_work, about("recipients", "Patient", student))
    told, patient = answer.results
    return visit.page(
        "recipients.html",
        id=student,
        student=words.name(parse(patient.released[0].body)),
        rows=[_row(p, answer.zone) for p in read(told.document, "recipient")],
    )


def _row(parts: Parts, zone: ZoneInfo) -> Row:
    basis = str(parts["basis"][0])
    return Row(
        who=str(parts["organization"][0].get("display", "(an organization)")),
        basis=BASES.get(basis, basis),
        consent=reference(next(iter(parts.get("consent", [])), None)),
        why=words.purposes(parts.get("purpose", [])),
        records=parts["records"][0],
        first=words.moment(datetime.fromisoformat(parts["first"][0]), zone),
        last=words.moment(datetime.fromisoformat(parts["last"][0]), zone),
    )
