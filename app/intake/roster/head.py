"""What an import keeps of itself at the exchange: of which district it was, what it counted, and whether one runs now.
docs/decisions/0030-whose-word-counts.md
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psutil

from app.errors import HallpassError, Kind
from app.intake.answers import Outcome, Status
from app.intake.push import Exchange, create, read, update
from app.intake.roster.statements import CONFLICTS, HEAD, Page, content, group, page_of, system
from app.intake.roster.units import Json

LEASE = timedelta(minutes=3)
"""An import that gave no sign of life for so long has ended."""
RENEW_SECONDS = 45.0
PAGE = 100


@dataclass(slots=True)
class Head:
    """The head of a source: its id and version, and what it holds."""

    source: str
    id: str
    version: int
    held: Json


async def statements(exchange: Exchange, source: str) -> AsyncIterator[Page]:
    """All that the last imports of a source wrote, bucket by bucket."""
    url = f"Group?identifier={quote(system(source) + '|', safe='')}&_count={PAGE}"
    while url:
        bundle = await _read(exchange, url)
        for entry in bundle.get("entry", []):
            page = page_of(entry["resource"])
            if page.name != HEAD:
                yield page
        url = next((str(e["url"]) for e in bundle.get("link", []) if e["relation"] == "next"), "")
        url = url.partition("/fhir/")[2]


async def head(exchange: Exchange, source: str, *, dry_run: bool = False) -> Head | None:
    """The head of a source, made where there is none; None in a dry run of a source that was never imported."""
    token = quote(f"{system(source)}|{HEAD}", safe="")
    if dry_run:
        bundle = await _read(exchange, f"Group?identifier={token}")
        return next((_head(source, e["resource"]) for e in bundle.get("entry", [])), None)
    (made,) = await exchange.batch([create("head", source, group(source, HEAD, {}))])
    if made.status is Status.REFUSED or made.id is None:
        raise HallpassError(Kind.INVALID, f"The import cannot keep what it wrote at the exchange: {made.reason}")
    return _head(source, await _read(exchange, f"Group/{made.id}"))


@asynccontextmanager
async def lease(exchange: Exchange, found: Head) -> AsyncIterator[None]:
    """Hold the one place of a source's import, with a sign of life from time to time.

    Raises HallpassError(CONFLICT) where another import holds it. One that was killed on this machine holds it no
    longer, one elsewhere not after LEASE.
    """
    _require_free(found)
    found.held.pop(CONFLICTS, None)
    await _renew(exchange, found)
    done = asyncio.Event()
    alive = asyncio.create_task(_stay(exchange, found, done))
    try:
        yield
    finally:
        done.set()
        await alive
        found.held.pop("running", None)
        await save(exchange, found)


async def save(exchange: Exchange, found: Head) -> None:
    """Write a head. Raises HallpassError(CONFLICT) where another import wrote it in between."""
    resource = {**group(found.source, HEAD, found.held), "id": found.id}
    (outcome,) = await exchange.batch([update("head", found.source, resource, found.version)])
    if outcome.version is None:
        raise HallpassError(Kind.CONFLICT, "Another import of this source has begun. This one ends.")
    found.version = outcome.version


def _require_free(found: Head) -> None:
    running = found.held.get("running")
    if not running:
        return
    at = datetime.fromisoformat(running["at"])
    ours = running["host"] == socket.gethostname()
    alive = psutil.pid_exists(running["pid"]) and running["pid"] != os.getpid() if ours else True
    if alive and datetime.now(UTC) - at < LEASE:
        until = (at + LEASE).strftime("%H:%M:%S UTC")
        text = f"Another import of this source is running. If it was stopped, this one can run from {until}."
        raise HallpassError(Kind.CONFLICT, text)


async def _renew(exchange: Exchange, found: Head) -> None:
    at = datetime.now(UTC).isoformat()
    found.held["running"] = {"host": socket.gethostname(), "pid": os.getpid(), "at": at}
    await save(exchange, found)


async def _stay(exchange: Exchange, found: Head, done: asyncio.Event) -> None:
    while not done.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), RENEW_SECONDS)
        if not done.is_set():
            await _renew(exchange, found)


async def _read(exchange: Exchange, url: str) -> dict[str, Any]:
    outcome: Outcome
    (outcome,) = await exchange.batch([read("statements", url, url)])
    if outcome.resource is None:
        raise HallpassError(Kind.INVALID, f"What the last import wrote cannot be read: {outcome.reason}")
    return outcome.resource


def _head(source: str, resource: Json) -> Head:
    return Head(source, resource["id"], int(resource["meta"]["versionId"]), content(resource))
