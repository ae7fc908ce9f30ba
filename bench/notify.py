"""Notifications: how long after a write one arrives, and how fast a backlog drains. `python -m bench.notify`."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app import keyring
from app.db import embedded
from app.db.engine import Database
from app.db.migrate import migrate
from tests import build
from tests.databases import rows
from tests.notify.asking import subscription, telling, until
from tests.notify.endpoint import listening
from tests.scene import Scene, set_scene
from tests.world import open_world

PER_TRANSACTION = 100


def main(events: Annotated[int, typer.Option(help="How many events wait.")] = 10_000) -> None:
    """Measure, and print a line for each figure."""
    os.environ.setdefault("HALLPASS_KEY", keyring.new())
    asyncio.run(_run(events))


async def _run(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="hallpass-notify-") as home:
        url = embedded.start(Path(home))
        await migrate(url, create=True)
        db = Database(url)
        settings: dict[str, Any] = {"allow_http_endpoints": True, "client_rate": 100_000, "client_daily_bytes": 10**11}
        async with open_world(db, **settings) as world, listening() as endpoint:
            scene = await set_scene(world, "ServiceRequest")
            async with telling(world):
                created = await scene.clinic.create(subscription(endpoint.url))
                since = f"SELECT 1 FROM hallpass.subscription WHERE id = '{created['id']}' AND since IS NOT NULL"
                await until(lambda: _any(url, since))
                took = [await _one(scene, endpoint, n) for n in range(1, 21)]
            middle, worst = statistics.median(took) * 1000, max(took) * 1000
            print(f"written to received: median {middle:.0f} ms, worst {worst:.0f} ms")
            before = await _reads(scene)
            await _write(scene, events)
            waiting = await _reads(scene)
            print(f"a read by id: {before:.1f} ms before, {waiting:.1f} ms with {events} events waiting")
            began = time.monotonic()
            async with telling(world):
                await until(lambda: len(endpoint.events) >= events + 20, 1200)
            seconds = time.monotonic() - began
            print(f"{events} events drained in {seconds:.1f} s: {events / seconds:.0f} a second, id-only")


async def _any(url: Any, statement: str) -> bool:
    return bool(await rows(url, statement))


async def _one(scene: Scene, endpoint: Any, n: int) -> float:
    began = time.monotonic()
    await scene.district.create(build.referral(scene.student))
    while len(endpoint.events) < n:  # noqa: ASYNC110 - as a client would
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def _reads(scene: Scene) -> float:
    took = []
    for _ in range(50):
        began = time.monotonic()
        response = await scene.clinic.get(f"/ServiceRequest/{scene.records['ServiceRequest']['id']}")
        assert response.status_code == 200
        took.append(time.monotonic() - began)
    return statistics.median(took) * 1000


async def _write(scene: Scene, events: int) -> None:
    entry = {"resource": build.referral(scene.student), "request": {"method": "POST", "url": "ServiceRequest"}}
    for _ in range(events // PER_TRANSACTION):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * PER_TRANSACTION}
        response = await scene.district.post("", bundle)
        assert response.status_code == 200, response.text


if __name__ == "__main__":
    typer.run(main)
