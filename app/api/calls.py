"""Operations in a batch: each goes the way of a request of its own, through its own route and the access service.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import quote, urlencode

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from app.api import bundle, http
from app.api.entries import Entry
from app.errors import HallpassError, Kind, not_found
from app.fhir.json import dump, parse

_KEPT = ("type", "asgi", "http_version", "scheme", "server", "client", "root_path", "app", "state", "extensions")
_OF_FASTAPI = ("starlette.exception_handlers", "fastapi_middleware_astack")
_PASSED_ON = (b"authorization", b"prefer")


async def call(request: Request, entry: Entry) -> bytes:
    """The entry of a batch-response that an operation comes to.

    Raises HallpassError where it came to an error that concerns the whole batch, or where there is no such operation.
    """
    answer = _Answer()
    body = dump(entry.resource) if entry.resource is not None else b""
    try:
        await request.app.router(_scope(request, entry, body), _receiving(body), answer.send)
    except HTTPException:
        raise not_found() from None
    return answer.entry()


def _scope(request: Request, entry: Entry, body: bytes) -> Scope:
    """The request that the entry stands for, with the caller's token and preferences."""
    path = f"/fhir/{entry.where.path}"
    headers = [(k, v) for k, v in request.scope["headers"] if k in _PASSED_ON]
    headers += [(b"accept", http.FHIR_JSON.encode()), (b"content-length", str(len(body)).encode())]
    if body:
        headers.append((b"content-type", http.FHIR_JSON.encode()))
    return {
        **{k: request.scope[k] for k in (*_KEPT, *_OF_FASTAPI) if k in request.scope},
        "method": entry.method,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": urlencode(entry.where.pairs).encode(),
        "headers": headers,
    }


def _receiving(body: bytes) -> Receive:
    sent = asyncio.Event()

    async def receive() -> Message:
        if sent.is_set():  # from then on there is only a disconnection to wait for, and none comes
            await asyncio.Event().wait()
        sent.set()
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


class _Answer:
    """What a route sends."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        """Take in a part of it."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], dict(message["headers"])
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def entry(self) -> bytes:
        """It as an entry. Raises UNAVAILABLE or LOGIN, and NOT_ACCEPTABLE for an answer that is no resource."""
        if self._status in (401, 503):
            raise HallpassError({401: Kind.LOGIN, 503: Kind.UNAVAILABLE}[self._status], *self._texts())
        if not self._headers.get(b"content-type", b"").startswith(http.FHIR_JSON.encode()):
            raise HallpassError(Kind.NOT_ACCEPTABLE, f"In a Bundle an answer is {http.FHIR_JSON}.")
        if self._status >= 400:
            return bundle.refused(self._status, bytes(self._body))
        return bundle.page_entry(f"{self._status} {HTTPStatus(self._status).phrase}", bytes(self._body))

    def _texts(self) -> list[str]:
        return [i["details"]["text"] for i in parse(bytes(self._body))["issue"]]
