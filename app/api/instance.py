"""Interactions on one resource: read, vread, update, delete.

https://hl7.org/fhir/R4/http.html#read, #vread, #update, #delete
"""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import APIRouter, Request, Response

from app.api import binary, http
from app.api.context import Context, RequestContext
from app.exchange import writes
from app.exchange.service import PendingResult
from app.fhir.etags import Known, known
from app.resources import ResourceType
from app.search.subset import Subset, subset_of_read


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of /{type}/{id} and below."""
    name = declared.name

    async def _read(request: Request, id: str, version: str | None, context: RequestContext) -> Response:
        if declared.name == "Binary" and binary.wants_bytes(request):
            http.parameters(request)
            conditions = known(request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
            return binary.content(await context.read(declared, id, version, conditions, None), context.base)
        conditions, part = _wishes(request, declared)
        return http.one(request, await context.read(declared, id, version, conditions, part), context.base)

    @router.get(f"/{name}/{{id}}", operation_id=f"read{name}", summary=f"Read a {name}")
    async def read(request: Request, id: str, context: Context) -> Response:
        return await _read(request, id, None, context)

    @router.get(f"/{name}/{{id}}/_history/{{vid}}", operation_id=f"vread{name}", summary=f"Read a version of a {name}")
    async def vread(request: Request, id: str, vid: str, context: Context) -> Response:
        return await _read(request, id, vid, context)

    @router.put(f"/{name}/{{id}}", operation_id=f"update{name}", summary=f"Update a {name}")
    async def update(request: Request, id: str, context: Context) -> Response:
        http.require_acceptable(request)
        http.parameters(request)
        draft = await context.draft(declared, await context.body(request, name, "u"))
        match = http.if_match(request)
        answer = await context.one("update", lambda session: _list(writes.update(session, declared, draft, id, match)))
        return http.written(request, answer.one, context.base, 200)

    @router.delete(f"/{name}/{{id}}", operation_id=f"delete{name}", summary=f"Delete a {name}", status_code=204)
    async def delete(request: Request, id: str, context: Context) -> Response:
        http.parameters(request)
        match = http.if_match(request)
        await context.one("delete", lambda session: _list(writes.delete(session, declared, id, match)))
        return Response(status_code=204)


def _wishes(request: Request, declared: ResourceType) -> tuple[Known | None, Subset | None]:
    """What the caller knows already, and which part it wants. Raises NOT_ACCEPTABLE, UNKNOWN_PARAM or INVALID."""
    http.require_acceptable(request)
    given = http.parameters(request, "_summary", "_elements")
    conditions = known(request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
    return conditions, subset_of_read(declared.name, given.get("_summary"), given.get("_elements"))


async def _list(unit_of_work: Awaitable[PendingResult]) -> list[PendingResult]:
    return [await unit_of_work]
