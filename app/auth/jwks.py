"""Fetches a client's JWKS from its URL, and remembers it no longer than its Cache-Control says.
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html

Several requests that want the same URL share one fetch. A kid that the remembered set lacks is looked for again,
since a client may publish a key and sign with it at once, but not more often than every MISS seconds.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import orjson

from app.auth.addresses import Refused, Resolve, check_url, resolve_host
from app.auth.jose import Jwk
from app.auth.keyset import keys_of
from app.auth.outgoing import Outgoing

MAX_BYTES = 65_536
SECONDS = 5.0
MAX_AGE = 3600.0
MISS = 30.0
_DIRECTIVE = re.compile(r"(?:^|[,\s])(no-store|no-cache|max-age=\"?(\d{1,9})\"?)(?=$|[,\s])", re.IGNORECASE)


class JwksUnavailable(Exception):
    """The key set cannot be had. Its message is for the log."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    keys: list[Jwk]
    fetched: float
    age: float


class JwksFetcher:
    """The outgoing side of client authentication.

    `allow_http` lets http and loopback addresses through too; `resolve` answers a host's addresses; `tls` says
    which authorities are trusted.
    """

    def __init__(
        self,
        *,
        allow_http: bool,
        clock: Callable[[], float],
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_http = allow_http
        self._clock = clock
        self._outgoing = Outgoing(allow_loopback=allow_http, resolve=resolve, tls=tls)
        self._remembered: dict[str, _Remembered] = {}
        self._flights: dict[str, asyncio.Task[list[Jwk]]] = {}

    async def keys(self, url: str, kid: str) -> list[Jwk]:
        """The keys at `url`, fetched unless a remembered answer still holds. Raises JwksUnavailable."""
        if (known := self._remembered.get(url)) is not None:
            since = self._clock() - known.fetched
            if 0 <= since < known.age and (since < MISS or any(k.get("kid") == kid for k in known.keys)):
                return known.keys
        flight = self._flights.get(url)
        if flight is None:
            flight = self._flights[url] = asyncio.create_task(self._fetch(url))
            flight.add_done_callback(lambda _: self._flights.pop(url, None))
        return await asyncio.shield(flight)

    async def _fetch(self, text: str) -> list[Jwk]:
        fetched = self._clock()
        try:
            async with asyncio.timeout(SECONDS):
                body, headers = await self._get(check_url(text, allow_http=self._allow_http))
            keys = keys_of(orjson.loads(body))
        except (Refused, OSError, TimeoutError, httpx.HTTPError, ValueError) as e:
            raise JwksUnavailable(str(e) or type(e).__name__) from e
        self._remembered[text] = _Remembered(keys, fetched, lifetime(headers))
        return keys

    async def _get(self, url: httpx.URL) -> tuple[bytes, httpx.Headers]:
        response, body = await self._outgoing.ask("GET", url, MAX_BYTES)
        if response.status_code != 200:
            raise Refused("the answer is not a 200")
        return body, response.headers


def lifetime(headers: httpx.Headers) -> float:
    """For how many seconds an answer may be remembered; 0 without a Cache-Control that permits it. RFC 9111."""
    directives = _DIRECTIVE.findall(headers.get("Cache-Control", ""))
    ages = [int(seconds) for _, seconds in directives if seconds]
    if not ages or len(ages) < len(directives):
        return 0.0
    passed = headers.get("Age", "0").strip()
    return max(0.0, min(MAX_AGE, min(ages) - int(passed))) if passed.isascii() and passed.isdigit() else 0.0
