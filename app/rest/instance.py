"""Interactions on one resource: read, vread, history, update, delete.

https://hl7.org/fhir/R4/http.html#read, #vread, #history, #update, #delete
"""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import APIRouter, Request, Response

from app.consent.gate import Found, reads, writes
from app.consent.gate.prepared import prepare
from app.errors import HallpassError, Issue, Kind
from app.fhir import bundle
from app.fhir.etags import Known, known
from app.fhir.subset import Subset, subset_of_read
from app.resources import ResourceType
from app.rest import http
from app.rest.passage import Through


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of /{type}/{id} and below."""
    name = declared.name

    @router.get(f"/{name}/{{id}}", operation_id=f"read{name}", summary=f"Read a {name}")
    async def read(request: Request, id: str, through: Through) -> Response:
        known, part = _wishes(request, declared)
        answer = await through.one("read", lambda door: _list(reads.read(door, declared, id, known=known, part=part)))
        return http.one(request, answer)

    @router.get(f"/{name}/{{id}}/_history", operation_id=f"history{name}", summary=f"The versions of a {name}")
    async def history(request: Request, id: str, through: Through) -> Response:
        http.require_acceptable(request)
        before, count = _history_page(request, through.settings.default_count, through.settings.max_count)
        answer = await through.one("history", lambda door: _list(reads.history(door, declared, id, before, count)))
        own = f"{through.base}/{name}/{id}/_history"
        links = [("self", f"{own}?_count={count}" + (f"&_before={before}" if before else ""))]
        if "next" in answer.cursors:
            links.append(("next", f"{own}?_count={count}&_before={answer.cursors['next']}"))
        return http.respond(request, bundle.history(answer.released, through.base, links, answer.total or 0))

    @router.get(f"/{name}/{{id}}/_history/{{vid}}", operation_id=f"vread{name}", summary=f"Read a version of a {name}")
    async def vread(request: Request, id: str, vid: str, through: Through) -> Response:
        known, part = _wishes(request, declared)
        answer = await through.one(
            "vread", lambda door: _list(reads.vread(door, declared, id, vid, known=known, part=part))
        )
        return http.one(request, answer)

    @router.put(f"/{name}/{{id}}", operation_id=f"update{name}", summary=f"Update a {name}")
    async def update(request: Request, id: str, through: Through) -> Response:
        http.require_acceptable(request)
        http.parameters(request)
        content = await http.body(request, through.settings.max_body_bytes)
        prepared = prepare(declared, content, through.base)
        match = request.headers.get("If-Match")
        answer = await through.one("update", lambda door: _list(writes.update(door, declared, prepared, id, match)))
        return http.written(request, answer.one, through.base, 200)

    @router.delete(f"/{name}/{{id}}", operation_id=f"delete{name}", summary=f"Delete a {name}", status_code=204)
    async def delete(request: Request, id: str, through: Through) -> Response:
        http.parameters(request)
        match = request.headers.get("If-Match")
        await through.one("delete", lambda door: _list(writes.delete(door, declared, id, match)))
        return Response(status_code=204)


def _wishes(request: Request, declared: ResourceType) -> tuple[Known | None, Subset | None]:
    """What the caller knows already, and which part it wants. Raises NOT_ACCEPTABLE, UNKNOWN_PARAM or INVALID."""
    http.require_acceptable(request)
    given = http.parameters(request, "_summary", "_elements")
    conditions = known(request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
    return conditions, subset_of_read(declared.name, given.get("_summary"), given.get("_elements"))


async def _list(work: Awaitable[Found]) -> list[Found]:
    return [await work]


def _history_page(request: Request, default: int, most: int) -> tuple[int | None, int]:
    """`_before` and `_count` of a history request. Raises UNKNOWN_PARAM or INVALID."""
    values: dict[str, int] = {}
    for name, text in request.query_params.multi_items():
        if name in ("_format", "_pretty"):
            continue
        if name not in ("_count", "_before"):
            raise HallpassError(Kind.UNKNOWN_PARAM, Issue(f"The parameter {name!r} is not known here."))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
            raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a whole number above 0."))
        values[name] = int(text)
    return values.get("_before"), min(values.get("_count", default), most)
