"""All FHIR routes, from the registry."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api import (
    audit_events,
    batch,
    bulk,
    definitions,
    history,
    http,
    instance,
    notices,
    operations,
    patch,
    search,
    submission,
    type_level,
)
from app.capability.operation import SYSTEM
from app.capability.statement import capability_statement
from app.fhir.json import dump
from app.resources import REGISTRY
from app.settings import Settings


def fhir_router() -> APIRouter:
    """The routes below /fhir."""
    router = APIRouter(prefix="/fhir")
    _metadata(router)
    batch.add(router)
    bulk.add(router)
    submission.add(router)
    operations.add_to(router, SYSTEM)
    notices.add(router)
    definitions.add(router)
    audit_events.add(router)
    search.add_system(router)
    history.add_system(router)
    for declared in REGISTRY:
        typed = APIRouter(tags=[declared.name])
        search.add(typed, declared)
        operations.add(typed, declared)
        type_level.add(typed, declared)
        history.add(typed, declared)
        instance.add(typed, declared)
        patch.add(typed, declared)
        router.include_router(typed)
    return router


def _metadata(router: APIRouter) -> None:
    @router.get("/metadata", operation_id="capabilities", summary="What this server can do")
    async def metadata(request: Request) -> Response:
        http.require_acceptable(request)
        settings: Settings = request.app.state.settings
        found = capability_statement(
            settings.base_url, cors=bool(settings.cors_origins), most_deletes=settings.max_deletes
        )
        return http.respond(request, dump(found), headers={"Access-Control-Allow-Origin": "*"})
