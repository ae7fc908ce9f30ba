"""A clinic's endpoint for the story: an HTTP server on loopback that takes what it is sent, and keeps it.
https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

MAX_BYTES = 1_000_000
SECONDS = 60
"""To wait for what comes in well under one."""


@dataclass(slots=True)
class Received:
    """One notification: when it had come, its signature, and the parameters of its status by name."""

    at: float
    signed: bool
    parameters: list[dict[str, Any]]

    @property
    def kind(self) -> str:
        """handshake, heartbeat or event-notification."""
        return next(str(p["valueCode"]) for p in self.parameters if p["name"] == "type")

    @property
    def focuses(self) -> list[str]:
        """The relative reference of each event's record."""
        events = [p["part"] for p in self.parameters if p["name"] == "notification-event"]
        found = [p["valueReference"]["reference"] for parts in events for p in parts if p["name"] == "focus"]
        return ["/".join(str(f).split("/")[-2:]) for f in found]


@dataclass(slots=True)
class Listener:
    """What came to an address."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    wakes: asyncio.Event = field(default_factory=asyncio.Event)

    async def first(self, wanted: Callable[[Received], bool]) -> Received | None:
        """The first that is wanted, as soon as it comes; None where it does not come in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while True:
                    self.wakes.clear()
                    for one in self.received:
                        if wanted(one):
                            return one
                    await self.wakes.wait()
        return None

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one POST, and answer 200."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, KeyError, ValueError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
            body = orjson.loads(await reader.readexactly(min(int(headers["content-length"]), MAX_BYTES)))
            status = body["entry"][0]["resource"]["parameter"]
            self.received.append(Received(time.monotonic(), "x-jws-signature" in headers, status))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()
        self.wakes.set()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A listener on a free port of this machine."""
    listener = Listener()
    server = await asyncio.start_server(listener.take, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hallpass"
    try:
        yield listener
    finally:
        server.close()
