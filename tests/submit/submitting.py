"""A client that submits, the worker beside it, and a host that serves its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.exchange.service import AccessService
from app.limits.limits import Limits
from app.submit.fetch import Fetcher
from app.submit.run import steps
from tests.scene import as_owner
from tests.world import BASE, Member, World

HOST = "https://files.example.org"
SIS = "https://sis.example.org/fhir"
NDJSON = {"Content-Type": "application/fhir+ndjson"}


@dataclass
class Host(httpx.AsyncBaseTransport):
    """Serves files by path; a status in the place of a file is answered as such, a pair is a file with its headers.

    `asked`: the requests.
    """

    files: dict[str, Any] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Serve a file."""
        self.asked.append(request)
        held = self.files.get(request.url.path, 404)
        if isinstance(held, int):
            return httpx.Response(held, headers={"Location": "https://elsewhere.example.org/x"})
        content, headers = held if isinstance(held, tuple) else (held, {})
        return httpx.Response(200, stream=httpx.ByteStream(content), headers=headers)

    def publish(self, name: str, types: Mapping[str, list[dict[str, Any]]]) -> str:
        """Put up a manifest and its files; answers the manifest's address."""
        output = []
        for kind, records in types.items():
            self.files[f"/{name}/{kind}.ndjson"] = lines(records)
            output.append({"type": kind, "url": f"{HOST}/{name}/{kind}.ndjson"})
        self.files[f"/{name}.json"] = json.dumps({"output": output}).encode()
        return f"{HOST}/{name}.json"


def lines(records: list[dict[str, Any]]) -> bytes:
    """Records as NDJSON."""
    return b"".join(json.dumps(r).encode() + b"\n" for r in records)


async def send(member: Member, name: str, status: str = "completed", **urls: str) -> httpx.Response:
    """One request of a submission."""
    given: list[dict[str, Any]] = [
        {"name": "submitter", "valueIdentifier": {"system": "urn:test:submitters", "value": "sis"}},
        {"name": "submissionId", "valueString": name},
        {"name": "submissionStatus", "valueCoding": {"code": status}},
        *({"name": key, "valueUrl": url} for key, url in urls.items()),
    ]
    return await member.post("/$bulk-submit", {"resourceType": "Parameters", "parameter": given})


def place(answer: httpx.Response) -> str:
    """Where a submission is, below the service's root."""
    assert answer.status_code in (200, 202), answer.text
    return answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir")


async def upload(member: Member, where: str, kind: str, content: bytes) -> httpx.Response:
    """Upload a file to a submission."""
    url = f"{BASE}/fhir{where}/{kind}.ndjson"
    return await member.http.post(url, content=content, headers={**member.headers, **NDJSON})


async def work(world: World, host: Host | None = None, *, addresses: tuple[str, ...] = ("93.184.216.34",)) -> None:
    """Do what a worker would: take what is submitted."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    fetcher = Fetcher(world.settings.submit_hosts, resolve=resolve, inner=host)
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    for row in await as_owner(world, "DELETE FROM hallpass.job WHERE entrypoint = 'submission' RETURNING payload"):
        async for _ in steps(service, world.settings, fetcher, json.loads(bytes(row.payload))):
            pass


async def outcomes(member: Member, where: str) -> list[tuple[str, str, str]]:
    """What became of each line: severity, the record in the client's own system, and what is said."""
    answer = await member.get(where)
    assert answer.status_code == 200, answer.text
    found = []
    for part in answer.json()["outcome"]:
        file = await member.get(part["url"].removeprefix(f"{BASE}/fhir"))
        told = [json.loads(line) for line in file.text.splitlines()]
        counted = {c["code"]: c["count"] for c in part["countSeverity"]}
        severities = [t["issue"][0]["severity"] for t in told]
        assert counted == {code: severities.count(code) for code in ("information", "error")}
        for t in told:
            source = t.get("extension", [{"valueReference": {"reference": ""}}])[0]["valueReference"]["reference"]
            found.append((t["issue"][0]["severity"], source, t["issue"][0]["details"]["text"]))
    return found
