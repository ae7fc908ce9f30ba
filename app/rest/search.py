"""The search interaction, by GET and by POST. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response

from app.consent.gate import Answer, Door, Found, Work, reads
from app.errors import HallpassError, Issue, Kind
from app.fhir import bundle
from app.fhir.json import dump
from app.fhir.outcome import warning
from app.resources import ResourceType
from app.rest import http
from app.rest.paging import Seal
from app.rest.passage import Passage, Through
from app.search.cursor import Cursor, unpack
from app.search.parse import parse
from app.search.query import Search

FORM = "application/x-www-form-urlencoded"
Pairs = list[tuple[str, str]]


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of GET /{type} and POST /{type}/_search."""
    name = declared.name

    @router.get(f"/{name}", operation_id=f"search{name}", summary=f"Search {name} resources")
    async def search(request: Request, through: Through) -> Response:
        http.require_acceptable(request)
        return await _answer(request, through, name, request.query_params.multi_items())

    @router.post(f"/{name}/_search", operation_id=f"searchByPost{name}", summary=f"Search {name} resources by a form")
    async def search_by_post(request: Request, through: Through) -> Response:
        http.require_acceptable(request)
        pairs = request.query_params.multi_items() + await _form(request, through.settings.max_body_bytes)
        return await _answer(request, through, name, pairs)


async def _answer(request: Request, through: Passage, name: str, pairs: Pairs) -> Response:
    seal: Seal = request.app.state.seal
    lenient = http.prefer(request).lenient
    answer = await through.one("search", searching(through, seal, name, pairs, lenient=lenient))
    return http.respond(request, page(answer, through, seal, name))


def searching(through: Passage, seal: Seal, name: str | None, pairs: Pairs, *, lenient: bool) -> Work:
    """The work of one search: understood inside, since dates are meant in the caller's time zone."""

    async def work(door: Door) -> list[Found]:
        understood = understand(door, name, pairs, lenient=lenient)
        cursor = _cursor(seal, through, understood) if understood.cursor else None
        return [await reads.search(door, understood, cursor)]

    return work


def understand(door: Door, name: str | None, pairs: Pairs, *, lenient: bool = False) -> Search:
    """The search that a query string means to this caller."""
    return parse(
        name,
        [(k, v) for k, v in pairs if k not in ("_format", "_pretty")],
        zone=door.zone,
        base_url=door.settings.fhir_base,
        default_count=door.settings.default_count,
        max_count=door.settings.max_count,
        lenient=lenient,
    )


def page(answer: Answer, through: Passage, seal: Seal, name: str | None) -> bytes:
    """The searchset Bundle of one page, with its links."""
    assert answer.search is not None
    own = f"{through.base}/{name}" if name else through.base
    query = answer.search.canonical()
    here = _link(own, query, answer.search.cursor)
    links = [("self", here), ("first", _link(own, query, None))]
    for relation in ("next", "previous"):
        if relation in answer.cursors:
            token = seal.close(answer.cursors[relation], _bound(through, answer.search))
            links.append((relation, _link(own, query, token)))
    text = "Not understood, and left out as asked: " + ", ".join(answer.search.ignored)
    outcomes = [dump(warning(text))] if answer.search.ignored else []
    return bundle.searchset(answer.released, through.base, links, answer.total, outcomes)


def _cursor(seal: Seal, through: Passage, search: Search) -> Cursor:
    text = seal.open(search.cursor or "", _bound(through, search))
    try:
        return unpack(text, search)
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue("The page token is not one that this search gave you.")) from None


def _bound(through: Passage, search: Search) -> str:
    return f"{through.caller.client}\0{','.join(search.types)}\0{search.canonical()}"


def _link(own: str, query: str, token: str | None) -> str:
    parts = [p for p in (query, urlencode({"_cursor": token}) if token else "") if p]
    return f"{own}?{'&'.join(parts)}" if parts else own


async def _form(request: Request, limit: int) -> Pairs:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    raw = await http.raw_body(request, limit)
    if not raw:
        return []
    if kind != FORM:
        raise HallpassError(Kind.UNSUPPORTED, f"A search by POST is a form: {FORM}.")
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=1000)
    except ValueError:
        raise HallpassError(Kind.MALFORMED, "The form cannot be read.") from None
