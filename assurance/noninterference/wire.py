"""Requests and responses as the ASGI application sees them, to the byte: no client adds or hides anything.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from app.fhir.xml.read import json_of

BASE = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client of the network; None: without a token.

    Any text may hold names of versions and tokens, `{{version:<id>:<n>}}`, which each world reads in its own way.
    """

    method: str
    path: str
    """From the server's root, with its query."""
    client: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def __str__(self) -> str:
        parts = [f"{self.client or 'nobody'}: {self.method} {self.path}"]
        parts += [f"{k}: {v}" for k, v in self.headers if k != "Content-Type"]
        return "  ".join([*parts, self.body] if self.body else parts)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; headers in the order in which they were sent, Date aside."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def __str__(self) -> str:
        head = "\n".join(f"{k}: {v}" for k, v in self.headers)
        return f"{self.status}\n{head}\n\n{self.body.decode('utf-8', 'replace')}"


async def ask(app: FastAPI, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Response:
    """Send one request through the application."""
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in headers],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "state": {},
    }
    events = [{"type": "http.request", "body": body, "more_body": False}]
    found: dict[str, Any] = {}
    chunks: list[bytes] = []

    async def receive() -> dict[str, Any]:
        if not events:
            await asyncio.Event().wait()  # the client stays until it has its answer
        return events.pop()

    async def send(event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            found.update(event)
        else:
            chunks.append(event.get("body", b""))

    await app(scope, receive, send)
    sent = tuple((k.decode(), v.decode()) for k, v in found["headers"] if k.lower() != b"date")
    return _in_json(Response(found["status"], sent, b"".join(chunks)))


def _in_json(response: Response) -> Response:
    """What was answered in XML as the JSON that says the same, in which versions are told by their places."""
    if not response.body.startswith(b"<?xml"):
        return response
    body = json_of(response.body, 10_000_000)
    headers = tuple((k, str(len(body)) if k == "content-length" else v) for k, v in response.headers)
    return Response(response.status, headers, body)
