"""The API as one member's program calls it: real HTTP, with a token of its own.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from app.demo.members import EVERYTHING, Member
from app.intake.token import Tokens, private_key

Json = dict[str, Any]
FHIR_JSON = "application/fhir+json"


class Unexpected(Exception):
    """The server did not do what was asked of it."""


class Api:
    """One member's way to the server."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, member: Member) -> None:
        self.member = member
        self._http = http
        self._fhir = f"{base_url}/fhir"
        key = private_key(member.key)
        self._tokens = Tokens(http, f"{base_url}/auth/token", member.part.client, key, scope=EVERYTHING)

    async def send(
        self, method: str, path: str, body: Json | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The answer to a request for a path below /fhir, or for a link that the server gave."""
        url = path if path.startswith("http") else f"{self._fhir}/{path}"
        own = {"Authorization": f"Bearer {(await self._tokens.get()).value}", "Accept": FHIR_JSON}
        if body is not None:
            own["Content-Type"] = FHIR_JSON
        return await self._http.request(method, url, json=body, headers={**own, **(headers or {})})

    async def resource(self, method: str, path: str, body: Json | None = None, **headers: str) -> Json:
        """The resource in the answer. Raises Unexpected where the request did not succeed."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        found: Json = (await self._successful(method, path, body, named)).json()
        return found

    async def text(self, path: str) -> list[str]:
        """The lines of an answer that is text. Raises Unexpected where the request did not succeed."""
        return (await self._successful("GET", path)).text.splitlines()

    async def create(self, resource: Json) -> Json:
        """A resource as it was stored."""
        return await self.resource("POST", resource["resourceType"], resource)

    async def create_once(self, resource: Json) -> Json:
        """A resource as it was stored, now or before: it is known by its first identifier."""
        own = resource["identifier"][0]
        condition = f"identifier={own['system']}|{own['value']}"
        return await self.resource("POST", resource["resourceType"], resource, If_None_Exist=condition)

    async def save(self, resource: Json) -> Json:
        """A resource as it was stored again."""
        return await self.resource("PUT", reference(resource), resource)

    async def every(self, path: str) -> AsyncIterator[Json]:
        """Each entry's resource, page after page."""
        link: str | None = path
        while link:
            page = await self.resource("GET", link)
            for entry in page.get("entry", []):
                yield entry["resource"]
            link = next_link(page)

    async def _successful(
        self, method: str, path: str, body: Json | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        response = await self.send(method, path, body, headers)
        if not response.is_success:
            raise Unexpected(f"{self.member.name}: {method} {path} was answered {response.status_code} {response.text}")
        return response


def reference(resource: Json) -> str:
    """The relative reference of a stored resource."""
    return f"{resource['resourceType']}/{resource['id']}"


def next_link(page: Json) -> str | None:
    """The link to the next page of a Bundle."""
    return next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
