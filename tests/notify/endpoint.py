"""A subscriber's endpoint: a plain HTTP server on loopback that keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    """One POST: its path, its headers by name in lower case, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 200
    """What was answered."""
    at: float = field(default_factory=time.time)
    """When it had come whole, in seconds since 1970."""

    @property
    def bundle(self) -> dict[str, Any]:
        """The notification."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The status that it begins with."""
        found: list[dict[str, Any]] = self.bundle["entry"][0]["resource"]["parameter"]
        return found

    def value(self, name: str) -> Any:
        """The value of a parameter of the status."""
        (found,) = [p for p in self.parameters if p["name"] == name]
        return next(v for k, v in found.items() if k.startswith("value"))

    @property
    def events(self) -> list[tuple[int, str | None]]:
        """The number of each event, with the relative reference of its focus."""
        found = []
        for event in (p["part"] for p in self.parameters if p["name"] == "notification-event"):
            parts = {p["name"]: p for p in event}
            focus = parts.get("focus", {}).get("valueReference", {}).get("reference")
            relative = "/".join(focus.split("/")[-2:]) if focus else None
            found.append((int(parts["event-number"]["valueString"]), relative))
        return found


@dataclass
class Endpoint:
    """What came, and what it answers: a status, after a delay."""

    status: int = 200
    delay: float = 0.0
    headers: str = ""
    port: int = 0
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def of(self, kind: str) -> list[Received]:
        """What came of one type: handshake, heartbeat, event-notification."""
        return [r for r in self.received if r.value("type") == kind]

    @property
    def events(self) -> list[tuple[int, str | None]]:
        """Every event that was taken, in the order in which it came."""
        return [e for r in self.of("event-notification") for e in r.events]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status, more = self.status, self.headers
        await asyncio.sleep(self.delay)
        self.received.append(Received(head[0].split(" ")[1], headers, body, status))
        try:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n{more}\r\n".encode())
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(**how: Any) -> AsyncIterator[Endpoint]:
    """An endpoint that listens."""
    endpoint = Endpoint(**how)
    server = await asyncio.start_server(endpoint.answer, "127.0.0.1", endpoint.port)
    endpoint.port = server.sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        server.close()
