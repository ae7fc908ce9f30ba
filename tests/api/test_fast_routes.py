"""The table that stands before the router leads where the router would."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import make_url
from starlette.routing import Match

from app.api.fast_routes import FastRoutes, fast_route
from app.db.engine import Database
from app.main import create_app
from app.resources import TYPES
from app.settings import Settings

ID = "6b1f0c1e-8a53-4f6e-9a3b-6d6b0d0c7a11"


@pytest.fixture(scope="module")
def app() -> Any:
    """The application; its database is never asked."""
    return create_app(Settings(), Database(make_url("postgresql+asyncpg://nobody@127.0.0.1:1/none")))


def routed(app: Any, method: str, path: str) -> Any:
    """What the router by itself would call; None where it calls nothing for this method."""
    for route in iter_route_contexts(app.routes):
        scope = {"type": "http", "method": method, "path": path, "headers": []}
        if route._effective_route.matches(scope)[0] is Match.FULL:
            return route.endpoint
    return None


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_type_and_resource_is_led_to_what_the_router_would_choose(app: Any, method: str) -> None:
    ahead = app.router.middleware_stack
    assert isinstance(ahead, FastRoutes)
    for name in TYPES:
        for path, with_id in ((f"/fhir/{name}", False), (f"/fhir/{name}/{ID}", True)):
            goal = ahead._table.get((method, name, with_id))
            assert (goal.scope["endpoint"] if goal else None) == routed(app, method, path), (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir", "/fhir/", "/fhir/Patient/$match", "/fhir/Patient/_history", "/fhir/Patient/_search", "/health",
        "/fhir/Medication", f"/fhir/Patient/{ID}/_history", f"/fhir/Patient/{ID}/Encounter", "/fhir/Patient/",
        "//fhir/Patient", "/x/Patient/1", "",
    ],
)  # fmt: skip
def test_what_has_another_shape_goes_the_routers_way(path: str) -> None:
    assert fast_route(path) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_interaction_on_one_resource_is_called_without_the_frameworks_search_for_its_parameters(
    app: Any, method: str
) -> None:
    through_the_framework = {id(route.app) for route in iter_route_contexts(app.routes)}
    table = app.router.middleware_stack._table
    assert [name for name in TYPES if id(table[method, name, True].app) in through_the_framework] == []
