"""Keys, clocks, assertions and registered clients for the tests of app/auth."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.auth import clients
from app.auth.authenticate import ASSERTION_TYPE
from app.auth.clients import Client
from app.auth.endpoints import auth_router
from app.auth.jose import Jwk, generate, public, sign, thumbprint
from app.auth.service import Auth
from app.db.engine import Database
from app.settings import Settings

NOW = 1_900_000_000.0
BASE = "https://hallpass.example"
TOKEN_URL = BASE + "/auth/token"
SETTINGS = Settings(base_url=BASE)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(value: Any) -> str:
    return b64(json.dumps(value).encode())


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_key(bits: int = 2048, **more: Any) -> Jwk:
    """A private RSA JWK."""
    private = rsa.generate_private_key(65537, bits).private_numbers()
    open_part = {"kty": "RSA", "n": number(private.public_numbers.n), "e": number(private.public_numbers.e)}
    names = {"d": "d", "p": "p", "q": "q", "dp": "dmp1", "dq": "dmq1", "qi": "iqmp"}
    closed = {name: number(getattr(private, attribute)) for name, attribute in names.items()}
    return {**open_part, **closed, "kid": thumbprint(open_part), **more}


def ec_public(curve: ec.EllipticCurve, crv: str) -> Jwk:
    """A public EC JWK on any curve."""
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    return {
        "kty": "EC",
        "crv": crv,
        "x": b64(numbers.x.to_bytes(size, "big")),
        "y": b64(numbers.y.to_bytes(size, "big")),
        "kid": "k",
    }


EC_KEY = generate()
RSA_KEY = rsa_key()


def jwks(*keys: Jwk) -> dict[str, Any]:
    return {"keys": [public(k) for k in keys]}


def claims_of(client: str, now: float = NOW, **changes: Any) -> dict[str, Any]:
    """The claims of a good assertion, with changes; None takes a claim out."""
    claims = {
        "iss": client,
        "sub": client,
        "aud": TOKEN_URL,
        "exp": int(now) + 240,
        "jti": uuid.uuid4().hex,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def forged(token: str, **header: Any) -> str:
    """The token with members of its header changed and its signature kept."""
    head, _, rest = token.partition(".")
    old = json.loads(base64.urlsafe_b64decode(head + "=="))
    return f"{segment({**old, **header})}.{rest}"


def assertion_form(assertion: str, **more: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more}


@dataclass
class World:
    """One authorization server on a database, with a clock and an app around it."""

    db: Database
    owner: AsyncEngine
    clock: Clock = field(default_factory=Clock)
    settings: Settings = SETTINGS
    auth: Auth = field(init=False)

    def __post_init__(self) -> None:
        self.auth = Auth.create(self.db, self.settings, clock=self.clock)

    async def organization(self) -> uuid.UUID:
        """A new organization."""
        found = uuid.uuid4()
        async with self.owner.begin() as connection:
            statement = "INSERT INTO hallpass.organization VALUES (:id, ARRAY[:id]::uuid[], 'UTC', false)"
            await connection.execute(text(statement), {"id": found})
        return found

    async def register(self, **changes: Any) -> Client:
        """A registered client, with EC_KEY and read scopes unless told otherwise."""
        if "organization" not in changes:
            changes["organization"] = await self.organization()
        if "jwks_uri" not in changes:
            changes.setdefault("jwks", jwks(EC_KEY))
        values = {"name": "Northside", "scopes": ["system/*.rs"], "purposes": ["TREAT"], "allow_http": True, **changes}
        client = clients.registration(**values)
        async with self.owner.begin() as connection:
            await clients.add(connection, client)
        return client

    async def disable(self, client: Client) -> None:
        async with self.owner.begin() as connection:
            await connection.execute(
                text("UPDATE hallpass.client SET disabled = now() WHERE id = :id"), {"id": client.id}
            )

    def assertion(self, client: Client | str, *, key: Jwk = EC_KEY, typ: str = "JWT", **changes: Any) -> str:
        """A signed assertion of the client, good unless `changes` to its claims spoil it."""
        id = client if isinstance(client, str) else client.id
        return sign(claims_of(id, self.clock.now, **changes), key, typ=typ)

    async def token(self, client: Client, scope: str = "system/*.rs", **more: str) -> str:
        """An access token, by the token endpoint."""
        form = assertion_form(self.assertion(client), grant_type="client_credentials", scope=scope, **more)
        response = await self.post("/auth/token", form)
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    async def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        async with self.http() as http:
            return await http.post(path, data=form, headers=headers)

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of an app that has the authorization routes."""
        app = FastAPI()
        app.state.auth = self.auth
        app.include_router(auth_router(self.auth))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
            yield http
