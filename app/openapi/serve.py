"""The routes of the document: as JSON, as YAML, and as a page for people whose parts are all served from here."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib.resources import files

import orjson
import yaml
from fastapi import APIRouter, Request, Response

from app.errors import not_found
from app.openapi.document import document
from app.settings import Settings

YAML = "application/yaml"
_OWN, _VIEWER = "app.openapi.page", "fastapi_offline.static"
ASSETS = {
    "page.css": (_OWN, "text/css"),
    "page.js": (_OWN, "text/javascript"),
    "swagger-ui.css": (_VIEWER, "text/css"),
    "swagger-ui-bundle.js": (_VIEWER, "text/javascript"),
}
"""The parts of the page: where each comes from, and its media type."""
_KEPT = {"Cache-Control": "max-age=3600"}
_GUARDED = {
    **_KEPT,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
"""The page handles a private key: nothing but its own parts may run in it or be talked to."""


class _Dumper(yaml.CSafeDumper):
    """Writes each part out where it stands: an alias would not be understood by every reader."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def openapi_router() -> APIRouter:
    """The routes of the document and of the page."""
    router = APIRouter(tags=["Server"])
    _documents(router)
    _page(router)
    return router


@lru_cache(maxsize=2)
def as_json(base_url: str) -> bytes:
    """The document of the server at `base_url`, as JSON."""
    return orjson.dumps(document(base_url))


@lru_cache(maxsize=2)
def as_yaml(base_url: str) -> bytes:
    """The same as YAML."""
    text = yaml.dump(document(base_url), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


def _documents(router: APIRouter) -> None:
    @router.get("/openapi.json", operation_id="openapiJson", summary="This document")
    async def in_json(request: Request) -> Response:
        settings: Settings = request.app.state.settings
        found = await asyncio.to_thread(as_json, settings.base_url)
        return Response(found, media_type="application/json", headers=_KEPT)

    @router.get("/openapi.yaml", operation_id="openapiYaml", summary="This document in YAML")
    async def in_yaml(request: Request) -> Response:
        settings: Settings = request.app.state.settings
        return Response(await asyncio.to_thread(as_yaml, settings.base_url), media_type=YAML, headers=_KEPT)


def _page(router: APIRouter) -> None:
    @router.get("/docs", operation_id="docs", summary="This document for people")
    async def page() -> Response:
        return Response(_asset(_OWN, "index.html"), media_type="text/html; charset=utf-8", headers=_GUARDED)

    @router.get("/docs/{asset}", operation_id="docsAsset", summary="A part of the page for people")
    async def part(asset: str) -> Response:
        if asset not in ASSETS:
            raise not_found()
        place, media_type = ASSETS[asset]
        return Response(_asset(place, asset), media_type=media_type, headers=_KEPT)


@lru_cache(maxsize=8)
def _asset(place: str, name: str) -> bytes:
    package, _, folder = place.rpartition(".")
    return files(package).joinpath(folder, name).read_bytes()
