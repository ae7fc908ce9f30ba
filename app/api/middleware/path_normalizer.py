"""Requests that mean the same as another.

HEAD is GET without a body, a slash at the end of a path changes nothing, OPTIONS of the service is GET of its
CapabilityStatement.

https://hl7.org/fhir/R4/http.html#summary and https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2

An escaped slash (`%2F`) is a character of a name and separates nothing; no name here has one, so that it leads nowhere.

A HEAD runs as its GET does, and is entered on the ledger: its headers tell of the resource too.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PathNormalizer:
    """Gives the application the request that is meant."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, raw = scope["path"], scope.get("raw_path") or b""
        if b"%2f" in raw.lower():
            path = raw.decode("latin-1")
        if path.startswith("/fhir"):
            path = path.rstrip("/")
        if path != scope["path"]:
            scope = {**scope, "path": path}
        if scope["method"] == "OPTIONS" and path == "/fhir" and not _preflight(scope):
            scope = {**scope, "path": "/fhir/metadata", "method": "GET"}
        if scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def _preflight(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_only
