"""Broken glass to review: who opened a student's record in an emergency, and what came of it. 34 CFR 99.36"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError, Issue, Kind
from app.exchange import glass_review
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.office import words
from app.office.access import by_reference
from app.office.guard import get, post
from app.office.parameters import Parts, read, reference
from app.office.visit import Visit, seen
from app.resources.refs import as_uuid
from app.web import see_other

LONGEST = 1000
PATH = "/office/emergencies"


@dataclass(frozen=True, slots=True)
class Emergency:
    """One broken glass in words; `note` is its review, '' where it waits for one."""

    id: str
    student: str
    student_id: str
    who: str
    reason: str
    begin: str
    end: str
    records: int
    note: str


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, PATH, _show)
    post(router, PATH, _review)


async def _show(_request: Request, visit: Visit) -> Response:
    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        listed = await glass_review.listed(transaction, None, None)
        students = {reference(p["patient"][0]) for p in read(listed.document, "glass")}
        return [listed, *await seen(transaction, "Patient", students)]

    answer = await visit.perform("disclosures", unit_of_work, "emergencies")
    found = by_reference(answer.results)
    told = [_told(p, found, answer.zone) for p in read(answer.results[0].document, "glass")]
    waiting, reviewed = [e for e in told if not e.note], [e for e in told if e.note]
    return visit.page("emergencies.html", waiting=waiting, reviewed=reviewed)


def _told(parts: Parts, found: dict[str, dict[str, Any]], zone: ZoneInfo) -> Emergency:
    student = reference(parts["patient"][0])
    return Emergency(
        id=parts["id"][0],
        student=words.name(found.get(f"Patient/{student}", {})),
        student_id=student,
        who=str(parts["organization"][0].get("display", "(an organization)")),
        reason=parts["reason"][0],
        begin=words.moment(datetime.fromisoformat(parts["start"][0]), zone),
        end=words.moment(datetime.fromisoformat(parts["end"][0]), zone),
        records=parts["versions"][0],
        note=next(iter(parts.get("note", [])), ""),
    )


async def _review(_request: Request, visit: Visit) -> Response:
    glass, note = as_uuid(visit.form.get("glass", "")), visit.form.get("note", "").strip()
    if glass is None or not note or len(note) > LONGEST:
        raise HallpassError(Kind.UNPROCESSABLE, Issue(f"Say what came of it, in up to {LONGEST} characters."))

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        await glass_review.review(transaction, glass, note)
        return []

    await visit.perform("disclosures", unit_of_work, "emergency reviewed")
    return see_other(PATH)
