"""OpenID Connect as a relying party: the authorization code flow with PKCE, and what an ID token must say.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth and https://datatracker.ietf.org/doc/html/rfc9700
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson

from app.auth.addresses import Refused, check_url
from app.auth.jose import BadToken, verify_id_token
from app.auth.keyset import keys_of
from app.auth.outgoing import Outgoing
from app.errors import HallpassError, Kind
from app.office.providers import Provider

SECONDS = 5.0
"""The longest that one answer of a provider may take."""
MAX_BYTES = 262_144
SKEW = 60
"""Seconds by which the provider's clock may differ."""
Json = dict[str, Any]


class NotVouched(Exception):
    """The provider's answer does not prove who it is. Its message is for the log."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a sign-in that has begun has to come back with; the browser keeps it, sealed."""

    provider: str
    state: str
    nonce: str
    verifier: str
    until: int


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who the provider says it is; the address is empty where it has not verified it."""

    issuer: str
    subject: str
    address: str


def begin(provider: str, seconds: int) -> Flow:
    """A sign-in that nobody can guess."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(provider, state, nonce, verifier, int(time.time()) + seconds)


class OpenId:
    """The way to a provider. Its configuration is read at each sign-in: it is one request, and there are few."""

    def __init__(self, provider: Provider, *, allow_http: bool) -> None:
        self._provider = provider
        self._allow_http = allow_http
        self._outgoing = Outgoing(allow_loopback=allow_http)

    async def address(self, flow: Flow, back: str) -> str:
        """Where to send the browser. Raises UNAVAILABLE."""
        configuration = await self._configuration()
        challenge = base64.urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": back,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = self._checked(configuration, "authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    async def vouched(self, flow: Flow, code: str, back: str) -> Vouched:
        """Who comes back with a code. Raises NotVouched, and UNAVAILABLE where the provider cannot be asked."""
        configuration = await self._configuration()
        token = await self._exchange(configuration, flow, code, back)
        document = await self._ask("GET", self._checked(configuration, "jwks_uri"))
        try:
            claims = verify_id_token(token, keys_of(document))
        except (BadToken, ValueError) as e:
            raise NotVouched(str(e)) from e
        return judge(claims, self._provider, flow.nonce, time.time())

    async def _exchange(self, configuration: Json, flow: Flow, code: str, back: str) -> str:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._provider.client_id,
            "code_verifier": flow.verifier,
        }
        headers = {}
        methods = configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._provider.secret is not None and "client_secret_basic" in methods:
            pair = f"{quote(self._provider.client_id, safe='')}:{quote(self._provider.secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif self._provider.secret is not None:
            fields["client_secret"] = self._provider.secret
        answer = await self._ask("POST", self._checked(configuration, "token_endpoint"), fields, headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotVouched("the answer has no ID token")
        return token

    async def _configuration(self) -> Json:
        found = await self._ask("GET", f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._provider.issuer:
            raise _unavailable()
        return found

    def _checked(self, configuration: Json, name: str) -> str:
        """An address in the configuration."""
        try:
            return str(check_url(str(configuration.get(name, "")), allow_http=self._allow_http))
        except Refused:
            raise _unavailable() from None

    async def _ask(
        self, method: str, url: str, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Json:
        """A JSON object of the provider's. Raises UNAVAILABLE, and NotVouched where it refuses."""
        try:
            async with asyncio.timeout(SECONDS):
                response, body = await self._outgoing.ask(
                    method, httpx.URL(url), MAX_BYTES, headers=headers, fields=fields
                )
            found = orjson.loads(body) if response.is_success else None
        except (httpx.HTTPError, OSError, ValueError):  # Refused and TimeoutError are among them
            raise _unavailable() from None
        if method == "POST" and response.is_client_error:
            raise NotVouched("the provider refused the code")
        if not isinstance(found, dict):
            raise _unavailable()
        return found


def judge(claims: Json, provider: Provider, nonce: str, now: float) -> Vouched:
    """Who an ID token that was verified is about. Raises NotVouched.

    https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    ends, made = _time(claims, "exp"), _time(claims, "iat")
    subject = claims.get("sub")
    if claims.get("iss") != provider.issuer:
        raise NotVouched("another issuer")
    if provider.client_id not in audiences or claims.get("azp", provider.client_id) != provider.client_id:
        raise NotVouched("for another client")
    if len(audiences) > 1 and "azp" not in claims:
        raise NotVouched("for several clients")
    if now > ends + SKEW or now < made - SKEW:
        raise NotVouched("too old, or not yet valid")
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise NotVouched("for another sign-in")
    if not isinstance(subject, str) or not subject or len(subject) > 255:
        raise NotVouched("about nobody")
    verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
    return Vouched(provider.issuer, subject, claims["email"].strip().lower() if verified else "")


def _time(claims: Json, name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise NotVouched(f"without {name}")
    return value


def _unavailable() -> HallpassError:
    return HallpassError(Kind.UNAVAILABLE, "The sign-in of your organization cannot be reached. Try again later.")
