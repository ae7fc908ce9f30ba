"""One referral: what is asked for, where it stands, and for its owner the answers of the table of its life.

docs/referral.md: the same update that a partner's program sends, held to the same table.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import reads, writes
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.office import words
from app.office.access import by_reference, organization
from app.office.guard import get, post
from app.office.visit import Visit, about, seen
from app.referral import codes
from app.referral.answers import answered
from app.referral.judge import follows_referral, state
from app.referral.table import ASKED, OPEN, REQUESTED
from app.resources import TYPES
from app.resources.paths import first, values
from app.resources.refs import local_id
from app.web import see_other

Json = dict[str, Any]
_TOLD = (Kind.CONFLICT, Kind.UNPROCESSABLE, Kind.PRECONDITION)


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, "/office/referrals/{id}", _one)
    post(router, "/office/referrals/{id}", _answer)


async def _one(request: Request, visit: Visit, wrong: str = "", status: int = 200) -> Response:
    task_id = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        task = await reads.read(transaction, TYPES["Task"], task_id)
        content = parse(task.pending[0].row.body)
        if not follows_referral(content):
            raise not_found()
        found = [task]
        for kind, element in (("ServiceRequest", "focus"), ("Patient", "for")):
            found += await seen(transaction, kind, {str(local_id(content.get(element), kind))})
        named = {str(i) for e in ("owner", "requester") if (i := local_id(content.get(e), "Organization"))}
        return found + await seen(transaction, "Organization", named)

    answer = await visit.perform("read", unit_of_work, about("referral", "Task", task_id))
    found = by_reference(answer.results)
    task = found[f"Task/{task_id}"]
    mine = local_id(task.get("owner"), "Organization") == visit.staff.organization and visit.may("Task", "u")
    return visit.page(
        "referral.html",
        status,
        wrong=wrong,
        id=task_id,
        version=task["meta"]["versionId"],
        student=words.name(found.get(str(first(task, "for.reference")), {})),
        rows=_rows(task, found, answer.zone),
        step=_step(task) if mine else "",
        reasons=codes.STATUS_REASONS,
    )


def _rows(task: Json, found: dict[str, Json], zone: ZoneInfo) -> list[tuple[str, list[str]]]:
    """What the page tells, by heading; headings without a text are left out."""
    request = found.get(str(first(task, "focus.reference")), {})
    student = found.get(str(first(task, "for.reference")), {})
    parties = [local_id(task.get(e), "Organization") for e in ("requester", "owner")]
    names = [organization(str(p), found) if p else "" for p in parties]
    where = str(state("Task", task))
    rows = [
        ("Date of birth", [words.date_of(student.get("birthDate"), zone)]),
        ("From", names[:1]),
        ("To", [names[1] or "open to claim"]),
        ("What is asked for", _concepts(request, "code")),
        ("Kind of service", _concepts(request, "category")),
        ("Why", _concepts(request, "reasonCode")),
        ("How urgent", [str(request.get("priority", ""))]),
        ("Made on", [words.date_of(request.get("authoredOn"), zone)]),
        ("Notes", [str(n) for n in (*values(request, "note.text"), *values(task, "note.text"))]),
        ("Where it stands", [words.PROGRESS.get(where, where)]),
        ("Reason", [str(t) for t in values(task, "statusReason.text")]),
        ("What was delivered", [str(t) for t in values(task, "output.valueString")]),
    ]
    return [(name, shown) for name, texts in rows if (shown := [t for t in texts if t])]


def _concepts(resource: Json, path: str) -> list[str]:
    found = values(resource, path)
    return [str(f.get("text") or first(f, "coding.display") or first(f, "coding.code") or "") for f in found]


def _step(task: Json) -> str:
    """What its owner can do next."""
    where = state("Task", task)
    return {REQUESTED: "answer", ASKED: "cancel"}.get(str(where), "done" if where in OPEN else "")


async def _answer(request: Request, visit: Visit) -> Response:
    task_id = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        transaction.require("Task", "u")
        current = await reads.current(transaction, TYPES["Task"], task_id)
        if current is None or current.deleted:
            raise not_found()
        changed = answered(parse(current.body), visit.form)
        if changed is None:
            raise HallpassError(Kind.UNPROCESSABLE, Issue("Choose one of the page's answers."))
        validated = await validate_body(visit.caller.client, TYPES["Task"], changed, visit.settings)
        if_match = f'W/"{visit.form.get("version", "")}"'
        return [await writes.update(transaction, TYPES["Task"], validated, task_id, if_match)]

    try:
        await visit.perform("update", unit_of_work, about("referral answered", "Task", task_id))
    except HallpassError as e:
        if e.kind not in _TOLD:
            raise
        text = "It was changed meanwhile. Look at it again." if e.kind is Kind.PRECONDITION else ""
        return await _one(request, visit, text or " ".join(i.text for i in e.issues), e.status)
    return see_other(f"/office/referrals/{task_id}")
