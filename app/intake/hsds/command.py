"""Brings a directory in over the API, and writes it out: `hallpass directory`. docs/guides/partners.md

Who brings it in files what nobody else has filed, under its own organization. An organization that is a member of the
network, or that another has filed, keeps its own entries: it is left as it is, with its services.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from app.errors import HallpassError, Kind
from app.intake.hsds import export, mapping
from app.intake.token import Tokens

Json = dict[str, Any]
TYPES = ("Organization", "Location", "HealthcareService")
SCOPE = " ".join(f"system/{t}.crus" for t in TYPES)


@dataclass
class Directory:
    """The exchange's directory, as one client sees it."""

    http: httpx.AsyncClient
    url: str
    tokens: Tokens
    report: Counter[str] = field(default_factory=Counter)

    async def bring(self, services: list[Json]) -> None:
        """File each service with its organization and places."""
        own = (await self.tokens.get()).organization
        organizations: dict[str, str | None] = {}
        for service in services:
            found = service.get("organization") or {}
            if not found.get("id") or not found.get("name"):
                self.report["services without an organization"] += 1
                continue
            key = str(found["id"])
            if key not in organizations:
                organizations[key] = await self._file(mapping.organization(found, f"Organization/{own}"))
            provider = organizations[key]
            if provider is None:
                self.report["services of organizations that keep their own entries"] += 1
                continue
            places = [a["location"] for a in service.get("service_at_locations") or [] if a.get("location")]
            filed = [await self._file(mapping.location(p, provider)) for p in places if p.get("id")]
            at = [{"reference": r} for r in filed if r]
            await self._file(mapping.service(service, {"reference": provider}, at))

    async def services(self) -> list[Json]:
        """Every service of the directory, as HSDS has it."""
        by_type: dict[str, dict[str, Json]] = {}
        for name in TYPES:
            by_type[name] = {f"{name}/{r['id']}": r async for r in self._every(f"{name}?_count=200")}
        listed = by_type["HealthcareService"].values()
        return [export.service(r, by_type["Organization"], by_type["Location"]) for r in listed]

    async def _file(self, resource: Json) -> str | None:
        """File a resource by its identifier, and answer its reference; None where it is another's."""
        name, known = resource["resourceType"], resource["identifier"][0]
        condition = f"{name}?identifier={quote(known['system'] + '|' + known['value'], safe='')}"
        there = (await self._send("GET", condition)).json().get("entry", [])
        if there:
            own_id = there[0]["resource"]["id"]
            response = await self._send("PUT", f"{name}/{own_id}", {**resource, "id": own_id})
        else:
            response = await self._send("PUT", condition, resource)
        if response.status_code == httpx.codes.FORBIDDEN and there:
            self.report[f"{name}: kept by its owner"] += 1
            return None
        if not response.is_success:
            self.report[f"{name}: refused"] += 1
            return None
        self.report[f"{name}: {'there' if there else 'created'}"] += 1
        return f"{name}/{response.json()['id']}"

    async def _every(self, path: str) -> AsyncIterator[Json]:
        link: str | None = path
        while link:
            page = (await self._send("GET", link)).json()
            for entry in page.get("entry", []):
                yield entry["resource"]
            link = next((x["url"] for x in page.get("link", []) if x["relation"] == "next"), None)

    async def _send(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        url = path if path.startswith("http") else f"{self.url}/fhir/{path}"
        headers = {"Authorization": f"Bearer {(await self.tokens.get()).value}", "Accept": "application/fhir+json"}
        headers |= {"Content-Type": "application/fhir+json"} if body is not None else {}
        response = await self.http.request(method, url, json=body, headers=headers)
        if response.status_code in (401, 429) or response.is_server_error:
            raise HallpassError(Kind.UNAVAILABLE, f"{self.url} answered HTTP {response.status_code}. Try again later.")
        return response
