"""Puts a request's Authorization on: what a provider asks for, renewed when it is refused.
https://www.python-httpx.org/advanced/authentication/ and https://www.rfc-editor.org/rfc/rfc6749#section-4.4
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator

import httpx
import orjson

from app.errors import HallpassError, Kind
from app.intake.pull.credentials import Bearer, Credentials, OAuth1, OAuth2
from app.intake.pull.oauth1 import header

EARLY_SECONDS = 60.0
"""So long before its end a token is renewed."""
BUSY = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which it is worth asking again."""
Flow = Generator[httpx.Request, httpx.Response, None]


def auth_of(credentials: Credentials, token_url: str = "", scope: str = "") -> httpx.Auth:
    """What authorizes each request. `token_url` and `scope` count where the credentials name none."""
    match credentials:
        case Bearer(token):
            return _Bearer(token)
        case OAuth1(key, secret):
            return _OAuth1(key, secret)
        case OAuth2():
            url = credentials.token_url or token_url
            if not url:
                raise HallpassError(Kind.INVALID, "In [oauth2] of the file of credentials token_url is missing.")
            return _OAuth2(credentials, url, credentials.scope or scope)


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Flow:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class _OAuth1(httpx.Auth):
    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret

    def auth_flow(self, request: httpx.Request) -> Flow:
        request.headers["Authorization"] = header(
            request.method,
            str(request.url),
            self._key,
            self._secret,
            nonce=secrets.token_hex(12),
            timestamp=int(time.time()),
        )
        yield request


class _OAuth2(httpx.Auth):
    requires_response_body = True

    def __init__(self, client: OAuth2, url: str, scope: str) -> None:
        self._client, self._url, self._scope = client, url, scope
        self._token, self._renew_at = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Flow:
        fresh = time.monotonic() >= self._renew_at
        if fresh:
            yield from self._fetch()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            yield from self._fetch()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _fetch(self) -> Flow:
        asked_at = time.monotonic()
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        request = httpx.Request("POST", self._url, data=form, headers={"Accept": "application/json"})
        basic = httpx.BasicAuth(self._client.client_id, self._client.secret)
        response = yield next(basic.auth_flow(request))
        if response.status_code in BUSY:
            raise httpx.HTTPStatusError("busy", request=request, response=response)
        answer = _object(response)
        token = answer.get("access_token")
        if not response.is_success or not isinstance(token, str):
            reason = answer.get("error") if isinstance(answer.get("error"), str) else f"HTTP {response.status_code}"
            raise HallpassError(Kind.LOGIN, f"{self._url} gave no token: {str(reason)[:80]}. Check the credentials.")
        lifetime = answer.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) else 300.0
        self._token, self._renew_at = token, asked_at + max(seconds - EARLY_SECONDS, seconds / 2)


def _object(response: httpx.Response) -> dict[str, object]:
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
