"""Two worlds side by side: the same step in both, and the first answer to the caller that differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from uuid import uuid4

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from assurance.noninterference import network
from assurance.noninterference.determinism import Clock, deterministic
from assurance.noninterference.network import Network
from assurance.noninterference.scene import Step
from assurance.noninterference.side import Heard, Side, fix_clock, open_side


@dataclass(frozen=True, slots=True)
class Difference:
    """Two answers to one request of the caller's, in worlds that differ in what it may not see."""

    request: str
    what: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.what} differs\n--- request\n{self.request}\n--- A\n{self.a}\n--- B\n{self.b}"


@dataclass(frozen=True, slots=True)
class Played:
    """The last answers of a step, by world (None where nothing was asked), and the difference if there is one."""

    a: Heard | None
    b: Heard | None
    difference: Difference | None


class Pair:
    """Plays steps in both worlds, which share one clock."""

    def __init__(self, a: Side, b: Side, clock: Clock, network: Network) -> None:
        self.a = a
        self.b = b
        self.clock = clock
        self.network = network

    async def play(self, step: Step) -> Played:
        """Do a step in both worlds, and compare if it is the caller's."""
        if step.seconds != self.clock.seconds:
            self.clock.seconds = step.seconds
            await asyncio.gather(self.a.set_clock(self.clock), self.b.set_clock(self.clock))
        a, b = await asyncio.gather(
            self.a.do(step.label, step.a, judged=step.judged), self.b.do(step.label, step.b, judged=step.judged)
        )
        found = _difference(step, a, b) if step.judged else None
        if step.judged and found is None and self.a.names.order() != self.b.names.order():
            found = Difference(str(step), "the order of versions", str(self.a.names.order()), str(self.b.names.order()))
        return Played(a[-1] if a else None, b[-1] if b else None, found)

    async def replay(self, steps: list[Step]) -> Difference | None:
        """Go back to the start, and play steps until two answers differ."""
        await self.restore()
        for step in steps:
            if found := (await self.play(step)).difference:
                return found
        return None

    async def remember(self) -> None:
        """Let both worlds start from here."""
        await asyncio.gather(self.a.remember(), self.b.remember())

    async def restore(self) -> None:
        """Bring both worlds back to the start."""
        self.clock.seconds = -1  # told again with the first step
        await asyncio.gather(self.a.restore(), self.b.restore())


def _difference(step: Step, a: list[Heard], b: list[Heard]) -> Difference | None:
    for request, one, two in zip(step.a, a, b, strict=True):
        if one.raw.status >= 500:
            return Difference(str(request), "nothing, but a fault", str(one.normal), str(two.normal))
        for what in ("status", "headers", "body"):
            if getattr(one.normal, what) != getattr(two.normal, what):
                return Difference(str(request), what, str(one.normal), str(two.normal))
        if one.statements != two.statements:
            pairs = zip_longest(one.statements, two.statements, fillvalue="(none)")
            first = next((x, y) for x, y in pairs if x != y)
            counts = f"{len(one.statements)} and {len(two.statements)} statements"
            return Difference(str(request), f"the database's work ({counts})", *first)
    return None


@asynccontextmanager
async def open_pair(server: URL, template: URL) -> AsyncIterator[Pair]:
    """Two databases with the same network, from a migrated one, and an application over each."""
    clock = Clock()
    base, *urls = [server.set(database=f"hallpass_prove_{uuid4().hex[:12]}") for _ in range(3)]
    made = []
    try:
        await _run(server, f'CREATE DATABASE "{base.database}" TEMPLATE "{template.database}"')
        made.append(base)
        await fix_clock(base)
        with deterministic(clock):
            members = await network.found(base, clock)
            for url in urls:
                await _run(server, f'CREATE DATABASE "{url.database}" TEMPLATE "{base.database}"')
                made.append(url)
                await _run(server, f'ALTER DATABASE "{url.database}" SET synchronous_commit = off')
            async with open_side(urls[0], clock, members.tokens) as a, open_side(urls[1], clock, members.tokens) as b:
                yield Pair(a, b, clock, members)
    finally:
        for url in made:
            await _run(server, f'DROP DATABASE "{url.database}" WITH (FORCE)')


async def _run(server: URL, statement: str) -> None:
    engine = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
