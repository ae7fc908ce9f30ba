"""The straight way to the routes of a type and of one resource: looked up in a table, where the router would try one
after the other.

A path that the table does not hold goes the router's way. Both come to the same route, and a test walks them all. Where
a route takes no more than the request, the id and the request context, it is called with just these: what FastAPI
does to find that out again for each request is a fifth of a read.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.context import request_context
from app.auth.bearer import bearer
from app.resources import TYPES

Key = tuple[str, str, bool]
"""Method, type, and whether the path goes on with an id."""


class _Route(NamedTuple):
    app: ASGIApp
    scope: dict[str, Any]


class FastRoutes:
    """Stands before the router of an application whose routes are all there."""

    def __init__(self, router: ASGIApp, table: dict[Key, _Route]) -> None:
        self._router = router
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = fast_route(scope["path"]) if scope["type"] == "http" and not scope.get("root_path") else None
        goal = self._table.get((scope["method"], found[0], found[1] is not None)) if found else None
        if found is None or goal is None:
            await self._router(scope, receive, send)
            return
        scope.update(goal.scope)
        scope["path_params"] = {} if found[1] is None else {"id": found[1]}
        await goal.app(scope, receive, send)


def install(app: FastAPI) -> None:
    """Put the table before the router."""
    app.router.middleware_stack = FastRoutes(app.router.middleware_stack, _table(iter_route_contexts(app.routes)))


def fast_route(path: str) -> tuple[str, str | None] | None:
    """The type in a path, and the id if it goes on with one; None for a path of any other shape."""
    parts = path.split("/")
    if not 3 <= len(parts) <= 4 or parts[1] != "fhir" or parts[0] or parts[2] not in TYPES:
        return None
    if len(parts) == 3:
        return parts[2], None
    # What starts otherwise is an operation, a history or a search by form.
    return (parts[2], parts[3]) if parts[3][:1].isalnum() else None


def _table(routes: Iterable[Any]) -> dict[Key, _Route]:
    found: dict[Key, _Route] = {}
    for route in routes:
        parts = str(route.path).split("/")
        if (
            parts[1:2] != ["fhir"]
            or len(parts) not in (3, 4)
            or parts[2] not in TYPES
            or parts[3:] not in ([], ["{id}"])
        ):
            continue
        for method in route.methods or ():
            goal = _Route(
                _called(route, with_id=len(parts) == 4), {"endpoint": route.endpoint, "route": route.original_route}
            )
            found.setdefault((method, parts[2], len(parts) == 4), goal)
    return found


def _called(route: Any, *, with_id: bool) -> ASGIApp:
    """The route as an application: FastAPI's, unless all that it takes is known here."""
    endpoint = route.endpoint
    known = set(inspect.signature(endpoint).parameters) == {"request", "context"} | ({"id"} if with_id else set())
    if not known or [d.call for d in route.dependant.dependencies] != [request_context]:
        return route.app  # type: ignore[no-any-return]

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        context = await request_context(request, await bearer(request))
        response = await endpoint(request=request, context=context, **scope["path_params"])
        await response(scope, receive, send)

    return call
