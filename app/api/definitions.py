"""Definitions, for everybody: StructureDefinition, CodeSystem and their like, read by id or found by canonical URL.

https://hl7.org/fhir/R4/conformance-module.html — they are part of the program and hold nothing of any record.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from app.api import http, topics
from app.api.search import form
from app.capability.catalog import TYPES, find, search
from app.capability.searching import SEARCHED
from app.errors import HallpassError, Issue, Kind, not_found
from app.fhir.json import dump, parse
from app.search.controls import SUMMARIES
from app.search.subset import subset_of_read
from app.settings import Settings


def add(router: APIRouter) -> None:
    """The routes of GET /{type}, POST /{type}/_search and GET /{type}/{id} of each type of definitions."""
    topics.add(router)
    for kind in TYPES:
        _search(router, kind)
        _read(router, kind)


def _read(router: APIRouter, kind: str) -> None:
    @router.get(f"/{kind}/{{id}}", operation_id=f"read{kind}", summary=f"Read a {kind}", tags=["Definitions"])
    async def read(request: Request, id: str) -> Response:
        http.require_acceptable(request)
        http.parameters(request)
        found = find(kind, id)
        if found is None:
            raise not_found()
        return http.respond(request, dump(found))


def _search(router: APIRouter, kind: str) -> None:
    @router.get(f"/{kind}", operation_id=f"search{kind}", summary=f"Find a {kind}", tags=["Definitions"])
    async def searched(request: Request) -> Response:
        return _found(request, kind, request.query_params.multi_items())

    @router.post(
        f"/{kind}/_search",
        operation_id=f"searchByPost{kind}",
        summary=f"Find a {kind} by a form",
        tags=["Definitions"],
    )
    async def by_form(request: Request) -> Response:
        settings: Settings = request.app.state.settings
        pairs = request.query_params.multi_items()
        return _found(request, kind, pairs + await form(request, settings.max_body_bytes))


def _found(request: Request, kind: str, pairs: list[tuple[str, str]]) -> Response:
    """A page of definitions; there are few, so it has all that are found, or the first `_count`."""
    http.require_acceptable(request)
    settings: Settings = request.app.state.settings
    base = f"{settings.fhir_base}/{kind}"
    given = http.chosen(pairs, (*SEARCHED, "_count", "_summary"), lenient=http.prefer(request).lenient)
    count, summary = given.pop("_count", None), given.pop("_summary", None)
    if count is not None and not (count.isascii() and count.isdigit() and len(count) < 10):
        raise HallpassError(Kind.INVALID, Issue("The parameter '_count' is a whole number."))
    if summary not in (None, *SUMMARIES):
        raise HallpassError(Kind.INVALID, Issue(f"The parameter '_summary' is one of {', '.join(SUMMARIES)}."))
    found = search(kind, given)
    shown = [] if summary == "count" else found[: int(count) if count is not None else None]
    part = subset_of_read(kind, summary if summary != "count" else None, None)
    bodies = [dump(d) if part is None else part.cut(kind, dump(d), included=False) for d in shown]
    query = urlencode([(k, v) for k, v in pairs if k not in http.ALWAYS])
    own = f"{base}?{query}" if query else base
    entries = [
        {"fullUrl": f"{base}/{d['id']}", "resource": parse(b), "search": {"mode": "match"}}
        for d, b in zip(shown, bodies, strict=True)
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": own}],
    }
    return http.respond(request, dump({**bundle, "entry": entries} if entries else bundle))
