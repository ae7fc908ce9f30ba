"""create_app(): the only place where the parts are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from sqlalchemy import select

from app.auth.endpoints import auth_router
from app.auth.service import Auth
from app.conformance.catalogue import TYPES as DEFINITIONS
from app.consent.gate import Gate
from app.limits.limits import Leaving
from app.openapi.serve import openapi_router
from app.rest import failures, straight
from app.rest.cors import Cors
from app.rest.packed import Packing
from app.rest.paging import Seal
from app.rest.passage import passage
from app.rest.paths import SameRequest
from app.rest.router import fhir_router
from app.settings import Settings
from app.store.engine import Database
from app.store.tables import secret

PUBLIC = frozenset(
    {
        "/auth/token",
        "/auth/introspect",
        "/auth/revoke",
        "/auth/jwks",
        "/.well-known/smart-configuration",
        "/fhir/.well-known/smart-configuration",
        "/fhir/metadata",
        "/fhir/Library/{id}",
        *(f"/fhir/{kind}{below}" for kind in DEFINITIONS for below in ("", "/{id}")),
        "/health",
        "/openapi.json",
        "/docs",
        "/docs/{asset}",
    }
)
"""Every path that serves no record, and so needs no way through the gate."""


class RouteOutsideTheGate(Exception):
    """A route neither depends on the gate nor is on the short public list: the server does not start."""


def create_app(settings: Settings, db: Database) -> FastAPI:
    """The application over a migrated database."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with db.begin() as connection:
            found = await connection.execute(select(secret.c.value).where(secret.c.name == "cursor"))
            app.state.seal = Seal(found.scalar_one())
        yield
        await db.dispose()

    app = FastAPI(
        title="Hallpass",
        description="A FHIR R4 exchange between school districts and community providers, under signed releases.",
        version="0.1.0",
        lifespan=lifespan,
        openapi_url=None,  # the document comes from app.openapi
    )
    app.state.settings = settings
    app.state.db = db
    app.state.auth = Auth.create(db, settings)
    app.state.limits = app.state.auth.limits
    app.state.gate = Gate(db, settings, app.state.limits.connections)
    app.add_middleware(Packing)  # inside what streams, so that a whole response keeps its length
    failures.install(app)
    app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(SameRequest)
    app.add_middleware(Leaving, limits=app.state.limits)
    app.include_router(auth_router(app.state.auth))
    app.include_router(fhir_router())
    app.include_router(openapi_router())
    _health(app, db)
    require_gate(app)
    straight.install(app)
    return app


def require_gate(app: FastAPI) -> None:
    """Raise RouteOutsideTheGate for a route that could serve a record without the gate."""
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        through = dependant is not None and _depends_on_gate(dependant)
        if not through and route.path not in PUBLIC:
            raise RouteOutsideTheGate(f"{route.path} neither goes through the gate nor is public")


def _depends_on_gate(dependant: Dependant) -> bool:
    return dependant.call is passage or any(_depends_on_gate(d) for d in dependant.dependencies)


def _health(app: FastAPI, db: Database) -> None:
    @app.get("/health", operation_id="health", tags=["operation"], summary="Whether the server can serve")
    async def health() -> dict[str, str]:
        await db.alive()
        return {"status": "ok"}
