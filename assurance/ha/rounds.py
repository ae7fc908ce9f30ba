"""Rounds: under load the primary, its host, a standby or etcd fails; nothing that was acknowledged is lost, and service
comes back by itself.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import text

from assurance.chaos.rounds import Rounds
from assurance.ha.cluster import TTL, Cluster, Node
from tests.world import Member

ALONE_SECONDS = 15
"""Patroni looks every two seconds, and PostgreSQL recovers; a machine that is busy with the rounds takes its time."""
HOST_SECONDS = 30
FROZEN_SECONDS = 45
"""A server waits a while for a primary that is frozen, and Patroni on that host cannot give up its lock."""
OUT_SECONDS = TTL + 5
"""How long etcd is gone: longer than its lease."""
PROBE_SECONDS = 5.0
_STORED = text("""
    SELECT type, id::text, version, body FROM hallpass.resource WHERE id = ANY (CAST(CAST(:ids AS text[]) AS uuid[]))
""")


class HighAvailability(Rounds):
    """As the rounds of the kill test, over a cluster."""

    clients = 1  # one machine has three databases, and the load is to be met with faults, not with waits

    def __init__(self, home: Path, processes: int, seed: int) -> None:
        self.cluster = Cluster(home)
        super().__init__(home, processes, seed, self.cluster)
        self.back: dict[str, list[float]] = defaultdict(list)
        """Seconds until a write was acknowledged again, by fault."""
        self.only: str | None = None
        """A fault that alone is drawn; else each in its turn, and then at random."""

    async def _round(self) -> None:
        faults: list[tuple[Callable[[], AsyncIterator[None]], float]] = [
            (self._postgres_dies, ALONE_SECONDS), (self._host_dies, HOST_SECONDS), (self._host_freezes, FROZEN_SECONDS),
            (self._standby_dies, HOST_SECONDS), (self._etcd_is_gone, ALONE_SECONDS), (self._switched, HOST_SECONDS),
        ]  # fmt: skip
        named = {fault.__name__.strip("_").replace("_", " "): (fault, most) for fault, most in faults}
        drawn = sum(self.faults.values())
        name = self.only or (list(named)[drawn] if drawn < len(named) else self.dice.choice(list(named)))
        fault, most = named[name]
        await asyncio.sleep(self.dice.uniform(0, 2))
        async for _ in fault():
            took = await self._answered(time.time())
            self.back[name].append(took)
            print(f"{name}: back in {took:.1f} s", file=sys.stderr, flush=True)
            assert took <= most, f"{name}: a write was acknowledged after {took:.1f} s, not {most}"
        await asyncio.to_thread(self.cluster.await_whole)
        healed = time.time()
        while self.tally.last < healed:
            for task in self._tasks:
                if task.done():
                    task.result()
            assert time.time() < healed + HOST_SECONDS, f"nobody got anything after: {name}"
            await asyncio.sleep(0.05)
        self.faults[name] += 1
        await self._judge()

    async def _answered(self, began: float) -> float:
        """Wait until a write that was sent after a fault is acknowledged. Seconds since."""
        probe: Member = self.custodian.member
        while True:
            try:
                place = {"resourceType": "Location", "name": "Gym", "status": "active"}
                answer = await asyncio.wait_for(probe.post("/Location", place), PROBE_SECONDS)
                if answer.status_code == 201:
                    return time.time() - began
                assert answer.status_code == 503, answer.text
            except (httpx.TransportError, TimeoutError):
                pass
            assert time.time() < began + 120, "no write is acknowledged"
            await asyncio.sleep(0.1)

    async def _postgres_dies(self) -> AsyncIterator[None]:
        (await self._primary()).send(signal.SIGKILL, host=False)
        yield

    async def _host_dies(self) -> AsyncIterator[None]:
        node = await self._primary()
        node.send(signal.SIGKILL, host=True)
        yield
        node.start()

    async def _host_freezes(self) -> AsyncIterator[None]:
        node = await self._primary()
        node.send(signal.SIGSTOP, host=True)
        yield
        node.send(signal.SIGCONT, host=True)  # and takes itself for the primary still

    async def _standby_dies(self) -> AsyncIterator[None]:
        node = await asyncio.to_thread(self.cluster.synchronous)
        node.send(signal.SIGKILL, host=True)
        yield
        node.start()

    async def _etcd_is_gone(self) -> AsyncIterator[None]:
        self.cluster.etcd.kill()
        until = time.monotonic() + OUT_SECONDS
        while time.monotonic() < until:
            assert await self._answered(time.time()) < ALONE_SECONDS, "without etcd no write is acknowledged"
            await asyncio.sleep(0.5)
        await asyncio.to_thread(self.cluster.etcd.start)
        yield

    async def _switched(self) -> AsyncIterator[None]:
        node, other = await self._primary(), await asyncio.to_thread(self.cluster.synchronous)
        handing = asyncio.create_task(asyncio.to_thread(node.hand_over, other))
        await asyncio.sleep(0.5)
        yield
        await handing

    async def _primary(self) -> Node:
        return await asyncio.to_thread(self.cluster.primary)

    async def _judge(self) -> None:
        await super()._judge()
        wrong = await self._lost()
        assert not wrong, f"{len(wrong)} acknowledged and not stored:\n" + "\n".join(wrong[:20])

    async def _lost(self) -> list[str]:
        """What the custodian was acknowledged, revocations among it, and the database does not have."""
        known: dict[tuple[str, str, int], dict[str, Any]] = {  # before it is looked: more is written meanwhile
            (kind, own, number): version.content
            for (kind, own), versions in self.custodian.versions.items()
            for number, version in versions.items()
        }
        async with self._owner.connect() as connection:
            rows = await connection.execute(_STORED, {"ids": sorted({own for _, own, _ in known})})
            stored = {(r.type, r.id, r.version): orjson.loads(r.body) for r in rows}
        return [f"{key}" for key, content in known.items() if stored.get(key) != content]

    def report(self) -> str:
        """What was done, and how long each took."""
        took = "; ".join(f"{name} {', '.join(f'{s:.1f}' for s in found)}" for name, found in self.back.items())
        return f"{super().report()}\nback after seconds: {took}"


@asynccontextmanager
async def running(home: Path, processes: int, seed: int) -> AsyncIterator[HighAvailability]:
    """All of it, stopped at the end."""
    rounds = HighAvailability(home, processes, seed)
    try:
        await rounds.set_up()
        yield rounds
    finally:
        await rounds.stop()
