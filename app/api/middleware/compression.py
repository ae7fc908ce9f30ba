"""Packed bodies: gzip in requests, held to a bound, and in responses to those who ask for it.

https://hl7.org/fhir/R4/http.html#compression and https://www.rfc-editor.org/rfc/rfc9110#section-8.4

Packing a response tells its length to whoever watches the wire. It would tell a secret (BREACH) if an attacker could
make a victim's client ask with text of the attacker's own choice beside the secret: here every request carries a
bearer token that no browser adds by itself, and no response of the FHIR service holds a token or key.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.vary import vary
from app.errors import HallpassError, Kind

Unpack = Callable[[bytes, int], bytes]
"""Takes the next bytes of a body and how many to give at the most; no bytes: the body is over."""

SMALLEST = 1000
"""Bytes below which packing does not pay."""


def decompression(coding: str) -> Unpack:
    """How to read a body in a content coding. Raises UNSUPPORTED for one other than gzip or none."""
    match coding.strip().lower():
        case "" | "identity":
            return lambda chunk, _most: chunk
        case "gzip" | "x-gzip":
            return _Gzip().unpack
        case _:
            raise HallpassError(
                Kind.UNSUPPORTED, "Content-Encoding must be gzip or absent.", headers={"Accept-Encoding": "gzip"}
            )


class _Gzip:
    """Unpacks no more than is asked for, however small the bomb."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def unpack(self, chunk: bytes, most: int) -> bytes:
        """The next bytes. Raises MALFORMED for what is not one whole gzip stream."""
        try:
            found = self._stream.decompress(chunk, most)
        except zlib.error:
            raise _malformed() from None
        if self._stream.unused_data or (not chunk and not self._stream.eof):
            raise _malformed()
        return found


class Compression:
    """Packs the FHIR service's responses for clients that accept gzip; those that hold tokens stay as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packed = GZipMiddleware(app, minimum_size=SMALLEST, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/fhir", "/openapi", "/docs")):
            await self._app(scope, receive, send)
        elif scope["method"] == "POST" and scope["path"] == "/fhir":
            await self._app(scope, receive, send)  # a batch leaves entry by entry: nothing of one waits for the next
        elif any(b"gzip" in value for name, value in scope["headers"] if name == b"accept-encoding"):
            await self._packed(scope, receive, send)
        else:
            await self._app(scope, receive, vary(send, b"Accept-Encoding"))


def _malformed() -> HallpassError:
    return HallpassError(Kind.MALFORMED, "The body is not a single valid gzip stream.")
