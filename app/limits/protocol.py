"""One connection: its head has a size, its head and body have a time, and there are so many connections.

https://www.rfc-editor.org/rfc/rfc6585#section-5 and https://www.rfc-editor.org/rfc/rfc9112#section-9.5
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
"""Request line and headers together. A page link of a long search fits; a token is 1 kB."""
MAX_HEADERS = 100
HEAD_SECONDS = 10.0
"""From the opening of a connection, or the first byte of its next request, until the head is whole."""
BODY_SECONDS = 60.0
"""From the head until the body is whole."""
MAX_CONNECTIONS = 2_000
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/fhir+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s"
)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's connection, with bounds on what comes before an application is asked."""

    _head = 0
    """Bytes of the head that is being read."""
    _in_head = True
    _ended = False
    """Whether a request ended in the piece that is being read: its bytes are a body's, and no head's."""
    _refused = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A connection. One too many is closed at once."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes. What stays a head beyond its bound is refused."""
        if self._refused:
            return
        if self._in_head and self._timer is None:
            self._wait(HEAD_SECONDS)
        self._ended = False
        super().data_received(data)
        if self._in_head and not self._ended:
            self._head += len(data)
            if self._head > MAX_HEAD_BYTES:
                self._refuse()

    def on_headers_complete(self) -> None:
        """The head is whole: it is refused here, or an application is asked."""
        self._in_head, self._head = False, 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refuse()
            return
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; another may follow."""
        self._in_head = self._ended = True
        self._wait(None)
        if not self._refused:
            super().on_message_complete()

    def _refuse(self) -> None:
        text = f"A request has at most {MAX_HEADERS} headers, and {MAX_HEAD_BYTES} bytes of them. Send less."
        issue = {"severity": "error", "code": "too-long", "details": {"text": text}}
        body = orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
        self._refused = True
        self._wait(None)
        self.transport.write(_TOO_LARGE % (len(body), body))
        self.transport.close()

    def _wait(self, seconds: float | None) -> None:
        """Close the connection after so long, unless told otherwise before; None: do not."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._timer = None
        self.transport.abort()
