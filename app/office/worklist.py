"""The worklist of a counselor or of a partner's intake: where each referral stands, what is overdue, what waits for a
signature. docs/referral.md"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.exchange import awaiting, reads
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.fhir.json import parse
from app.office import words
from app.office.access import by_reference, organization
from app.office.guard import get
from app.office.parameters import Parts, read, reference
from app.office.visit import Visit, search_of, seen
from app.referral.judge import state
from app.referral.table import OPEN, REQUESTED
from app.resources.paths import first
from app.resources.refs import local_id

MOST = 100
WAITING = 50
"""Referrals that are looked through for a signature that lacks."""
Json = dict[str, Any]
_ASKED = [
    ("status", ",".join((REQUESTED, *OPEN))),
    ("_sort", "_lastUpdated"),
    ("_total", "none"),
    *(("_include", f"Task:{name}") for name in ("focus", "patient", "owner", "requester")),
]


@dataclass(frozen=True, slots=True)
class Row:
    """A referral under way."""

    id: str
    student: str
    student_id: str
    what: str
    other: str
    state: str
    since: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A referral whose provider does not see it."""

    student: str
    student_id: str
    what: str
    provider: str
    since: str
    drafts: list[tuple[str, list[str]]]
    """The id of a draft on the way, and what it lacks."""


def add(router: APIRouter) -> None:
    """The route."""
    get(router, "/office/referrals", _show)


async def _show(_request: Request, visit: Visit) -> Response:
    custodian = visit.may("Consent", "r")

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        tasks = await reads.search(transaction, search_of(transaction, "Task", _ASKED, MOST), None)
        if not custodian:
            return [PendingResult(document={}), tasks]
        wanted = search_of(transaction, "ServiceRequest", [("status", "active")], WAITING)
        waiting = await awaiting.awaiting_release(transaction, wanted, None)
        return [waiting, tasks, *await _named(transaction, waiting)]

    answer = await visit.perform("search", unit_of_work, "referrals")
    found = by_reference(answer.results)
    own, now = str(visit.staff.organization), datetime.now(UTC)
    received: list[Row] = []
    made: list[Row] = []
    for task in [v for k, v in found.items() if k.startswith("Task/")]:
        to_us = str(local_id(task.get("owner"), "Organization")) == own
        row = _row(task, found, "requester" if to_us else "owner", answer.zone, visit.settings.overdue_days, now)
        (received if to_us else made).append(row)
    unsigned = [_unsigned(p, found, answer.zone) for p in read(answer.results[0].document, "referral")]
    more = any("next" in r.cursors for r in answer.results[:2])
    return visit.page("referrals.html", received=received, made=made, unsigned=unsigned, more=more, custodian=custodian)


async def _named(transaction: Transaction, waiting: PendingResult) -> list[PendingResult]:
    """The referrals that wait, with their students and providers."""
    parts = read(waiting.document, "referral")
    requests = await seen(transaction, "ServiceRequest", {reference(p["request"][0]) for p in parts})
    students = {str(local_id(parse(r.pending[0].row.body).get("subject"), "Patient")) for r in requests}
    providers = {reference(p["provider"][0]) for p in parts}
    return [
        *requests,
        *await seen(transaction, "Patient", students),
        *await seen(transaction, "Organization", providers),
    ]


def _row(task: Json, found: dict[str, Json], party: str, zone: ZoneInfo, days: dict[str, int], now: datetime) -> Row:
    request = found.get(str(first(task, "focus.reference")), {})
    student = str(local_id(task.get("for"), "Patient"))
    since = datetime.fromisoformat(task["meta"]["lastUpdated"])
    other = local_id(task.get(party), "Organization")
    return Row(
        id=task["id"],
        student=words.name(found.get(f"Patient/{student}", {})),
        student_id=student,
        what=_what(request),
        other=organization(str(other), found) if other else "open to claim",
        state=words.PROGRESS.get(str(state("Task", task)), str(state("Task", task))),
        since=words.moment(since, zone),
        overdue=is_overdue(task, days, now),
    )


def is_overdue(task: Json, days: dict[str, int], now: datetime) -> bool:
    """Whether nothing was done with an open Task for longer than its priority has it."""
    since = datetime.fromisoformat(task["meta"]["lastUpdated"])
    most = days.get(task.get("priority", "routine"))
    return most is not None and now - since > timedelta(days=most)


def _what(request: Json) -> str:
    code = request.get("code", {})
    return str(code.get("text") or first(code, "coding.display") or first(code, "coding.code") or "a referral")


def _unsigned(parts: Parts, found: dict[str, Json], zone: ZoneInfo) -> Unsigned:
    request = found.get(f"ServiceRequest/{reference(parts['request'][0])}", {})
    student = str(local_id(request.get("subject"), "Patient"))
    return Unsigned(
        student=words.name(found.get(f"Patient/{student}", {})),
        student_id=student,
        what=_what(request),
        provider=organization(reference(parts["provider"][0]), found),
        since=words.date_of(next(iter(parts.get("since", [])), None), zone),
        drafts=[
            (reference(d["consent"][0]), [m["text"][0] for m in d.get("missing", [])]) for d in parts.get("draft", [])
        ],
    )
