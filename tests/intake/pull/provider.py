"""A provider of rosters over real HTTP, for the tests: it holds collections, and misbehaves as real ones do.
docs/guides/roster.md
"""

from __future__ import annotations

import base64
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

CUT = "cut"
DRIP = "drip"
"""Sends half of an answer and hangs up; sends it a byte at a time."""
Trouble = tuple[int, dict[str, str], bytes] | str


@dataclass
class Asked:
    """One request, as it came."""

    method: str
    path: str
    query: dict[str, str]
    url: str
    authorization: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Answered:
    """An answer: status, JSON (bytes go as they are), headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ProviderStandIn:
    """What is asked is answered by `answer`, unless there is trouble first."""

    answer: Callable[[Asked], Answered]
    url: str = ""
    trouble: deque[Trouble | None] = field(default_factory=deque)
    """What the next requests get instead of an answer, None for an answer."""
    asked: list[Asked] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    client: tuple[str, str] = ("id", "secret")
    authorize: Callable[[Asked], bool] = lambda _: True

    def paths(self) -> list[str]:
        """The paths that were asked for, the token's aside."""
        return [a.path for a in self.asked if not a.path.endswith("/token")]

    def token(self, body: bytes, authorization: str) -> Answered:
        """A new token for the client that knows its secret by Basic, or invalid_client."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        form = dict(parse_qsl(body.decode()))
        if (given[0], given[2]) != self.client or form.get("grant_type") != "client_credentials":
            return Answered(401, {"error": "invalid_client"})
        self.tokens.append(f"token-{len(self.tokens)}")
        return Answered(200, {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 1800})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand_in: ProviderStandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgment of its head
    server: _Server

    def do_GET(self) -> None:
        self._take("GET")

    def do_DELETE(self) -> None:
        self._take("DELETE")

    def _take(self, method: str, body: bytes = b"") -> None:
        stand_in = self.server.stand_in
        parts = urlsplit(self.path)
        url = f"http://{self.headers['Host']}{self.path}"
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        authorization, headers = self.headers.get("Authorization", ""), dict(self.headers.items())
        asked = Asked(method, parts.path, query, url, authorization, headers, body)
        stand_in.asked.append(asked)
        trouble = stand_in.trouble.popleft() if stand_in.trouble else None
        if isinstance(trouble, tuple):
            self._send(Answered(trouble[0], trouble[2], trouble[1]))
        elif not stand_in.authorize(asked):
            self._send(Answered(401, {"error": "unauthorized"}))
        else:
            self._send(stand_in.answer(asked), how=trouble or "")

    def do_POST(self) -> None:
        stand_in = self.server.stand_in
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/token"):
            return self._take("POST", body)
        stand_in.asked.append(Asked("POST", self.path, {}, "", self.headers.get("Authorization", "")))
        return self._send(stand_in.token(body, self.headers.get("Authorization", "")))

    def _send(self, answer: Answered, how: str = "") -> None:
        body = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if how == CUT:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif how == DRIP:
            for at in range(len(body)):
                self.wfile.write(body[at : at + 1])
                self.wfile.flush()
                time.sleep(0.02)
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def providing(answer: Callable[[Asked], Answered]) -> Iterator[ProviderStandIn]:
    """A ProviderStandIn that listens on a loopback port."""
    stand_in = ProviderStandIn(answer)
    with _Server(stand_in) as server:
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
