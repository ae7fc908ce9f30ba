"""An OpenID Connect provider of its own: real HTTP, RS256, PKCE, codes that work once. It can be told to misbehave.

https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "hallpass", "s3cret:with/odd characters"


def key(kid: str) -> dict[str, Any]:
    """A private RSA key as a JWK."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {**jwk.RSAKey(private, "RS256").to_dict(), "kid": kid}  # type: ignore[misc]


def public(private: dict[str, Any]) -> dict[str, Any]:
    """Its public half."""
    return {n: private[n] for n in ("kty", "n", "e", "kid")}


@dataclass
class Provider:
    """Who it signs in (`claims`), and what it puts into the next ID token instead of the truth (`lies`)."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    signer: dict[str, Any] = field(default_factory=lambda: key("k1"))
    algorithm: str = "RS256"
    published: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    exchanged: int = 0
    configured: dict[str, Any] = field(default_factory=dict)
    """What its configuration says instead of the truth."""
    instead: Response | None = None
    """What it answers in the place of its configuration."""

    def app(self) -> Starlette:
        """Its four addresses."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    async def configuration(self, _request: Request) -> Response:
        """https://openid.net/specs/openid-connect-discovery-1_0.html"""
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        truth = {"issuer": self.issuer, **{k: f"{self.issuer}/{v}" for k, v in ends.items()}}
        return self.instead or JSONResponse(truth | self.configured)

    async def keys(self, _request: Request) -> Response:
        """Its public keys."""
        return JSONResponse({"keys": self.published or [public(self.signer)]})

    async def authorize(self, request: Request) -> Response:
        """It knows who is there, and sends them back at once."""
        asked = dict(request.query_params)
        wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if not wanted.items() <= asked.items() or "openid" not in asked["scope"].split():
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 303)

    async def token(self, request: Request) -> Response:
        """A code for an ID token, once, for who began it and knows the verifier."""
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        pair = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ") or b"").decode()
        challenge = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if pair != "hallpass:s3cret%3Awith%2Fodd%20characters":
            return JSONResponse({"error": "invalid_client"}, 401)
        if (
            asked is None
            or challenge.decode() != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.exchanged += 1
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= self.claims | self.lies
        token = jwt.encode(
            {k: v for k, v in claims.items() if v is not None},
            self.signer,
            algorithm=self.algorithm,
            headers={"kid": self.signer["kid"]},
        )
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """A provider on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Provider(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(found.app(), "127.0.0.1", port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.05)
    yield found
    server.should_exit = True
    await task
