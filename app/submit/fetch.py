"""Fetches what a client points to: over https, from hosts that the operator allowed, bounded, and never redirected.

https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
The connection is made to the address that was judged, so that no second look-up can lead elsewhere.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import IO
from urllib.parse import urlsplit

import httpx

from app.auth.addresses import Refused, Resolve, check_url, port_of, reachable, resolve_host

SECONDS = 600.0
"""The longest that one file may take."""
TIMEOUT = httpx.Timeout(30)
MOST_FILE = 2_000_000_000
MOST_MANIFEST = 5_000_000
ATTEMPTS = 4
CHUNK = 65_536
GZIP = 16 + zlib.MAX_WBITS
_PAUSE = 0.5
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


class NotFetched(Exception):
    """What was to be fetched could not be. Its message is for the client, and quotes nothing of what was answered."""


class Fetcher:
    """Fetches from some hosts. `allow_http` lets http and loopback addresses through, for tests."""

    def __init__(
        self,
        hosts: Collection[str],
        *,
        allow_http: bool = False,
        resolve: Resolve = resolve_host,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._hosts = frozenset(h.lower() for h in hosts)
        self._allow_http = allow_http
        self._resolve = resolve
        self._inner = inner

    def allows(self, url: str) -> bool:
        """Whether a URL is one to fetch, as far as it can be said before its host is looked up."""
        try:
            checked = check_url(url, allow_http=self._allow_http)
        except Refused:
            return False
        return checked.host.lower() in self._hosts

    async def fetch(self, url: str, headers: Mapping[str, str], into: IO[bytes], most: int) -> str:
        """Fetch into a file, from its beginning; answers the SHA-256 of what came. Raises NotFetched."""
        if not self.allows(url):
            raise NotFetched(f"{_shown(url)} is not https, or its host is not one that the operator allows.")
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                for attempt in range(ATTEMPTS):
                    try:
                        return await self._fetch(url, headers, into, most)
                    except (httpx.RequestError, OSError):
                        await asyncio.sleep(_PAUSE * 2**attempt)
                    except Refused:
                        raise NotFetched(f"{_shown(url)} leads to an address that is not public.") from None
        raise NotFetched(f"{_shown(url)} could not be fetched in time, or the connection broke off.")

    async def _fetch(self, url: str, headers: Mapping[str, str], into: IO[bytes], most: int) -> str:
        into.seek(0)
        into.truncate()
        digest, size = sha256(), 0
        headers, sni = self._sent(url, headers), {"sni_hostname": _host(url)}
        async with (
            httpx.AsyncClient(transport=self._inner, timeout=TIMEOUT, trust_env=False) as http,
            http.stream("GET", await self._placed(url), headers=headers, extensions=sni) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise NotFetched(f"{_shown(url)} answered with {answer.status_code}. Redirects are not followed.")
            async for chunk in _unpacked(answer):
                size += len(chunk)
                if size > most:
                    raise NotFetched(f"{_shown(url)} has more than {most} bytes. Send it in parts.")
                digest.update(chunk)
                into.write(chunk)
        into.flush()
        return digest.hexdigest()

    async def _placed(self, url: str) -> httpx.URL:
        """The URL with the address that was judged in the place of the host. Raises Refused."""
        checked = check_url(url, allow_http=self._allow_http)
        addresses = await self._resolve(checked.host, port_of(checked))
        if not addresses or not all(reachable(a, allow_loopback=self._allow_http) for a in addresses):
            raise Refused("not a public address")
        return checked.copy_with(host=addresses[0])

    def _sent(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        own = {"Host": httpx.URL(url).netloc.decode(), "Accept-Encoding": "gzip"}
        return {**headers, **own, "Accept": "application/fhir+ndjson, application/json"}


async def _unpacked(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The content in pieces of CHUNK bytes at the most, however far it unfolds. Raises NotFetched, and RequestError."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        async for chunk in answer.aiter_raw(CHUNK):
            yield chunk
        return
    if encoding != "gzip":
        raise NotFetched("The file is packed in another way than gzip, once.")
    stream = zlib.decompressobj(GZIP)
    try:
        async for packed in answer.aiter_raw(CHUNK):
            while packed:
                if stream.eof:  # files packed one by one and joined
                    stream = zlib.decompressobj(GZIP)
                yield stream.decompress(packed, CHUNK)
                packed = stream.unconsumed_tail or stream.unused_data
    except zlib.error:
        raise NotFetched("The file says that it is packed by gzip, and is not.") from None
    yield stream.flush(CHUNK)
    if not stream.eof:
        raise httpx.ReadError("it broke off")


def usable(name: str, value: str) -> bool:
    """Whether a header is one that a client may have its files fetched with."""
    fits = _HEADER.fullmatch(name) is not None and name.lower() not in _OURS
    return fits and len(value) <= 8192 and value.isprintable() and value.isascii()


def _host(url: str) -> str:
    return httpx.URL(url).host


def _shown(url: str) -> str:
    """A URL as an error names it: without its query, which may hold a secret."""
    try:
        parts = urlsplit(url[:300])
    except ValueError:
        return "The address"
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
