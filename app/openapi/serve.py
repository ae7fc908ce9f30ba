"""The routes of the document: as JSON, and as a page for people whose parts are all served from here."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from importlib.resources import files

import orjson
from fastapi import APIRouter, Request, Response

from app.errors import not_found
from app.openapi.document import document
from app.settings import Settings

ASSETS = {
    "page.css": "text/css",
    "keys.js": "text/javascript",
    "viewer.js": "text/javascript",
    "sign-in.js": "text/javascript",
}
"""The parts of the page, and the media type of each."""
_KEPT = {"Cache-Control": "max-age=3600"}
_GUARDED = {
    **_KEPT,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
"""The page handles a private key: nothing but its own parts may run in it or be talked to."""


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


def _documents(router: APIRouter) -> None:
    @router.get("/openapi.json", operation_id="openapiJson", summary="This document")
    async def in_json(request: Request) -> Response:
        settings: Settings = request.app.state.settings
        found = await asyncio.to_thread(as_json, settings.base_url)
        return Response(found, media_type="application/json", headers=_KEPT)


def _page(router: APIRouter) -> None:
    @router.get("/", operation_id="front", summary="Where to go from here, for people")
    async def front() -> Response:
        return Response(_asset("front.html"), media_type="text/html; charset=utf-8", headers=_GUARDED)

    @router.get("/docs", operation_id="docs", summary="This document for people")
    async def page() -> Response:
        return Response(_asset("index.html"), media_type="text/html; charset=utf-8", headers=_GUARDED)

    @router.get("/docs/{asset}", operation_id="docsAsset", summary="A part of the page for people")
    async def part(asset: str) -> Response:
        if asset not in ASSETS:
            raise not_found()
        return Response(_asset(asset), media_type=ASSETS[asset], headers=_KEPT)


@lru_cache(maxsize=8)
def _asset(name: str) -> bytes:
    return files("app.openapi").joinpath("page", name).read_bytes()
