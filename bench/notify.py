"""Notifications: how long after a write one arrives, what waiting events cost a read, and how fast they are sent."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from app import keyring
from app.db import embedded
from app.db.engine import Database
from app.db.migrate import migrate
from bench.figures import Figure
from tests import build
from tests.databases import execute
from tests.notify.asking import active, subscription, telling, until
from tests.notify.endpoint import Endpoint, listening
from tests.scene import Scene, set_scene
from tests.world import open_world

EVENTS, WAITING = 10_000, 1_000_000
PER_TRANSACTION = 100
TOLD, READS, DRAIN_SECONDS = 20, 1_000, 1_200


def notify(events: int = EVENTS, waiting: int = WAITING) -> list[Figure]:
    """The seconds until a notification of a new referral, reads while events wait, and events a second."""
    os.environ.setdefault("HALLPASS_KEY", keyring.new())
    return asyncio.run(_measure(events, waiting))


async def _measure(events: int, waiting: int) -> list[Figure]:
    async with _exchange() as (scene, endpoint, _), _exchange() as (other, _, owner):
        async with telling(scene.world):
            await active(scene.world, scene.clinic, subscription(endpoint.url))
            took = [await _one(scene, endpoint, n) for n in range(1, TOLD + 1)]
        slower = await _while_waiting(scene, other, endpoint, owner, waiting)
    async with _exchange() as (scene, endpoint, _):
        rate = await _drained(scene, endpoint, events)
    one = "a new referral under a standing release: seconds until its endpoint has it, the worst of "
    return [
        Figure("notify", f"{one}{TOLD}", 1, max(took), max(took) - min(took), at_most=True),
        Figure("notify waiting", f"a read by id, beside a worker whose endpoint fails, {waiting} events waiting : one",
               1.15, slower, 0, at_most=True),
        Figure("notify drain", f"{events} events waiting: sent a second, id-only, one subscription", 100, rate, 0),
    ]  # fmt: skip


@asynccontextmanager
async def _exchange() -> AsyncIterator[tuple[Scene, Endpoint, URL]]:
    """An exchange of its own, an endpoint, and the owner of its database."""
    settings: dict[str, Any] = {"allow_http_endpoints": True, "client_rate": 100_000, "client_daily_bytes": 10**11}
    with tempfile.TemporaryDirectory(prefix="hallpass-notify-") as home:
        url = embedded.start(Path(home))
        await migrate(url, create=True)
        db = Database(url)
        async with open_world(db, **settings) as world, listening() as endpoint:
            yield await set_scene(world, "ServiceRequest"), endpoint, url
        await db.dispose()


async def _one(scene: Scene, endpoint: Endpoint, n: int) -> float:
    began = time.monotonic()
    await scene.district.create(build.referral(scene.student))
    while len(endpoint.events) < n:  # noqa: ASYNC110 - as a client would
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def _while_waiting(few: Scene, many: Scene, endpoint: Endpoint, owner: URL, waiting: int) -> float:
    """How many times as long a read takes where so many events wait as where one does: reads of both in turns.

    Beside each a worker tries the same endpoint, which fails, so that the two differ in what waits alone.
    """
    async with telling(many.world):
        created = await active(many.world, many.clinic, subscription(endpoint.url))
    own, record = created["id"], many.records["ServiceRequest"]["id"]
    events = f"SELECT '{own}', n, now(), 'ServiceRequest', '{record}', 1 FROM generate_series(1, {waiting}) n"
    await execute(owner, f"INSERT INTO hallpass.subscription_event {events}")
    await execute(owner, f"UPDATE hallpass.subscription SET events = {waiting} WHERE id = '{own}'")
    await execute(owner, "VACUUM ANALYZE hallpass.subscription_event")
    await execute(owner, "CHECKPOINT")  # what it costs to have written them is not what it costs that they wait
    endpoint.status, had = 503, len(endpoint.received)
    await few.district.create(build.referral(few.student))
    async with telling(few.world), telling(many.world):
        await until(lambda: len(endpoint.received) >= had + 2)
        pairs = [await _pair(few, many, bool(n % 2)) for n in range(READS)]
    assert all(r.status == 503 for r in endpoint.received[had:])
    return statistics.median(m for _, m in pairs) / statistics.median(f for f, _ in pairs)


async def _pair(few: Scene, many: Scene, turned: bool) -> tuple[float, float]:
    """The seconds of a read of each."""
    if turned:
        second, first = await _read(many), await _read(few)
        return first, second
    return await _read(few), await _read(many)


async def _read(scene: Scene) -> float:
    began = time.monotonic()
    response = await scene.clinic.get(f"/ServiceRequest/{scene.records['ServiceRequest']['id']}")
    assert response.status_code == 200
    return time.monotonic() - began


async def _drained(scene: Scene, endpoint: Endpoint, events: int) -> float:
    """Events a second, from the moment when they all wait."""
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
    entry = {"resource": build.referral(scene.student), "request": {"method": "POST", "url": "ServiceRequest"}}
    for _ in range(events // PER_TRANSACTION):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * PER_TRANSACTION}
        response = await scene.district.post("", bundle)
        assert response.status_code == 200, response.text
    had, began = len(endpoint.events), time.monotonic()
    async with telling(scene.world):
        await until(lambda: len(endpoint.events) >= had + events, DRAIN_SECONDS)
    return events / (time.monotonic() - began)
