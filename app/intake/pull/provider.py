"""Fetches JSON from a provider of rosters, with patience and with bounds.
https://www.rfc-editor.org/rfc/rfc9110#name-retry-after

A page that is cut off, late or refused as too busy is asked again. What is not given in the end is never taken as
empty: the pull ends, and nothing is written.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from app.errors import HallpassError, Kind
from app.intake.pull.authorize import BUSY
from app.settings import LOOPBACK

TIMEOUT_SECONDS = 30.0
PAGE_SECONDS = 300.0
"""For one page, however slowly its bytes come."""
MAX_PAGE = 64_000_000
MAX_PULL = 20_000_000_000
"""Bytes of one page, and of a whole pull."""
ATTEMPTS = 6
MAX_WAIT = 120.0
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer with its headers."""

    status: int
    headers: httpx.Headers
    body: Any


class Provider:
    """A provider at one address. `on_bytes` is told what came."""

    def __init__(
        self,
        http: httpx.Client,
        auth: httpx.Auth | None = None,
        on_bytes: OnBytes = lambda _: None,
        *,
        backoff: float = 0.5,
    ) -> None:
        self._http, self.auth, self._on_bytes = http, auth, on_bytes
        self._backoff = backoff
        self._received = 0

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        allow: frozenset[int] = frozenset(),
    ) -> Answer:
        """The JSON at an address. Statuses in `allow` are answered too.

        Raises HallpassError: UNAVAILABLE where it stays out of reach, LOGIN where it takes no credentials, INVALID
        for any other answer.
        """
        return self._patiently("GET", url, params or {}, headers or {}, allow)

    def send(self, method: str, url: str, body: Any = None, *, allow: frozenset[int] = frozenset()) -> Answer:
        """What becomes of a write that can be sent again: the answer without its body. Raises as `get` does."""
        sent = b"" if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if sent else {}
        return self._patiently(method, url, {}, headers, allow, sent)

    def _patiently(
        self,
        method: str,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        allow: frozenset[int],
        sent: bytes = b"",
    ) -> Answer:
        last = "it cannot be reached"
        wait = 0.0
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(max(wait, self._backoff * 2 ** (attempt - 1)) * random.uniform(1, 1.25))  # noqa: S311
            wait = 0.0
            try:
                response, content = self._once(method, url, params, headers, sent)
                if response.status_code not in BUSY or response.status_code in allow:
                    return _judged(response, content, allow, parsed=method == "GET")
            except httpx.HTTPStatusError as e:
                response = e.response
            except (httpx.RequestError, orjson.JSONDecodeError) as e:
                last = "its answer is no JSON" if isinstance(e, ValueError) else f"{type(e).__name__}"
                continue
            last = f"HTTP {response.status_code}"
            wait = min(_asked_wait(response), MAX_WAIT)
        raise HallpassError(Kind.UNAVAILABLE, f"{shown(url)} was asked {ATTEMPTS} times without success: {last}.")

    def _once(
        self, method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str], sent: bytes
    ) -> tuple[httpx.Response, bytes]:
        pieces: list[bytes] = []
        size, until = 0, time.monotonic() + PAGE_SECONDS
        asked = httpx.URL(url).copy_merge_params(dict(params))
        own = {"Accept": "application/json", **headers}
        with self._http.stream(method, asked, headers=own, content=sent or None, auth=self.auth) as r:
            for piece in r.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                self._count(len(piece), size, url)
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("the page is too slow", request=r.request)
            return r, b"".join(pieces)

    def _count(self, came: int, size: int, url: str) -> None:
        self._received += came
        self._on_bytes(came)
        if size > MAX_PAGE or self._received > MAX_PULL:
            raise HallpassError(Kind.TOO_LARGE, f"{shown(url)} sends more than is taken. Ask for smaller pages.")


def _judged(response: httpx.Response, content: bytes, allow: frozenset[int], *, parsed: bool) -> Answer:
    """The answer as JSON. Raises JSONDecodeError where a success has none, HallpassError for a refusal."""
    where = shown(str(response.url))
    if response.is_success:
        return Answer(response.status_code, response.headers, orjson.loads(content) if parsed else None)
    if response.status_code in allow:
        return Answer(response.status_code, response.headers, None)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise HallpassError(Kind.LOGIN, f"{where} does not take the credentials.")
    if response.is_redirect:
        raise HallpassError(Kind.INVALID, f"{where} redirects elsewhere. Give the address that it redirects to.")
    raise HallpassError(Kind.INVALID, f"{where} answered HTTP {response.status_code}.")


def _asked_wait(response: httpx.Response) -> float:
    """The seconds that Retry-After asks for; 0 where it asks for none."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def shown(url: str) -> str:
    """An address for people, without its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def require_address(url: str) -> str:
    """The address of a provider, without a slash at its end.

    Raises HallpassError where students' data would travel unencrypted, or the address holds a secret.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise HallpassError(Kind.INVALID, f"{shown(url)} is not the address of a provider: https://, a host, a path.")
    if parts.username or parts.password:
        raise HallpassError(Kind.INVALID, "Leave the password out of the address. It belongs in --credentials.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise HallpassError(Kind.INVALID, f"{shown(url)} is not https.")
    return url.rstrip("/")
