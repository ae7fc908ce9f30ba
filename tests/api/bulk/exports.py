"""A client that exports, as a strict reader does it: kick-off, poll, manifest, every file, every line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from app.exchange.bulk import export, kept
from app.exchange.service import AccessService
from app.limits.limits import Limits
from app.objects import Objects
from tests.scene import Scene, as_owner
from tests.world import BASE, Member, World

CLASSES = ("Patient", "ServiceRequest", "Encounter")
"""The types that are released to the clinic."""
STARTED = {"Prefer": "respond-async", "Accept": "application/fhir+json"}


def named(scene: Scene, *types: str) -> set[str]:
    """The records of the scene, by type and id."""
    return {f"{t}/{scene.records[t]['id']}" for t in types}


class Busy(Exception):
    """The exchange has too much to do, and says so."""


@dataclass
class Exported:
    """What a client got: the manifest, and the lines by file."""

    manifest: dict[str, Any]
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """Each resource that came."""
        return {f"{r['resourceType']}/{r['id']}" for r in self.resources}

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Every resource of the output."""
        named = [o["url"] for o in self.manifest["output"]]
        return [line for url in named for line in self.files[url] if line["resourceType"] != "Parameters"]

    @property
    def deleted(self) -> set[str]:
        """What the deletions name."""
        named = [d["url"] for d in self.manifest.get("deleted", [])]
        return {e["request"]["url"] for url in named for bundle in self.files[url] for e in bundle["entry"]}


async def work(world: World) -> None:
    """Do what a worker would: every export that waits is chosen."""
    service = AccessService(world.db, world.settings, Limits(world.settings, world.db.pool_size).connections)
    rows = await as_owner(world, "DELETE FROM hallpass.job WHERE entrypoint = 'export' RETURNING payload")
    for row in rows:
        async for _ in export.steps(service, json.loads(bytes(row.payload)), Objects.of(world.settings)):
            pass


async def swept(world: World) -> None:
    """Forget what is over, as a worker does every few minutes."""
    now = datetime.now(UTC)
    if (objects := Objects.of(world.settings)) is not None:
        await kept.remove_over(objects, world.db, now - timedelta(hours=1))
    while await export.sweep(world.db, now - timedelta(hours=1), now - timedelta(hours=6)):
        pass


async def kick_off(member: Member, path: str) -> str:
    """Start an export; answer where its status is, below the service's root."""
    answer = await member.get(path, headers=STARTED)
    assert answer.status_code == 202, answer.text
    return answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir")


async def exported(world: World, member: Member, path: str = "/Patient/$export") -> Exported:
    """Export, to the end."""
    status = await kick_off(member, path)
    assert (await member.get(status)).status_code == 202
    await work(world)
    return await fetched(member, status)


async def fetched(member: Member, status: str) -> Exported:
    """Every file of a complete export."""
    answer = await member.get(status)
    assert answer.status_code == 200, answer.text
    found = Exported(answer.json())
    for part in ("output", "deleted", "error"):
        for listed in found.manifest.get(part, []):
            file = await member.get(listed["url"].removeprefix(f"{BASE}/fhir"))
            assert file.status_code == 200, file.text
            assert file.headers["Content-Type"] == "application/fhir+ndjson"
            lines = [json.loads(line) for line in file.text.splitlines()]
            found.files[listed["url"]] = lines
            if part == "output" and "type" in listed:
                assert {line["resourceType"] for line in lines} <= {listed["type"]}
    seen = [f"{r['resourceType']}/{r['id']}" for r in found.resources]
    assert len(seen) == len(set(seen)), "a resource stands in one line"
    return found


async def sent(world: World, member: Member, path: str, *, gzip: bool = False) -> AsyncIterator[bytes]:
    """The parts of an answer as the server hands them over: it goes on only when the next one is asked for.

    Raises Busy.
    """
    transport = world.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    headers = [(k.lower().encode(), v.encode()) for k, v in member.headers.items()]
    headers += [(b"accept-encoding", b"gzip")] if gzip else []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "headers": headers,
        "scheme": "http", "path": f"/fhir{path}", "raw_path": b"", "query_string": b"", "root_path": "",
        "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip
    parts: asyncio.Queue[bytes | None] = asyncio.Queue()
    further = asyncio.Semaphore(0)
    busy: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] in (200, 429, 503)
            busy.extend([message] * (message["status"] != 200))
        elif message.get("body") and not busy:
            await parts.put(message["body"])
            await further.acquire()

    async def run() -> None:
        try:
            await transport.app(scope, receive, send)  # type: ignore[arg-type]
        finally:
            await parts.put(None)

    task = asyncio.create_task(run())
    while (part := await parts.get()) is not None:
        yield part
        further.release()
    try:
        await task
    except RuntimeError as e:  # it broke off in the middle, since the database was
        raise Busy from e
    if busy:
        raise Busy


async def entries(world: World, recipient: Member) -> set[tuple[str, str, int]]:
    """What the ledger says that an export gave to a member: types, ids and versions."""
    rows = await as_owner(
        world,
        "SELECT type, id, version FROM hallpass.disclosure WHERE interaction = 'export' AND recipient = :recipient",
        recipient=recipient.organization,
    )
    return {(row.type, str(row.id), row.version) for row in rows}
