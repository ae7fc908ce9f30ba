"""The search interaction, by GET and by POST. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response

from app.api import bundle, http
from app.api.context import Context, RequestContext
from app.api.page_tokens import PageTokens
from app.errors import HallpassError, Issue, Kind
from app.exchange import merging, reads
from app.exchange.service import PendingResult, Result, Session, UnitOfWork
from app.fhir.json import dump
from app.fhir.outcome import warning
from app.resources import REGISTRY, ResourceType, Visibility
from app.search.cursor import Cursor, unpack
from app.search.parse import parse
from app.search.query import Search, Within

FORM = "application/x-www-form-urlencoded"
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search is asked: its path below the service's root, the type (None: all), the student (None: any)."""

    path: str
    type: str | None
    patient: str | None = None


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of GET /{type}, POST /{type}/_search, and for a type of a compartment GET /Patient/{id}/{type}.

    https://hl7.org/fhir/R4/search.html#Introduction
    """
    name = declared.name

    @router.get(f"/{name}", operation_id=f"search{name}", summary=f"Search {name} resources")
    async def search(request: Request, context: Context) -> Response:
        return await _by_get(request, context, Place(name, name))

    @router.post(f"/{name}/_search", operation_id=f"searchByPost{name}", summary=f"Search {name} resources by a form")
    async def search_by_post(request: Request, context: Context) -> Response:
        return await _by_post(request, context, Place(name, name))

    if declared.visibility is Visibility.COMPARTMENT:
        _add_compartment(router, name, name, f"Search a student's {name} resources")


def add_system(router: APIRouter) -> None:
    """The routes of GET / and POST /_search, over all types, and GET /Patient/{id}/*, over those of a compartment."""

    @router.get("", operation_id="search", summary="Search resources of several types")
    async def search(request: Request, context: Context) -> Response:
        return await _by_get(request, context, Place("", None))

    @router.post("/_search", operation_id="searchByPost", summary="Search resources of several types by a form")
    async def search_by_post(request: Request, context: Context) -> Response:
        return await _by_post(request, context, Place("", None))

    _add_compartment(router, "*", None, "Search a student's resources of several types")


def _add_compartment(router: APIRouter, segment: str, name: str | None, summary: str) -> None:
    suffix = name or "Any"

    @router.get(f"/Patient/{{id}}/{segment}", operation_id=f"searchCompartment{suffix}", summary=summary)
    async def search(request: Request, id: str, context: Context) -> Response:
        return await _by_get(request, context, Place(f"Patient/{id}/{segment}", name, id))

    @router.post(
        f"/Patient/{{id}}/{segment}/_search",
        operation_id=f"searchCompartmentByPost{suffix}",
        summary=f"{summary} by a form",
    )
    async def search_by_post(request: Request, id: str, context: Context) -> Response:
        return await _by_post(request, context, Place(f"Patient/{id}/{segment}", name, id))


async def _by_get(request: Request, context: RequestContext, place: Place) -> Response:
    http.require_acceptable(request)
    return await _answer(request, context, place, request.query_params.multi_items())


async def _by_post(request: Request, context: RequestContext, place: Place) -> Response:
    http.require_acceptable(request)
    await context.require(place.type or searchable(context), "s")
    pairs = request.query_params.multi_items() + await form(request, context.settings.max_body_bytes)
    return await _answer(request, context, place, pairs)


async def _answer(request: Request, context: RequestContext, place: Place, pairs: Pairs) -> Response:
    page_tokens: PageTokens = request.app.state.page_tokens
    lenient = http.prefer(request).lenient
    answer = await context.one("search", searching(context, page_tokens, place, pairs, lenient=lenient))
    return http.respond(request, page(answer, context, page_tokens, place.path))


def searching(
    context: RequestContext, page_tokens: PageTokens, place: Place, pairs: Pairs, *, lenient: bool
) -> UnitOfWork:
    """The work of one search: understood inside, since dates are meant in the caller's time zone."""

    async def unit_of_work(session: Session) -> list[PendingResult]:
        student = None if place.patient is None else await reads.compartment(session, place.patient)
        asked = pairs if place.type else narrowed(context, pairs, in_compartment=student is not None)
        understood = understand(session, place.type, asked, lenient=lenient)
        if student is not None:
            understood = replace(understood, within=Within(student, await merging.same_student(session, student)))
        understood = await merging.followed(session, understood)
        return [await reads.search(session, understood, opened(page_tokens, context, place.path, understood))]

    return unit_of_work


def narrowed(context: RequestContext, pairs: Pairs, *, in_compartment: bool) -> Pairs:
    """The parameters of a search over several types, with `_type` where the caller left it to its scopes.

    The self link says so, then. Whoever names a type needs the scope for it.
    """
    if any(k == "_type" for k, _ in pairs):
        return pairs
    there = [t for t in REGISTRY if not in_compartment or t.visibility is Visibility.COMPARTMENT]
    found = [t.name for t in there if context.may(t.name, "s")] or [t.name for t in there]
    return pairs if len(found) == len(REGISTRY) else [("_type", ",".join(found)), *pairs]


def searchable(context: RequestContext) -> str:
    """A type that the caller's scopes let it search; any, where there is none."""
    return next((t.name for t in REGISTRY if context.may(t.name, "s")), REGISTRY[0].name)


def understand(session: Session, name: str | None, pairs: Pairs, *, lenient: bool = False) -> Search:
    """The search that a query string means to this caller."""
    return parse(
        name,
        [(k, v) for k, v in pairs if k not in http.ALWAYS],
        zone=session.zone,
        base_url=session.settings.fhir_base,
        default_count=session.settings.default_count,
        max_count=session.settings.max_count,
        lenient=lenient,
    )


def page(answer: Result, context: RequestContext, page_tokens: PageTokens, path: str) -> bytes:
    """The searchset Bundle of one page, with its links."""
    assert answer.search is not None
    own = f"{context.base}/{path}" if path else context.base
    query = answer.search.canonical()
    here = _link(own, query, answer.search.cursor)
    links = [("self", here), ("first", _link(own, query, None))]
    for relation in ("next", "previous"):
        if relation in answer.cursors:
            links.append((relation, _link(own, query, page_token(answer, relation, context, page_tokens, path))))
    text = "Not understood, and left out as asked: " + ", ".join(answer.search.ignored)
    outcomes = [dump(warning(text))] if answer.search.ignored else []
    return bundle.searchset(answer.released, context.base, links, answer.total, outcomes)


def page_token(answer: Result, relation: str, context: RequestContext, page_tokens: PageTokens, path: str) -> str:
    """The token that leads from a page of a search to the one before or after it."""
    assert answer.search is not None
    return page_tokens.sign(answer.cursors[relation], _bound(context, path, answer.search))


def opened(page_tokens: PageTokens, context: RequestContext, path: str, search: Search) -> Cursor | None:
    """The cursor in a search's page token, if it has one. Raises INVALID for one that this search did not get."""
    if search.cursor is None:
        return None
    text = page_tokens.verify(search.cursor, _bound(context, path, search))
    try:
        return unpack(text, search)
    except ValueError:
        raise HallpassError(
            Kind.INVALID, Issue("The page token is not from this search. Follow the links of a page as they are.")
        ) from None


def _bound(context: RequestContext, path: str, search: Search) -> str:
    return f"{context.caller.client}\0{path}\0{','.join(search.types)}\0{search.canonical()}"


def _link(own: str, query: str, token: str | None) -> str:
    parts = [p for p in (query, urlencode({"_cursor": token}) if token else "") if p]
    return f"{own}?{'&'.join(parts)}" if parts else own


async def form(request: Request, limit: int) -> Pairs:
    """The pairs of a form body. Raises UNSUPPORTED, TOO_LARGE or MALFORMED."""
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
