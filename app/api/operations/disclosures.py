"""`$disclosures`: who was given what of a student, when, why and under which release.

As FHIR (a Bundle of AuditEvents), as CSV, or as a page that a school office prints for a parent.
"""

from __future__ import annotations

import csv
import html
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api import http
from app.api.context import RequestContext
from app.api.page_tokens import PageTokens
from app.capability.operation import Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import disclosures
from app.exchange.disclosures import position
from app.exchange.service import PendingResult, Result, Session
from app.fhir.dates import interval
from app.fhir.json import dump
from app.ledger import outside
from app.ledger.entries import Entry, Filter, Position
from app.ledger.events import audit_event
from app.ledger.names import Names
from app.resources import ResourceType
from app.resources.refs import as_uuid

COLUMNS = ("when", "what", "from", "to", "client", "user", "why", "how", "basis", "release", "signer", "reason")
NAMES = frozenset(
    {"start", "end", "recipient", "basis", "consent", "audience", "_count", "_cursor", "_format", "_pretty"}
)
BASES = frozenset({"release", "party", "directory", "emergency", "query", "transfer", "asserted"})


Ask = Callable[[Session, str, Filter, Position | None, int], Awaitable[PendingResult]]


def _accounting(kind: str, ask: Ask) -> Callable[[Request, RequestContext, ResourceType, str], Awaitable[Response]]:
    async def disclosed(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
        return await _answer(request, context, kind, ask, id)

    return disclosed


async def _answer(request: Request, context: RequestContext, kind: str, ask: Ask, resource_id: str) -> Response:
    query = dict(request.query_params)
    unknown = sorted(set(query) - NAMES)
    if unknown:
        raise HallpassError(Kind.UNKNOWN_PARAM, *(Issue(f"The parameter {n!r} is not known here.") for n in unknown))
    page_tokens: PageTokens = request.app.state.page_tokens
    bound = f"{context.caller.client}\0{kind}/{resource_id}/$disclosures"
    after = position(page_tokens.verify(query["_cursor"], bound)) if "_cursor" in query else None
    format_ = query.get("_format", "")
    table = _CSV if format_ in ("csv", "text/csv") else _HTML if format_ in ("html", "text/html") else None
    whole = table is not None and not {"_count", "_cursor"} & set(query)
    limit = context.settings.max_count if whole else count_of(query.get("_count"), context)

    async def page(after: Position | None) -> Result:
        async def unit_of_work(session: Session) -> list[PendingResult]:
            wanted = _filter(query, kind, resource_id, session.zone)
            return [await ask(session, resource_id, wanted, after, limit)]

        return await context.one("disclosures", unit_of_work)

    answer = await page(after)
    if whole:
        assert table is not None
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(_whole(table, answer, page), 200, headers, table.kind)
    own = f"{context.base}/{kind}/{resource_id}/$disclosures"
    link = None
    if "next" in answer.cursors:
        link = str(
            request.url.replace_query_params(**{**query, "_cursor": page_tokens.sign(answer.cursors["next"], bound)})
        )
        link = f"{own}?{link.partition('?')[2]}"
    return _written(request, table, answer, own, link)


async def _whole(table: _Table, first: Result, page: Callable[[Position], Awaitable[Result]]) -> AsyncIterator[str]:
    """A table of all entries, page by page as they are read: each page is a transaction of its own."""
    yield table.head
    answer = first
    while True:
        yield table.rows(_rows(answer))
        if "next" not in answer.cursors:
            break
        answer = await page(position(answer.cursors["next"]))
    yield table.foot


def _written(request: Request, table: _Table | None, answer: Result, own: str, link: str | None) -> Response:
    headers = {"Cache-Control": "no-store", **({"Link": f'<{link}>; rel="next"'} if link else {})}
    if table is not None:
        return Response(table.head + table.rows(_rows(answer)) + table.foot, 200, headers, table.kind)
    http.require_acceptable(request)
    links = [("self", own)] + ([("next", link)] if link else [])
    document: dict[str, Any] = answer.document or {}
    events = [audit_event(e, document["names"]) for e in document["entries"]]
    bundle = events_bundle(events, own.rpartition("/fhir/")[0] + "/fhir", links, None)
    return http.respond(request, dump(bundle), headers=headers)


def events_bundle(
    events: list[dict[str, Any]], base: str, links: list[tuple[str, str]], total: int | None
) -> dict[str, Any]:
    """A searchset of AuditEvents."""
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": name, "url": url} for name, url in links]
    if events:
        bundle["entry"] = [
            {"fullUrl": f"{base}/AuditEvent/{e['id']}", "resource": e, "search": {"mode": "match"}} for e in events
        ]
    return bundle


def _rows(answer: Result) -> list[dict[str, str]]:
    document: dict[str, Any] = answer.document or {}
    return [_plain(entry, document["names"]) for entry in document["entries"]]


def _filter(query: dict[str, str], kind: str, resource_id: str, zone: ZoneInfo) -> Filter:
    """The filter that the query asks for; days are meant in the caller's time zone, and `end` covers its day."""
    basis = query.get("basis")
    if basis is not None and basis not in BASES:
        raise HallpassError(Kind.INVALID, Issue(f"The basis is one of {', '.join(sorted(BASES))}."))
    if query.get("audience", "parent") != "parent":
        raise HallpassError(Kind.INVALID, Issue("The audience is parent; left out: the minor and the staff."))
    own = as_uuid(resource_id)
    recipient = own if kind == "Organization" else id_of(query, "recipient")
    start, end = date_of(query, "start", zone), date_of(query, "end", zone)
    return Filter(
        student=own if kind == "Patient" else None,
        start=start[0] if start else None,
        end=end[1] if end else None,
        recipient=recipient,
        basis=basis,
        consent=own if kind == "Consent" else id_of(query, "consent"),
        for_parent="audience" in query,
    )


def id_of(query: Mapping[str, str], name: str) -> UUID | None:
    """The id that a parameter names. Raises INVALID for what is none."""
    if name not in query:
        return None
    found = as_uuid(query[name].rpartition("/")[2])
    if found is None:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is an id."))
    return found


def date_of(query: Mapping[str, str], name: str, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """From when to when the date of a parameter is. Raises INVALID for what is none."""
    try:
        found = interval(query[name], zone) if name in query else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a FHIR date.")) from None
    return (found.lower, found.upper) if found else None


def count_of(text: str | None, context: RequestContext) -> int:
    """How many on a page. Raises INVALID for what is no number."""
    if text is None:
        return context.settings.default_count
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise HallpassError(Kind.INVALID, Issue("The parameter '_count' is a whole number above 0."))
    return min(int(text), context.settings.max_count)


def _plain(entry: Entry, names: Names) -> dict[str, str]:
    """An entry in words: who, what, when, why and under which release."""
    release = f"Consent/{entry.consent} version {entry.consent_version}" if entry.consent else ""
    return {
        "when": entry.at.isoformat(timespec="seconds"),
        "what": _what(entry),
        "from": _organization(entry.custodian, entry, names),
        "to": outside.recipient_name(entry) or _organization(entry.recipient, entry, names),
        "client": entry.client,
        "user": _user(entry.agent or {}),
        "why": " ".join(entry.purposes),
        "how": entry.interaction,
        "basis": entry.basis,
        "release": release,
        "signer": "; ".join(names.signed(entry)),
        "reason": entry.reason or "",
    }


def _organization(organization: UUID, entry: Entry, names: Names) -> str:
    """The name that an organization had then, with its id: another may have that name now."""
    return " ".join(filter(None, (names.organization(organization, entry.at), f"({organization})")))


def _user(agent: dict[str, str]) -> str:
    """Who the client said was behind it."""
    identifier = agent.get("subject_id")
    return " ".join(filter(None, (agent.get("subject_name"), f"({identifier})" if identifier else None)))


def _what(entry: Entry) -> str:
    if entry.parameters is None:
        return f"{entry.type}/{entry.id} version {entry.version}"
    return f"{entry.type} by {', '.join(entry.parameters)}, {entry.students} students"


@dataclass(frozen=True, slots=True)
class _Table:
    """A format of the table: its media type, what stands before and after the rows, and the rows themselves."""

    kind: str
    head: str
    rows: Callable[[list[dict[str, str]]], str]
    foot: str


def _csv(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    csv.DictWriter(out, COLUMNS).writerows({k: _inert(v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def _inert(value: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value else value


def _html(rows: list[dict[str, str]]) -> str:
    return "".join("<tr>" + "".join(f"<td>{html.escape(r[c])}</td>" for c in COLUMNS) + "</tr>\n" for r in rows)


_STYLE = (
    "body{font:11pt sans-serif}td,th{border:1px solid #999;padding:4px;text-align:left}"
    "thead{display:table-header-group}"
)
_HEADINGS = "".join(f"<th>{c}</th>" for c in COLUMNS)
_CSV = _Table("text/csv; charset=utf-8", ",".join(COLUMNS) + "\r\n", _csv, "")
_HTML = _Table(
    "text/html; charset=utf-8",
    "<!doctype html><html lang=en><meta charset=utf-8><title>Record of disclosures</title>"
    f"<style>{_STYLE}</style><h1>Record of disclosures</h1><table><thead><tr>{_HEADINGS}</tr></thead><tbody>\n",
    _html,
    "</tbody></table></html>\n",
)


_RECORD = (
    Parameter("start", "dateTime", "Disclosures from this time on."),
    Parameter("end", "dateTime", "Disclosures before this time."),
    Parameter("recipient", "string", "The id of the Organization that received."),
    Parameter("basis", "code", "release, party, directory, emergency, query, transfer or asserted."),
    Parameter("audience", "code", "parent: leave out what tells of care that the minor controls."),
    Parameter("_count", "integer", "Entries on a page."),
    Parameter("return", "Bundle", "AuditEvents, one for each resource version disclosed.", 1, use="out"),
)
_ASKED = ("start", "end", "recipient", "basis", "consent", "audience", "pageCount", "formatOfDisclosures")


def _operation(kind: str, operation_id: str, summary: str, note: str, ask: Ask) -> Operation:
    return Operation(
        name="disclosures",
        type=kind,
        calls=(Call("GET", operation_id, summary, asked=_ASKED),),
        note=note,
        answer=_accounting(kind, ask),
        scopes=("system/AuditEvent.s",),
        parameters=tuple(p for p in _RECORD if kind != "Organization" or p.name != "recipient"),
        returns_text="A Bundle of AuditEvents; a table, and a page to print, by _format.",
        headers=("Link",),
        also=("text/csv", "text/html"),
    )


OPERATIONS = (
    _operation(
        "Patient",
        "disclosuresOfPatient",
        "A student's record of disclosures",
        "a student's record of disclosures, for the custodian; also as CSV and HTML",
        disclosures.of_student,
    ),
    _operation(
        "Organization",
        "disclosuresToOrganization",
        "All that an organization received of what you hold",
        "all that an organization received of the caller's records",
        disclosures.of_recipient,
    ),
    _operation(
        "Consent",
        "disclosuresUnderConsent",
        "What was disclosed under a release",
        "what was disclosed under a release, for the custodian",
        disclosures.of_consent,
    ),
)
