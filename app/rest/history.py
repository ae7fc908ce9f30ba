"""History at instance, type and system level. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from app.consent.gate import Door, Found, histories
from app.errors import HallpassError, Issue, Kind
from app.fhir import bundle
from app.fhir.dates import interval
from app.resources import REGISTRY, ResourceType
from app.rest import http
from app.rest.paging import Seal
from app.rest.passage import Passage, Through
from app.search.controls import types as read_types

NAMES = ("_since", "_at", "_count", "_cursor")


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of GET /{type}/{id}/_history and GET /{type}/_history."""
    name = declared.name

    @router.get(f"/{name}/_history", operation_id=f"historyType{name}", summary=f"The versions of all {name} resources")
    async def of_type(request: Request, through: Through) -> Response:
        return await _answer(request, through, f"{name}/_history", http.parameters(request, *NAMES), declared, None)

    @router.get(f"/{name}/{{id}}/_history", operation_id=f"history{name}", summary=f"The versions of a {name}")
    async def of_instance(request: Request, id: str, through: Through) -> Response:
        given = http.parameters(request, *NAMES)
        return await _answer(request, through, f"{name}/{id}/_history", given, declared, id)


def add_system(router: APIRouter) -> None:
    """The route of GET /_history; `_type` narrows it, as in a search."""

    @router.get("/_history", operation_id="history", summary="The versions of all resources")
    async def of_all(request: Request, through: Through) -> Response:
        return await _answer(request, through, "_history", http.parameters(request, *NAMES, "_type"), None, None)


async def _answer(
    request: Request, through: Passage, path: str, given: dict[str, str], declared: ResourceType | None, id: str | None
) -> Response:
    http.require_acceptable(request)
    seal: Seal = request.app.state.seal
    count = _count(given.get("_count"), through)
    types = _types(through, given, declared)
    query = {k: v for k, v in given.items() if k != "_cursor"}
    if declared is None and len(types) < len(REGISTRY):
        query["_type"] = ",".join(types)
    bound = "\0".join((through.caller.client, path, urlencode(query)))
    after = seal.open(given["_cursor"], bound) if "_cursor" in given else None

    async def work(door: Door) -> list[Found]:
        since, at = _interval(door, given, "_since"), _interval(door, given, "_at")
        lower = since[0] if since else None
        if declared is not None and id is not None:
            return [await histories.of_one(door, declared, id, count=count, since=lower, at=at, after=after)]
        return [await histories.of_types(door, types, count=count, since=lower, at=at, after=after)]

    answer = await through.one("history", work)
    own = f"{through.base}/{path}"
    links = [("self", _link(own, query, given.get("_cursor"))), ("first", _link(own, query, None))]
    if "next" in answer.cursors:
        links.append(("next", _link(own, query, seal.close(answer.cursors["next"], bound))))
    return http.respond(request, bundle.history(answer.released, through.base, links, answer.total or 0))


def _types(through: Passage, given: dict[str, str], declared: ResourceType | None) -> tuple[str, ...]:
    """The types whose versions are asked for; at the root, by themselves, those that the scopes open."""
    if declared is not None:
        return (declared.name,)
    if "_type" in given:
        return read_types("_type", given["_type"])
    names = tuple(t.name for t in REGISTRY)
    return tuple(n for n in names if through.may(n, "s")) or names


def _count(text: str | None, through: Passage) -> int:
    if text is None:
        return through.settings.default_count
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise HallpassError(Kind.INVALID, Issue("The parameter '_count' is a whole number above 0."))
    return min(int(text), through.settings.max_count)


def _interval(door: Door, given: dict[str, str], name: str) -> tuple[datetime, datetime] | None:
    try:
        found = interval(given[name], door.zone) if name in given else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a FHIR date or instant.")) from None
    return (found.lower, found.upper) if found else None


def _link(own: str, query: dict[str, str], token: str | None) -> str:
    pairs = {**query, **({"_cursor": token} if token else {})}
    return f"{own}?{urlencode(pairs)}" if pairs else own
