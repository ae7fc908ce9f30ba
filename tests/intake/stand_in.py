"""A foreign exchange over real HTTP that knows just tokens and batch Bundles of conditional creates.
https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import orjson

from app.auth.jose import BadToken, Jwk, generate, public, verify

UNCHANGED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "information", "code": "informational", "details": {"text": "Unchanged."}}],
}


def outcome(text: str, expression: str) -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    issue = {"severity": "error", "code": "processing", "details": {"text": text}, "expression": [expression]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass
class StandIn:
    """What the foreign exchange holds, what it was asked, and how it is to misbehave."""

    key: Jwk = field(default_factory=generate)
    base_url: str = ""
    organization: str | None = "d1"
    token_seconds: int = 300
    hold: float = 0.0
    """Seconds for which each batch is held before it is answered."""
    store: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Type?identifier=system|value -> the stored resource with its id."""
    tokens: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Key into `store` -> the OperationOutcome that it is refused with."""
    busy: dict[str, int] = field(default_factory=dict)
    """Key into `store` -> how often its entry is answered 503 first."""
    trouble: deque[tuple[int, dict[str, str], bytes] | None] = field(default_factory=deque)
    """What the next batches are answered instead: status, headers and body; None hangs up."""
    token_trouble: deque[tuple[int, dict[str, str], bytes] | None] = field(default_factory=deque)
    bundles: list[list[str]] = field(default_factory=list)
    """The keys of each batch, in order."""
    bodies: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, type_name: str) -> list[dict[str, Any]]:
        """The stored resources of a type."""
        return [r for r in self.store.values() if r["resourceType"] == type_name]

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts how many requests are under way at once."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            with self.lock:
                self.at_once -= 1

    def token(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """The answer to a token request."""
        try:
            claims = verify(form["client_assertion"][0], public(self.key))
        except BadToken:
            return 400, {"error": "invalid_client"}
        if claims["aud"] != f"{self.base_url}/auth/token" or not claims["iss"] == claims["sub"] == "district":
            return 400, {"error": "invalid_client"}
        if not 0 < claims["exp"] - time.time() <= 300 or form["grant_type"] != ["client_credentials"]:
            return 400, {"error": "invalid_client"}
        self.tokens.append(claims["jti"])
        answer = {"access_token": claims["jti"], "token_type": "bearer", "expires_in": self.token_seconds}
        return 200, answer | ({"organization": self.organization} if self.organization else {})

    def batch(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """The batch-response to a batch."""
        keys = [self._key(e["request"]) for e in bundle["entry"]]
        with self.lock:
            self.bundles.append(keys)
            answers = [self._put(k, e) for k, e in zip(keys, bundle["entry"], strict=True)]
        return {
            "resourceType": "Bundle",
            "type": "batch-response",
            "entry": [{"response": answer} for answer in answers],
        }

    def _key(self, request: dict[str, Any]) -> str:
        found = parse_qs(request["ifNoneExist"], strict_parsing=True)
        return f"{request['url']}?identifier={found['identifier'][0]}"

    def _put(self, key: str, entry: dict[str, Any]) -> dict[str, Any]:
        resource = entry["resource"]
        if self.busy.get(key, 0):
            self.busy[key] -= 1
            return {"status": "503 Service Unavailable"}
        if key in self.refusals:
            return {"status": "422 Unprocessable Entity", "outcome": self.refusals[key]}
        old = self.store.get(key)
        new_id = old["id"] if old else f"{resource['resourceType'].lower()}-{len(self.store)}"
        self.store.setdefault(key, {**resource, "id": new_id})
        answer = {"location": f"{self.base_url}/fhir/{resource['resourceType']}/{new_id}/_history/1", "etag": 'W/"1"'}
        return answer | ({"status": "201 Created"} if old is None else {"status": "200 OK", "outcome": UNCHANGED})


class _Server(ThreadingHTTPServer):
    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up is no error of the exchange; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the acknowledgment of its head
    server: _Server

    def do_POST(self) -> None:
        stand_in = self.server.stand_in
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with stand_in.counted():
            if self.path == "/auth/token":
                self._token(stand_in, body)
            elif self.path == "/fhir":
                self._batch(stand_in, body)
            else:
                self._answer(404, {}, b"<html>nothing here</html>")

    def _token(self, stand_in: StandIn, body: bytes) -> None:
        if stand_in.token_trouble:
            return self._misbehave(stand_in.token_trouble.popleft())
        status, answer = stand_in.token(parse_qs(body.decode()))
        return self._answer(status, {"Content-Type": "application/json"}, orjson.dumps(answer))

    def _batch(self, stand_in: StandIn, body: bytes) -> None:
        time.sleep(stand_in.hold)
        token = self.headers["Authorization"].removeprefix("Bearer ")
        if token not in stand_in.tokens or token in stand_in.revoked:
            return self._answer(
                401,
                {},
                orjson.dumps(
                    outcome("The access token is not valid or has expired. Request a new one.", "Authorization")
                ),
            )
        if stand_in.trouble:
            return self._misbehave(stand_in.trouble.popleft())
        stand_in.bodies.append(body)
        return self._answer(200, {}, orjson.dumps(stand_in.batch(orjson.loads(body))))

    def _misbehave(self, how: tuple[int, dict[str, str], bytes] | None) -> None:
        if how is None:
            self.close_connection = True
        else:
            self._answer(*how)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def serving() -> Iterator[StandIn]:
    """A StandIn that listens on a loopback port."""
    stand_in = StandIn()
    with _Server(stand_in) as server:
        stand_in.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
