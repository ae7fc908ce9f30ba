"""Notifications: how long after a write one arrives, what waiting events cost a read, and how fast they are sent."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
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
TOLD, READS, ROUNDS, DRAIN_SECONDS = 20, 100, 5, 1_200


def notify(events: int = EVENTS, waiting: int = WAITING) -> list[Figure]:
    """The seconds until a notification of a new referral, reads while events wait, and events a second."""
    os.environ.setdefault("HALLPASS_KEY", keyring.new())
    return asyncio.run(_measure(events, waiting))


async def _measure(events: int, waiting: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="hallpass-notify-") as home:
        url = embedded.start(Path(home))
        await migrate(url, create=True)
        db = Database(url)
        settings: dict[str, Any] = {"allow_http_endpoints": True, "client_rate": 100_000, "client_daily_bytes": 10**11}
        async with open_world(db, **settings) as world, listening() as endpoint:
            scene = await set_scene(world, "ServiceRequest")
            async with telling(world):
                created = await active(world, scene.clinic, subscription(endpoint.url))
                took = [await _one(scene, endpoint, n) for n in range(1, TOLD + 1)]
            slower = await _while_waiting(scene, endpoint, url, created["id"], waiting)
            rate = await _drained(scene, endpoint, events)
        await db.dispose()
    one = "a new referral under a standing release: seconds until its endpoint has it, the worst of "
    return [
        Figure("notify", f"{one}{TOLD}", 1, max(took), max(took) - min(took), at_most=True),
        Figure("notify waiting", f"a read by id, beside a worker with {waiting} events waiting : none", 1.15, slower,
               0, at_most=True),
        Figure("notify drain", f"{events} events waiting: sent a second, id-only, one subscription", 100, rate, 0),
    ]  # fmt: skip


async def _one(scene: Scene, endpoint: Endpoint, n: int) -> float:
    began = time.monotonic()
    await scene.district.create(build.referral(scene.student))
    while len(endpoint.events) < n:  # noqa: ASYNC110 - as a client would
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def _while_waiting(scene: Scene, endpoint: Endpoint, owner: URL, own: str, waiting: int) -> float:
    """How many times as long a read takes while an endpoint that fails keeps so many events waiting."""
    record = scene.records["ServiceRequest"]["id"]
    events = f"SELECT '{own}', {TOLD} + n, now(), 'ServiceRequest', '{record}', 1 FROM generate_series(1, {waiting}) n"
    async with telling(scene.world):
        before = await _reads(scene)
    await execute(owner, f"INSERT INTO hallpass.subscription_event {events}")
    await execute(owner, f"UPDATE hallpass.subscription SET events = {TOLD + waiting} WHERE id = '{own}'")
    await execute(owner, "CHECKPOINT")  # what it costs to have written them is not what it costs that they wait
    endpoint.status, had = 503, len(endpoint.received)
    async with telling(scene.world):
        await until(lambda: len(endpoint.received) > had)
        during = await _reads(scene)
    assert all(r.status == 503 for r in endpoint.received[had:])
    endpoint.status = 200
    del endpoint.received[had:]
    await execute(owner, f"DELETE FROM hallpass.subscription_event WHERE subscription = '{own}' AND number > {TOLD}")
    kept = f"events = {TOLD}, sent = {TOLD}, next_try = now(), failures = 0"
    await execute(owner, f"UPDATE hallpass.subscription SET {kept} WHERE id = '{own}'")
    return during / before


async def _drained(scene: Scene, endpoint: Endpoint, events: int) -> float:
    """Events a second, from the moment when they all wait."""
    entry = {"resource": build.referral(scene.student), "request": {"method": "POST", "url": "ServiceRequest"}}
    for _ in range(events // PER_TRANSACTION):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * PER_TRANSACTION}
        response = await scene.district.post("", bundle)
        assert response.status_code == 200, response.text
    had, began = len(endpoint.events), time.monotonic()
    async with telling(scene.world):
        await until(lambda: len(endpoint.events) >= had + events, DRAIN_SECONDS)
    return events / (time.monotonic() - began)


async def _reads(scene: Scene) -> float:
    """Seconds of a read by id: of a few rounds the best median, since others use the machine as well."""
    return min([await _round(scene) for _ in range(ROUNDS)])


async def _round(scene: Scene) -> float:
    took = []
    for _ in range(READS):
        began = time.monotonic()
        response = await scene.clinic.get(f"/ServiceRequest/{scene.records['ServiceRequest']['id']}")
        assert response.status_code == 200
        took.append(time.monotonic() - began)
    return statistics.median(took)
