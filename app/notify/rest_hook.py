"""The rest-hook channel: one POST to the subscriber's endpoint, signed, bounded in time, and never redirected.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook and RFC 7515 appendix F for the signature.
The connection is made before what is sent is judged, so that nothing lies between the judgment and the bytes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import h11
import httpx

from app.auth.addresses import Refused, Resolve, check_url, port_of, reachable, resolve_host
from app.auth.jose import Jwk, sign_detached
from app.subscriptions.definition import Definition

SIGNATURE = "X-JWS-Signature"
SEND_BUFFER = 1 << 18
"""Bytes that the system takes at once: a notification is handed over whole."""
MOST_ANSWERED = 65_536
_FAULTS = (OSError, ssl.SSLError, h11.ProtocolError, ValueError)


class NotTaken(Exception):
    """The endpoint did not take the notification. Its message is for $status, and quotes nothing of what it said."""


class Line(Protocol):
    """An open connection to an endpoint."""

    async def send(self, body: bytes, key: Jwk) -> None:
        """Send a Bundle. Raises NotTaken for anything but a 2xx in time."""


class RestHook:
    """Connects to endpoints. `allow_http` lets loopback addresses through; `resolve` answers a host's addresses."""

    def __init__(self, *, allow_http: bool, resolve: Resolve = resolve_host) -> None:
        self._allow_http = allow_http
        self._resolve = resolve
        self._tls = httpx.create_ssl_context()

    @asynccontextmanager
    async def open(self, definition: Definition) -> AsyncIterator[Line]:
        """A connection to the endpoint. Raises NotTaken."""
        try:
            async with asyncio.timeout(definition.timeout):
                url, reader, writer = await self._connect(definition.endpoint)
        except TimeoutError:
            raise _late() from None
        except Refused:
            raise NotTaken("The endpoint's host has no public address, or its URL is not one to call.") from None
        except _FAULTS:
            raise NotTaken("The endpoint could not be reached.") from None
        try:
            yield _Http(definition, url, reader, writer)
        finally:
            writer.transport.abort()
            with suppress(*_FAULTS):
                await writer.wait_closed()

    async def _connect(self, endpoint: str) -> tuple[httpx.URL, asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the address that was checked, not to the name, which could lead elsewhere by now."""
        url = check_url(endpoint, allow_http=self._allow_http)
        addresses = await self._resolve(url.host, port_of(url))
        if not addresses or not all(reachable(a, allow_loopback=self._allow_http) for a in addresses):
            raise Refused("not a public address")
        secure = url.scheme == "https"
        tls = {"ssl": self._tls, "server_hostname": url.raw_host.decode()} if secure else {}
        reader, writer = await asyncio.open_connection(addresses[0], port_of(url), **tls)  # type: ignore[arg-type]
        found: socket.socket = writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        return url, reader, writer


class _Http:
    def __init__(
        self, definition: Definition, url: httpx.URL, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._definition, self._url = definition, url
        self._reader, self._writer = reader, writer

    async def send(self, body: bytes, key: Jwk) -> None:
        """Post a Bundle. Raises NotTaken."""
        try:
            async with asyncio.timeout(self._definition.timeout):
                status = await self._post(body, key)
        except TimeoutError:
            raise _late() from None
        except _FAULTS:
            raise NotTaken("The endpoint broke the connection off, or did not answer in HTTP.") from None
        if not 200 <= status < 300:
            raise NotTaken(f"The endpoint answered with status {status}.")

    async def _post(self, body: bytes, key: Jwk) -> int:
        signature = sign_detached(body, key, {"iat": str(int(time.time())), "url": self._definition.endpoint})
        headers = [
            ("Host", self._url.netloc.decode()),
            *self._definition.headers,
            ("Content-Type", self._definition.payload),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            (SIGNATURE, signature),
        ]
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_ANSWERED)
        request = h11.Request(method="POST", target=self._url.raw_path, headers=headers)
        parts = (http.send(request), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage()))
        self._writer.write(b"".join(p for p in parts if p))
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await self._reader.read(4096))
            elif isinstance(event, h11.Response):
                return event.status_code  # the rest is not read
            elif not isinstance(event, h11.InformationalResponse):
                raise h11.RemoteProtocolError("no answer")


def _late() -> NotTaken:
    return NotTaken("The endpoint did not answer in time.")
