"""Which web pages may call from a browser: for what is public any, for records those of the settings, else none.

https://hl7.org/fhir/R4/security.html#cors and https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.vary import vary
from app.capability.catalog import TYPES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    "Accept",
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Exist",
    "If-None-Match",
    "Prefer",
)
RESPONSE_HEADERS = ("Content-Location", "ETag", "Last-Modified", "Link", "Location", "Retry-After", "WWW-Authenticate")
_DEFINITIONS = tuple(f"/fhir/{kind}" for kind in TYPES)
_PUBLIC = ("/fhir/metadata", "/.well-known/", "/fhir/.well-known/", "/auth/jwks", *_DEFINITIONS)


class Cors:
    """Answers preflight requests, and names the pages that may read a response."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._public = CORSMiddleware(app, allow_origins=["*"], allow_methods=["GET", "HEAD"], allow_headers=["*"])
        self._records = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(_PUBLIC):
            await self._public(scope, receive, send)
        elif any(name == b"origin" for name, _ in scope["headers"]):
            await self._records(scope, receive, send)
        else:  # no browser asks on behalf of a page
            await self._app(scope, receive, vary(send, b"Origin"))
