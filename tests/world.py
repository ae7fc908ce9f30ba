"""A network to test against: a real server's application, organizations, clients with keys, and tokens.

Requests go over HTTP's own shapes through httpx's ASGI transport; the database is PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.auth import clients, jose
from app.db.address import open_engine
from app.db.engine import Database
from app.exchange.operator import Operator
from app.main import create_app
from app.settings import Settings

BASE = "http://127.0.0.1:8000"
EVERYTHING = "system/*.cruds"


@dataclass
class Member:
    """One organization with a client, and its HTTP client with a token."""

    organization: UUID
    client_id: str
    key: dict[str, Any]
    http: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> dict[str, str]:
        """A Reference to the organization."""
        return {"reference": f"Organization/{self.organization}"}

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        """GET below /fhir, or an absolute link."""
        return await self._send("GET", path, **kwargs)

    async def post(self, path: str, json: Any = None, **kwargs: Any) -> httpx.Response:
        """POST below /fhir."""
        return await self._send("POST", path, json=json, **kwargs)

    async def put(self, path: str, json: Any, **kwargs: Any) -> httpx.Response:
        """PUT below /fhir."""
        return await self._send("PUT", path, json=json, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        """DELETE below /fhir."""
        return await self._send("DELETE", path, **kwargs)

    async def create(self, resource: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Create a resource and answer it as stored."""
        response = await self.post(f"/{resource['resourceType']}", resource, **kwargs)
        assert response.status_code in (200, 201), response.text
        created: dict[str, Any] = response.json()
        return created

    async def save(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Update a resource and answer it as stored."""
        response = await self.put(f"/{resource['resourceType']}/{resource['id']}", resource)
        assert response.status_code == 200, response.text
        saved: dict[str, Any] = response.json()
        return saved

    async def ids(self, path: str) -> list[str]:
        """The ids on a page of a search."""
        response = await self.get(path)
        assert response.status_code == 200, response.text
        return [e["resource"]["id"] for e in response.json().get("entry", [])]

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        url = path if path.startswith("http") else f"{BASE}/fhir{path}"
        headers = {**self.headers, **kwargs.pop("headers", {})}
        if "json" in kwargs and kwargs["json"] is not None:
            headers.setdefault("Content-Type", "application/fhir+json")
        elif kwargs.get("json", 0) is None:
            kwargs.pop("json")
        return await self.http.request(method, url, headers=headers, **kwargs)


@dataclass
class World:
    """The application over one database, and its members."""

    db: Database
    settings: Settings
    http: httpx.AsyncClient
    operator: Operator

    async def member(
        self, name: str, *, scopes: str = EVERYTHING, purposes: tuple[str, ...] = ("TREAT",), **options: Any
    ) -> Member:
        """An organization with a client that has a token."""
        emergency = options.pop("emergency", False)
        organization = await self.operator.add_organization(name, **options)
        return await self.client_of(organization, scopes=scopes, purposes=purposes, emergency=emergency)

    async def client_of(
        self, organization: UUID, *, scopes: str, purposes: tuple[str, ...], emergency: bool = False
    ) -> Member:
        """Another client of an organization, with a token."""
        key = jose.generate()
        client_id = f"client-{uuid4().hex[:8]}"
        engine = open_engine(self.db.owner)
        async with engine.begin() as connection:
            await clients.add(
                connection,
                clients.registration(
                    id=client_id,
                    organization=organization,
                    name=client_id,
                    scopes=scopes.split(),
                    purposes=list(purposes),
                    jwks={"keys": [jose.public(key)]},
                    emergency=emergency,
                ),
            )
        await engine.dispose()
        member = Member(organization, client_id, key, self.http)
        await self.login(member, scopes)
        return member

    async def login(self, member: Member, scopes: str, **form: str) -> dict[str, Any]:
        """Get a token for a member, as an EHR does."""
        response = await self.http.post(
            f"{BASE}/auth/token",
            data={
                "grant_type": "client_credentials",
                "scope": scopes,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion(member.client_id, member.key),
                **form,
            },
        )
        assert response.status_code == 200, response.text
        token: dict[str, Any] = response.json()
        member.headers = {"Authorization": f"Bearer {token['access_token']}"}
        return token

    async def agree(self, one: Member, other: Member, *, both_ways: bool = True) -> None:
        """An agreement between two members."""
        await self.operator.add_agreement(one.organization, other.organization, both_ways=both_ways)


def assertion(client_id: str, key: dict[str, Any], **claims: Any) -> str:
    """A client assertion. SMART App Launch 2.2, asymmetric client authentication."""
    now = int(time.time())
    return jose.sign(
        {
            "iss": client_id,
            "sub": client_id,
            "aud": f"{BASE}/auth/token",
            "exp": now + 240,
            "jti": uuid4().hex,
            **claims,
        },
        key,
    )


@asynccontextmanager
async def open_world(db: Database, **settings: Any) -> AsyncIterator[World]:
    """The application, started, over a database."""
    chosen = Settings(base_url=BASE, **settings)
    app = create_app(chosen, db)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), timeout=30) as http,
    ):
        yield World(db, chosen, http, Operator(db, chosen))
