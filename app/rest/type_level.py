"""Interactions on a type: create, and the conditional create, update and delete.

https://hl7.org/fhir/R4/http.html#create, #ccreate, #cond-update, #cdelete — a condition matches inside the caller's
custody and sees nothing beyond it. A create may have its condition in the query, where fhirpy puts it.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.consent.gate import Door, Found, conditional, writes
from app.resources import ResourceType
from app.rest import http
from app.rest.passage import Through
from app.rest.query import query_pairs
from app.rest.search import understand


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of POST, PUT and DELETE /{type}."""
    name = declared.name

    @router.post(f"/{name}", operation_id=f"create{name}", summary=f"Create a {name}", status_code=201)
    async def create(request: Request, through: Through) -> Response:
        http.require_acceptable(request)
        pairs = _condition_of_create(request)
        prepared = await through.prepare(declared, await through.body(request, name, "c"))

        async def work(door: Door) -> list[Found]:
            if pairs is None:
                return [await writes.create(door, declared, prepared)]
            search = understand(door, name, pairs)
            return [await conditional.create(door, declared, prepared, search)]

        answer = await through.one("create", work)
        return http.written(request, answer.one, through.base, 201 if answer.created else 200)

    @router.put(
        f"/{name}", operation_id=f"conditionalUpdate{name}", summary=f"Update or create the one {name} that matches"
    )
    async def update(request: Request, through: Through) -> Response:
        http.require_acceptable(request)
        prepared = await through.prepare(declared, await through.body(request, name, "u"))
        pairs = http.condition(request)
        match = http.if_match(request)

        async def work(door: Door) -> list[Found]:
            return [await conditional.update(door, declared, prepared, understand(door, name, pairs), match)]

        answer = await through.one("update", work)
        return http.written(request, answer.one, through.base, 201 if answer.created else 200)

    @router.delete(
        f"/{name}",
        operation_id=f"conditionalDelete{name}",
        summary=f"Delete the one {name} that matches",
        status_code=204,
    )
    async def delete(request: Request, through: Through) -> Response:
        pairs = http.condition(request)
        match = http.if_match(request)

        async def work(door: Door) -> list[Found]:
            return [await conditional.delete(door, declared, understand(door, name, pairs), match)]

        await through.one("delete", work)
        return Response(status_code=204)


def _condition_of_create(request: Request) -> list[tuple[str, str]] | None:
    """The condition in If-None-Exist, or else in the query; None where there is none. Raises UNKNOWN_PARAM for both."""
    asked = [(k, v) for k, v in request.query_params.multi_items() if k not in http.ALWAYS]
    condition = request.headers.get("If-None-Exist")
    if condition is None:
        return asked or None
    http.parameters(request)
    return query_pairs(condition)
