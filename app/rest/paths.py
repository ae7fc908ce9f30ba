"""Requests that mean the same as another: HEAD as GET without a body, and a path with a slash at its end.

https://hl7.org/fhir/R4/http.html#summary and https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2

A HEAD goes the whole way of its GET, through the gate and onto the ledger: its headers tell of the resource too.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SameRequest:
    """Gives the application the request that is meant."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path.startswith("/fhir") and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/")}
        if scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_only
