"""Interactions on a type: create, and the conditional create, update and delete.

https://hl7.org/fhir/R4/http.html#create, #ccreate, #cond-update, #cdelete — a condition matches inside the caller's
custody and sees nothing beyond it. A create may have its condition in the query, where fhirpy puts it.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api import http
from app.api.context import Context
from app.api.idempotency import keyed
from app.api.query import query_pairs
from app.api.search import understand
from app.exchange import conditional, writes
from app.exchange.idempotency import once
from app.exchange.service import PendingResult, Session
from app.resources import ResourceType


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of POST, PUT and DELETE /{type}."""
    name = declared.name

    @router.post(f"/{name}", operation_id=f"create{name}", summary=f"Create a {name}", status_code=201)
    async def create(request: Request, context: Context) -> Response:
        http.require_acceptable(request)
        pairs = _condition_of_create(request)
        content = await context.body(request, name, "c")
        key = await keyed(request, context, content)
        validated = await context.validate_body(declared, content)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            if pairs is None:
                return [await writes.create(session, declared, validated)]
            search = understand(session, name, pairs)
            return [await conditional.create(session, declared, validated, search)]

        answer = await context.one("create", once(key, [(name, "c")], unit_of_work))
        return http.written(request, answer.one, context.base, 201 if answer.created else 200)

    @router.put(
        f"/{name}", operation_id=f"conditionalUpdate{name}", summary=f"Update or create the one {name} that matches"
    )
    async def update(request: Request, context: Context) -> Response:
        http.require_acceptable(request)
        draft = await context.draft(declared, await context.body(request, name, "u"))
        pairs = http.condition(request)
        match = http.if_match(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            return [await conditional.update(session, declared, draft, understand(session, name, pairs), match)]

        answer = await context.one("update", unit_of_work)
        return http.written(request, answer.one, context.base, 201 if answer.created else 200)

    @router.delete(
        f"/{name}",
        operation_id=f"conditionalDelete{name}",
        summary=f"Delete the one {name} that matches",
        status_code=204,
    )
    async def delete(request: Request, context: Context) -> Response:
        pairs = http.condition(request)
        match = http.if_match(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            return [await conditional.delete(session, declared, understand(session, name, pairs), match)]

        await context.one("delete", unit_of_work)
        return Response(status_code=204)


def _condition_of_create(request: Request) -> list[tuple[str, str]] | None:
    """The condition in If-None-Exist, or else in the query; None where there is none. Raises UNKNOWN_PARAM for both."""
    asked = [(k, v) for k, v in request.query_params.multi_items() if k not in http.ALWAYS]
    condition = request.headers.get("If-None-Exist")
    if condition is None:
        return asked or None
    http.parameters(request)
    return query_pairs(condition)
