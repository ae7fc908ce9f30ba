"""AuditEvent: the ledger and the trail as FHIR, read and searched by the organization whose records are concerned.

https://hl7.org/fhir/R4/auditevent.html — made from the ledger when asked for, and stored nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.api import http, operations
from app.api.context import Context, RequestContext
from app.api.operations.disclosures import BASES, count_of, events_bundle
from app.api.page_tokens import PageTokens
from app.api.search import form
from app.capability.interactions import LEDGER_PARAMETERS
from app.errors import HallpassError, Issue, Kind
from app.exchange import disclosures
from app.exchange.disclosures import position
from app.exchange.service import PendingResult, Result, Session
from app.fhir.dates import BEGINNING, END, interval
from app.fhir.json import dump
from app.ledger.entries import Filter
from app.ledger.security_log import Chosen
from app.resources.refs import as_uuid
from app.search.refusal import shown

KINDS = frozenset({"login", "token", "scope", "emergency", "command", "query", "access"})
_CONTROLS = frozenset({"_count", "_cursor", "_sort", "_total"})
_ONE = frozenset({"_id", "agent", "consent", "entity", "outcome", "patient", "purpose", "subtype", *_CONTROLS})
_PREFIXES = ("eq", "ge", "gt", "le", "lt")
_MICRO = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query means: of the ledger, of the trail (None: nothing of it), and how it is to be shown."""

    ledger: Filter | None
    security_log: Chosen | None
    total: bool


def add(router: APIRouter) -> None:
    """The routes of GET /AuditEvent, POST /AuditEvent/_search, GET /AuditEvent/{id}, and of the operations."""
    operations.add_to(router, "AuditEvent")

    @router.get("/AuditEvent", operation_id="searchAuditEvent", summary="Search the ledger", tags=["AuditEvent"])
    async def search(request: Request, context: Context) -> Response:
        return await _answer(request, context, request.query_params.multi_items())

    @router.post(
        "/AuditEvent/_search",
        operation_id="searchByPostAuditEvent",
        summary="Search the ledger by a form",
        tags=["AuditEvent"],
    )
    async def search_by_post(request: Request, context: Context) -> Response:
        pairs = request.query_params.multi_items()
        await context.require("AuditEvent", "s")
        return await _answer(request, context, pairs + await form(request, context.settings.max_body_bytes))

    @router.get(
        "/AuditEvent/{id}", operation_id="readAuditEvent", summary="Read an entry of the ledger", tags=["AuditEvent"]
    )
    async def read(request: Request, id: str, context: Context) -> Response:
        http.require_acceptable(request)
        http.parameters(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            return [await disclosures.read(session, id)]

        return http.respond(request, dump((await context.one("audit", unit_of_work)).document))


async def _answer(request: Request, context: RequestContext, given: list[tuple[str, str]]) -> Response:
    http.require_acceptable(request)
    pairs = [(k, v) for k, v in given if k not in http.ALWAYS]
    query = _once(pairs)
    page_tokens: PageTokens = request.app.state.page_tokens
    kept = urlencode(sorted(p for p in pairs if p[0] != "_cursor"))
    bound = f"{context.caller.client}\0AuditEvent?{kept}"
    after = position(page_tokens.verify(query["_cursor"], bound)) if "_cursor" in query else None
    limit = count_of(query.get("_count"), context)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        if "_id" in query:
            if set(query) - _CONTROLS != {"_id"}:
                raise _bad("_id", "stands alone: leave the other criteria out")
            return [await disclosures.named(session, query["_id"].split(",")[:limit])]
        asked = _asked(pairs, query, session.zone)
        return [await disclosures.search(session, asked.ledger, asked.security_log, after, limit, total=asked.total)]

    return http.respond(request, _page(await context.one("audit", unit_of_work), context, page_tokens, kept, bound))


def _page(answer: Result, context: RequestContext, page_tokens: PageTokens, kept: str, bound: str) -> bytes:
    own = f"{context.base}/AuditEvent"
    links = [("self", f"{own}?{kept}" if kept else own)]
    if "next" in answer.cursors:
        token = urlencode({"_cursor": page_tokens.sign(answer.cursors["next"], bound)})
        links.append(("next", f"{own}?{kept}&{token}" if kept else f"{own}?{token}"))
    document: dict[str, Any] = answer.document or {}
    return dump(events_bundle(document["events"], context.base, links, answer.total))


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters that may be given once. Raises UNKNOWN_PARAM for one that there is not, INVALID for a second."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in LEDGER_PARAMETERS and name not in _CONTROLS:
            raise HallpassError(Kind.UNKNOWN_PARAM, Issue(f"The parameter {shown(name)} is not known here."))
        if name in _ONE and name in found:
            raise _bad(name, "is given once")
        found[name] = value
    return found


def _asked(pairs: list[tuple[str, str]], query: dict[str, str], zone: ZoneInfo) -> _Asked:
    start, end = _span([v for k, v in pairs if k in ("date", "_lastUpdated")], zone)
    newest = _choice(query, "_sort", ("-date", "date")) != "date"
    subtype = _code(query, "subtype")
    if subtype is not None and subtype not in BASES | KINDS:
        raise _bad("subtype", f"is one of {', '.join(sorted(BASES | KINDS))}")
    outcome = _choice(query, "outcome", ("0", "4", "8"))
    agent = _reference(query, "agent", ("Organization",))
    student, entity = _reference(query, "patient", ("Patient",)), _reference(query, "entity", None)
    purpose, consent = _code(query, "purpose"), _reference(query, "consent", ("Consent",))
    ledger = Filter(
        student=student, start=start, end=end, recipient=agent, basis=subtype, entity=entity, purpose=purpose,
        consent=consent, newest_first=newest,
    )  # fmt: skip
    security_log = Chosen(start=start, end=end, organization=agent, kind=subtype, outcome=outcome, newest_first=newest)
    no_ledger = outcome not in (None, "0") or (subtype is not None and subtype not in BASES)
    no_trail = {student, entity, purpose, consent} != {None} or (subtype is not None and subtype not in KINDS)
    total = _choice(query, "_total", ("none", "accurate", "estimate")) in ("accurate", "estimate")
    return _Asked(None if no_ledger else ledger, None if no_trail else security_log, total)


def _span(dates: list[str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """The first moment, and the first past the last, that all dates leave."""
    first, last = BEGINNING, END
    for text in dates:
        prefix = text[:2] if text[:2] in _PREFIXES else "eq"
        try:
            day = interval(text.removeprefix(prefix), zone)
        except ValueError:
            raise _bad("date", "is a FHIR date, with one of eq, ge, gt, le and lt before it or none") from None
        if prefix in ("eq", "ge"):
            first = max(first, day.lower)
        if prefix == "gt":
            first = max(first, day.upper)
        if prefix in ("eq", "le"):
            last = min(last, day.upper)
        if prefix == "lt":
            last = min(last, day.lower)
    return (first if first != BEGINNING else None), (last if last != END else None)


def _reference(query: dict[str, str], name: str, types: tuple[str, ...] | None) -> UUID | None:
    text = query.get(name)
    if text is None:
        return None
    kind, _, own = text.partition("/_history")[0].rpartition("/")
    found = as_uuid(own)
    if found is None or (types is not None and kind.rpartition("/")[2] not in ("", *types)):
        raise _bad(name, f"is a reference to {' or '.join(types) if types else 'a resource'}")
    return found


def _choice(query: dict[str, str], name: str, values: tuple[str, ...]) -> str | None:
    found = query.get(name)
    if found is not None and found not in values:
        raise _bad(name, f"is one of {', '.join(values)}")
    return found


def _code(query: dict[str, str], name: str) -> str | None:
    if name not in query:
        return None
    found = query[name].rpartition("|")[2]
    if not found:
        raise _bad(name, "is a code, with its system before it or without")
    return found


def _bad(name: str, what: str) -> HallpassError:
    return HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} {what}."))
