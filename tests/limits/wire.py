"""A request whose answer is taken part by part, as a socket gives it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from tests.world import Member


class Exchange:
    """A POST of a Bundle that is under way: the server waits in each `send` until the part is taken."""

    def __init__(self, member: Member, content: dict[str, Any]) -> None:
        self._parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
        self._content = json.dumps(content).encode()
        self.task = asyncio.create_task(self._run(member))
        self.taken = bytearray()
        self.size = 0
        self.status = 0
        self.whole = False

    async def _run(self, member: Member) -> None:
        app = member.http._transport.app  # type: ignore[attr-defined]
        headers = {**member.headers, "Content-Type": "application/fhir+json"}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": urlsplit("/fhir").path,
            "raw_path": b"/fhir",
            "query_string": b"",
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        sent = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if sent.is_set():
                await asyncio.Event().wait()
            sent.set()
            return {"type": "http.request", "body": self._content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            await self._parts.put(message)
            await self._parts.join()

        await app(scope, receive, send)

    async def part(self, *, keep: bool = True) -> bytes:
        """The next part with something in it; no bytes at the end, whether it is whole or was broken off."""
        while True:
            getting = asyncio.create_task(self._parts.get())
            await asyncio.wait({getting, self.task}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                return b""
            message = getting.result()
            body: bytes = message.get("body", b"")
            self.status = message.get("status", self.status)
            self.whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            self.size += len(body)
            if keep:
                self.taken += body
            self._parts.task_done()
            if body:
                return body

    async def rest(self, *, keep: bool = True) -> None:
        """Take all that is left."""
        while await self.part(keep=keep):
            pass
