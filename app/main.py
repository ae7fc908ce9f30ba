"""create_app(): the only place where the parts are put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from app import health
from app.api import failures, fast_routes
from app.api.context import request_context
from app.api.middleware.compression import Compression
from app.api.middleware.cors import Cors
from app.api.middleware.path_normalizer import PathNormalizer
from app.api.page_tokens import PageTokens
from app.api.router import fhir_router
from app.auth import client_limits
from app.auth.endpoints import auth_router
from app.auth.service import Auth
from app.capability.catalog import TYPES as DEFINITIONS
from app.db import usage
from app.db.engine import Database
from app.exchange.service import AccessService
from app.keyring import Keyring
from app.limits.limits import Leaving
from app.limits.stored import StoredBytes
from app.objects import Objects
from app.office.routes import PATHS as OFFICE_PAGES
from app.office.routes import office_router
from app.openapi.serve import openapi_router
from app.partner.links import Links
from app.partner.routes import PATHS as PARTNER_PAGES
from app.partner.routes import partner_router
from app.processes import Closing
from app.settings import Settings
from app.signing.links import Links as SigningLinks
from app.signing.routes import PATHS as SIGNING_PAGES
from app.signing.routes import signing_router
from app.telemetry.collector import Collector

NO_RECORD = frozenset(
    {
        "/auth/token",
        "/auth/introspect",
        "/auth/revoke",
        "/auth/jwks",
        "/.well-known/smart-configuration",
        "/fhir/.well-known/smart-configuration",
        "/fhir/metadata",
        "/fhir/Library/{id}",
        "/fhir/SubscriptionTopic/{id}",
        *(f"/fhir/{kind}{below}" for kind in DEFINITIONS for below in ("", "/_search", "/{id}")),
        "/health",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/",
        "/docs",
        "/docs/{asset}",
    }
)
"""Every path that serves no record, and so needs no way through the access service."""
PUBLIC = NO_RECORD | PARTNER_PAGES | OFFICE_PAGES | SIGNING_PAGES
"""Every path that asks for no token. The pages of light partners ask for a link and a code, and then go through the
access service as a client of their own: tests/partner. Those of the office ask for a session: tests/office.
Those of who signs ask for a link and a code: tests/signing."""


class RouteOutsideAccessService(Exception):
    """A route neither depends on the access service nor is on the short public list: the server does not start."""


def create_app(settings: Settings, db: Database) -> FastAPI:
    """The application over a migrated database."""

    stored = StoredBytes(settings.client_daily_bytes)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        collector = Collector(settings.traces_url, settings.traces_share) if settings.traces_url else None
        await usage.share(db, stored)
        await client_limits.follow(db, app.state.limits)
        looking = [
            asyncio.create_task(usage.share_always(db, stored)),
            asyncio.create_task(client_limits.follow_always(db, app.state.limits)),
        ]
        yield
        for task in looking:
            task.cancel()
        await asyncio.wait(looking)
        await usage.share(db, stored)
        await db.dispose()
        if collector is not None:
            await asyncio.to_thread(collector.close)

    app = FastAPI(
        title="Hallpass",
        description="A FHIR R4 exchange between school districts and community providers, under signed releases.",
        version="0.1.0",
        lifespan=lifespan,
        openapi_url=None,  # the document comes from app.openapi
    )
    app.state.settings = settings
    app.state.db = db
    app.state.keyring = Keyring.of(settings)
    app.state.page_tokens = PageTokens(app.state.keyring.derive("page tokens"))
    app.state.auth = Auth.create(db, settings)
    app.state.limits = app.state.auth.limits
    app.state.objects = Objects.of(settings)
    app.state.access_service = AccessService(db, settings, app.state.limits.connections, stored)
    app.add_middleware(Compression)  # inside what streams, so that a whole response keeps its length
    failures.install(app)
    app.add_middleware(Cors, origins=settings.cors_origins)
    app.add_middleware(PathNormalizer)
    app.add_middleware(Closing)
    app.add_middleware(Leaving, limits=app.state.limits)
    app.include_router(auth_router(app.state.auth))
    app.include_router(fhir_router())
    app.include_router(openapi_router())
    app.include_router(partner_router(Links(app.state.keyring)))
    app.include_router(signing_router(SigningLinks(app.state.keyring)))
    app.include_router(office_router())
    health.install(app, db)
    require_access_service(app)
    fast_routes.install(app)
    return app


def require_access_service(app: FastAPI) -> None:
    """Raise RouteOutsideAccessService for a route that could serve a record without the access service."""
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        context = dependant is not None and _depends_on_access_service(dependant)
        if not context and route.path not in PUBLIC:
            raise RouteOutsideAccessService(f"{route.path} neither goes through the access service nor is public")


def _depends_on_access_service(dependant: Dependant) -> bool:
    return dependant.call is request_context or any(_depends_on_access_service(d) for d in dependant.dependencies)
