"""`$disclosures`: who was given what of a student, when, why and under which release.

As FHIR (a Bundle of AuditEvents), as CSV, or as a page that a school office prints for a parent.
"""

from __future__ import annotations

import csv
import html
import io
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.audit.entries import Filter, Position
from app.consent.gate import Answer, Door, Found, accounting
from app.errors import HallpassError, Issue, Kind
from app.fhir.dates import interval
from app.fhir.json import dump
from app.resources.refs import as_uuid
from app.rest import http
from app.rest.paging import Seal
from app.rest.passage import Passage, Through

COLUMNS = ("when", "what", "from", "to", "client", "why", "how", "basis", "release", "reason")
NAMES = frozenset({"start", "end", "recipient", "basis", "consent", "_count", "_cursor", "_format", "_pretty"})
BASES = frozenset({"release", "party", "directory", "emergency"})


def add(router: APIRouter) -> None:
    """The routes of the two accountings."""

    @router.get(
        "/Patient/{id}/$disclosures",
        operation_id="disclosuresOfPatient",
        summary="A student's record of disclosures",
        tags=["Patient"],
    )
    async def of_patient(request: Request, id: str, through: Through) -> Response:
        return await _answer(request, through, "Patient", id)

    @router.get(
        "/Organization/{id}/$disclosures",
        operation_id="disclosuresToOrganization",
        summary="All that an organization received of what you hold",
        tags=["Organization"],
    )
    async def to_organization(request: Request, id: str, through: Through) -> Response:
        return await _answer(request, through, "Organization", id)


async def _answer(request: Request, through: Passage, kind: str, resource_id: str) -> Response:
    query = dict(request.query_params)
    unknown = sorted(set(query) - NAMES)
    if unknown:
        raise HallpassError(Kind.UNKNOWN_PARAM, *(Issue(f"The parameter {n!r} is not known here.") for n in unknown))
    seal: Seal = request.app.state.seal
    bound = f"{through.caller.client}\0{kind}/{resource_id}/$disclosures"
    after = _after(seal.open(query["_cursor"], bound)) if "_cursor" in query else None
    count = _count(query.get("_count"), through)

    async def work(door: Door) -> list[Found]:
        wanted = _filter(query, kind, resource_id, door.zone)
        ask = accounting.of_student if kind == "Patient" else accounting.of_recipient
        return [await ask(door, resource_id, wanted, after, count)]

    answer = await through.one("disclosures", work)
    own = f"{through.base}/{kind}/{resource_id}/$disclosures"
    link = None
    if "next" in answer.cursors:
        link = str(request.url.replace_query_params(**{**query, "_cursor": seal.close(answer.cursors["next"], bound)}))
        link = f"{own}?{link.partition('?')[2]}"
    return _written(request, query.get("_format", ""), answer, own, link)


def _written(request: Request, format_: str, answer: Answer, own: str, link: str | None) -> Response:
    document: dict[str, Any] = answer.document or {}
    headers = {"Cache-Control": "no-store", **({"Link": f'<{link}>; rel="next"'} if link else {})}
    if format_ in ("csv", "text/csv"):
        return Response(_csv(document["rows"]), 200, headers, "text/csv; charset=utf-8")
    if format_ in ("html", "text/html"):
        return Response(_html(document["rows"]), 200, headers, "text/html; charset=utf-8")
    http.require_acceptable(request)
    links = [{"relation": "self", "url": own}] + ([{"relation": "next", "url": link}] if link else [])
    base = own.rpartition("/fhir/")[0] + "/fhir"
    entries = [
        {"fullUrl": f"{base}/AuditEvent/{e['id']}", "resource": e, "search": {"mode": "match"}}
        for e in document["events"]
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return http.respond(request, dump({**bundle, "entry": entries} if entries else bundle), headers=headers)


def _filter(query: dict[str, str], kind: str, resource_id: str, zone: ZoneInfo) -> Filter:
    """The filter that the query asks for; days are meant in the caller's time zone, and `end` covers its day."""
    basis = query.get("basis")
    if basis is not None and basis not in BASES:
        raise HallpassError(Kind.INVALID, Issue(f"The basis is one of {', '.join(sorted(BASES))}."))
    own = as_uuid(resource_id)
    recipient = own if kind == "Organization" else _id(query, "recipient")
    start, end = _date(query, "start", zone), _date(query, "end", zone)
    return Filter(
        student=own if kind == "Patient" else None,
        start=start[0] if start else None,
        end=end[1] if end else None,
        recipient=recipient,
        basis=basis,
        consent=_id(query, "consent"),
    )


def _id(query: dict[str, str], name: str) -> Any:
    text = query.get(name)
    found = as_uuid(text.rpartition("/")[2]) if text else None
    if text and found is None:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is an id."))
    return found


def _date(query: dict[str, str], name: str, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    try:
        found = interval(query[name], zone) if name in query else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a FHIR date.")) from None
    return (found.lower, found.upper) if found else None


def _count(text: str | None, through: Passage) -> int:
    if text is None:
        return through.settings.default_count
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise HallpassError(Kind.INVALID, Issue("The parameter '_count' is a whole number above 0."))
    return min(int(text), through.settings.max_count)


def _after(text: str) -> Position:
    at, request, resource, version = text.split(" ")
    return datetime.fromisoformat(at), UUID(request), UUID(resource), int(version)


def _csv(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows({k: _inert(v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def _inert(value: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value else value


def _html(rows: list[dict[str, str]]) -> str:
    head = "".join(f"<th>{c}</th>" for c in COLUMNS)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(r[c])}</td>" for c in COLUMNS) + "</tr>" for r in rows)
    style = "body{font:11pt sans-serif}td,th{border:1px solid #999;padding:4px;text-align:left}"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Record of disclosures</title>"
        f"<style>{style}</style><h1>Record of disclosures</h1><table><tr>{head}</tr>{body}</table></html>"
    )
