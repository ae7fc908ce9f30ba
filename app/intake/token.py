"""Gets access tokens from the exchange as a SMART backend service: private_key_jwt, renewed before they expire.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson

from app.auth.jose import Jwk, flaw, public, sign
from app.errors import HallpassError, Kind

_WRITTEN = ("Organization", "Location", "Patient", "RelatedPerson", "Group", "Practitioner", "PractitionerRole")
SCOPE = " ".join(f"system/{name}.crus" for name in _WRITTEN)
"""What an import asks for; it never deletes."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240


def private_key(path: Path) -> Jwk:
    """The private JWK in a file. Raises HallpassError where there is none that can sign ES384 or RS384."""
    try:
        key = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise HallpassError(Kind.INVALID, f"There is no private JWK in {path}.") from None
    if not isinstance(key, dict) or "d" not in key or not key.get("kid") or flaw(public(key)):
        raise HallpassError(Kind.INVALID, f"The JWK in {path} is not a private ES384 or RS384 key with a kid.")
    return key


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, the monotonic time at which to renew it, and the caller's organization as the exchange says."""

    value: str
    renew_at: float
    organization: str | None


class Tokens:
    """The tokens of one client, fetched when needed, one at a time."""

    def __init__(
        self, http: httpx.AsyncClient, token_url: str, client_id: str, key: Jwk, *, scope: str = SCOPE
    ) -> None:
        self._http = http
        self._url = token_url
        self._scope = scope
        self._client_id = client_id
        self._key = key
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    async def get(self, refused: Token | None = None) -> Token:
        """A token that holds; a new one where the last is old, or is the one that was refused.

        Raises HallpassError(LOGIN) where the exchange gives none, httpx.RequestError where it cannot be reached,
        httpx.HTTPStatusError where it asks to come back later.
        """
        async with self._lock:
            if self._token is None or self._token is refused or time.monotonic() >= self._token.renew_at:
                self._token = await self._fetch()
            return self._token

    async def _fetch(self) -> Token:
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(),
        }
        asked_at = time.monotonic()
        response = await self._http.post(self._url, data=form)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            response.raise_for_status()
        answer = _object(response)
        value = answer.get("access_token")
        if not response.is_success or not isinstance(value, str):
            reason = answer.get("error_description") or answer.get("error") or f"HTTP {response.status_code}"
            raise HallpassError(Kind.LOGIN, f"{self._url} gave no token: {reason}")
        lifetime = float(answer.get("expires_in") or 0)
        organization = answer.get("organization")
        return Token(value, asked_at + max(lifetime - 30, lifetime / 2), organization)

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {"iss": self._client_id, "sub": self._client_id, "aud": self._url, "jti": str(uuid4())}
        return sign({**claims, "iat": now, "exp": now + ASSERTION_SECONDS}, self._key)


def _object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a response, empty where there is none."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
