"""Asks a bulk data server as a SMART backend service: renews tokens, waits when told to, and tries again.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from app.errors import HallpassError, Kind
from app.intake.token import Token, Tokens

ATTEMPTS = 8
"""In a row without any progress, before it gives up."""
MAX_WAIT = 60.0
BUSY = frozenset({429, 502, 503, 504})
_HEADERS = {"Accept": "application/fhir+json", "Prefer": "respond-async"}


class Server:
    """The exchange. `waits` sleeps for some seconds; tests give one that does not."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        tokens: Tokens,
        waits: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.base = f"{base_url}/fhir"
        self._http = http
        self._tokens = tokens
        self._waits = waits

    async def ask(self, method: str, url: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        """An answer that is neither busy nor of an old token. Raises UNAVAILABLE where none comes, and LOGIN."""
        for attempt in range(ATTEMPTS):
            try:
                response = await self._once(method, url, query)
            except (httpx.RequestError, httpx.HTTPStatusError):
                response = None
            if response is not None and response.status_code not in BUSY:
                return response
            await self.pause(attempt, response)
        raise HallpassError(Kind.UNAVAILABLE, f"{self.base} cannot be reached, or stays too busy. Run it again later.")

    @asynccontextmanager
    async def lines(self, url: str, query: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """An answer whose body is read as it comes. Raises httpx.RequestError where it breaks off."""
        self._require_own(url)
        token = await self._tokens.get()
        for refused in (None, token):
            headers = {"Authorization": f"Bearer {(await self._tokens.get(refused)).value}", "Accept-Encoding": "gzip"}
            async with self._http.stream("GET", url, params=query or None, headers=headers) as response:
                if response.status_code != httpx.codes.UNAUTHORIZED or refused is not None:
                    yield response
                    return

    async def pause(self, attempt: int, response: httpx.Response | None) -> None:
        """Wait as long as an answer asks, or longer each time."""
        asked = response.headers.get("Retry-After", "") if response is not None else ""
        await self._waits(min(float(asked) if asked.isdecimal() else 0.5 * 2**attempt, MAX_WAIT))

    async def _once(self, method: str, url: str, query: Mapping[str, str] | None) -> httpx.Response:
        self._require_own(url)
        token = await self._tokens.get()
        response = await self._send(method, url, query, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            response = await self._send(method, url, query, await self._tokens.get(refused=token))
        return response

    async def _send(self, method: str, url: str, query: Mapping[str, str] | None, token: Token) -> httpx.Response:
        headers = {**_HEADERS, "Authorization": f"Bearer {token.value}"}
        return await self._http.request(method, url, params=query or None, headers=headers)

    def _require_own(self, url: str) -> None:
        """Raises HallpassError before the token would go to another host."""
        own, given = urlsplit(self.base), urlsplit(url)
        if (own.scheme, own.netloc) != (given.scheme, given.netloc):
            raise HallpassError(Kind.INVALID, f"{given.netloc} is not the exchange. Nothing is sent there.")


def document(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises HallpassError with what the exchange says, where it refused."""
    try:
        found = orjson.loads(response.content) if response.content else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise HallpassError(Kind.INVALID, f"The server did not answer as an exchange: HTTP {response.status_code}.")
    if not response.is_success:
        issues = found.get("issue") or [{}]
        said = issues[0].get("details", {}).get("text") or issues[0].get("diagnostics") or "it gives no reason"
        raise HallpassError(Kind.INVALID, f"The exchange refused: {said} (HTTP {response.status_code})")
    return found
