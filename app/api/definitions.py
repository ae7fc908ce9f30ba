"""Definitions, for everybody: StructureDefinition, CodeSystem and their like, read by id or found by canonical URL.

https://hl7.org/fhir/R4/conformance-module.html — they are part of the program and hold nothing of any record.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api import http
from app.capability.catalog import TYPES, find, search
from app.capability.searching import SEARCHED
from app.errors import not_found
from app.fhir.json import dump
from app.settings import Settings


def add(router: APIRouter) -> None:
    """The routes of GET /{type} and GET /{type}/{id} of each type of definitions."""
    for kind in TYPES:
        _search(router, kind)
        _read(router, kind)


def _read(router: APIRouter, kind: str) -> None:
    @router.get(f"/{kind}/{{id}}", operation_id=f"read{kind}", summary=f"Read a {kind}", tags=["Definitions"])
    async def read(request: Request, id: str) -> Response:
        http.require_acceptable(request)
        http.parameters(request)
        found = find(kind, id)
        if found is None:
            raise not_found()
        return http.respond(request, dump(found))


def _search(router: APIRouter, kind: str) -> None:
    @router.get(f"/{kind}", operation_id=f"search{kind}", summary=f"Find a {kind}", tags=["Definitions"])
    async def searched(request: Request) -> Response:
        http.require_acceptable(request)
        settings: Settings = request.app.state.settings
        base = f"{settings.fhir_base}/{kind}"
        found = search(kind, http.parameters(request, *SEARCHED))
        entries = [{"fullUrl": f"{base}/{d['id']}", "resource": d, "search": {"mode": "match"}} for d in found]
        own = f"{base}?{request.url.query}" if request.url.query else base
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(entries),
            "link": [{"relation": "self", "url": own}],
        }
        return http.respond(request, dump({**bundle, "entry": entries} if entries else bundle))
