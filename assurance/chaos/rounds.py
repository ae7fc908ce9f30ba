"""Rounds: while clients of every kind ask, something is killed at a random moment; what they got is held against the
ledger.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import httpx
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.address import open_engine
from app.db.engine import Database
from app.db.migrate import migrate
from app.exchange.operator import Operator
from app.exchange.verify import Verifier
from app.settings import Settings
from assurance.chaos.custodian import Custodian
from assurance.chaos.judge import Judge, summed
from assurance.chaos.postgres import Postgres
from assurance.chaos.processes import Processes
from assurance.chaos.readers import Accountant, Reader, Tally
from assurance.chaos.receipts import Book, Books
from tests.running import Redirected
from tests.world import BASE, EVERYTHING, Member, World

STUDENTS = 3
CLIENTS = 4
"""Of each of the two clinics."""
JUDGED_EVERY = 20
BACK_SECONDS = 60
_ENDED = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'hallpass\\_app%'")


class Server(Protocol):
    """What stands for the database."""

    @property
    def url(self) -> URL:
        """The owner's URL."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """Stop it."""


class Rounds:
    """Everything that runs, and what has been found so far."""

    clients = CLIENTS
    """Of each clinic, at work."""

    def __init__(self, home: Path, processes: int, seed: int, server: Server | None = None) -> None:
        self.home = home
        self.dice = random.Random(seed)
        self.tally = Tally()
        self.faults: Counter[str] = Counter()
        if server is None:
            server = self.postgres = Postgres(home)
        self._server: Server = server
        self._server.start()
        self._many = processes
        self._tasks: list[asyncio.Task[None]] = []
        self._open: list[httpx.AsyncClient] = []

    async def set_up(self) -> None:
        """The API processes, the members, the records, and the clients at work."""
        url = self._server.url
        await migrate(url, create=True)
        self.processes = Processes(self.home, url, self._many)
        self._owner: AsyncEngine = open_engine(url, pool_size=1, pool_pre_ping=True)
        self._settings, self._db = Settings(base_url=BASE), Database(url)
        world = World(self._db, self._settings, self._client(), Operator(self._db, self._settings))
        district = await world.member("District")
        clinics = [await world.member(name) for name in ("Riverside", "Lakeside")]
        for clinic in clinics:
            await world.agree(district, clinic)
        self.custodian = Custodian(district, self.dice)
        for number in range(STUDENTS):
            await self.custodian.admit(number, clinics)
        self.judge = Judge(self._owner, self.custodian)
        (self.home / "books").mkdir()
        self.books = Books(self.home / "books")
        workers = [self.custodian.work]
        for clinic in clinics:
            for _ in range(self.clients):
                workers.append(await self._reader(world, clinic))
        self.accountant = Accountant(await self._another(world, district), self.custodian, self.tally, self.dice)
        self._tasks = [asyncio.create_task(work()) for work in (*workers, self.accountant.work)]

    async def run(self, rounds: int, seconds: float) -> int:
        """As many rounds as come first; how many were done. Raises AssertionError with all that is wrong."""
        until = time.monotonic() + seconds
        done = 0
        while done < rounds and time.monotonic() < until:
            await self._round()
            done += 1
            if done % JUDGED_EVERY == 0:
                await self._judge()
                print(f"{done} rounds, {self.judge.found} receipts", file=sys.stderr, flush=True)
        await self._judge()
        found = [d async for d in Verifier(self._db, self._settings).run()]
        assert not found, found
        return done

    async def stop(self) -> None:
        """Stop everything that was started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._open:
            await client.aclose()
        try:
            if self._open:  # it was set up
                self.processes.stop()
                await self._owner.dispose()
                await self._db.dispose()
        finally:
            self._server.stop()

    def report(self) -> str:
        """What was done and met with."""
        return "\n".join(
            (
                f"faults: {summed(self.faults)}",
                f"receipts on the ledger: {self.judge.found}"
                f" ({self.judge.ended} with the release ended or amended meanwhile)",
                f"answers: {summed(self.tally.statuses)}; broken off: {self.tally.broken}",
                f"ways: {summed(self.tally.ways)}",
            )
        )

    async def _round(self) -> None:
        faults: list[Callable[[], AsyncIterator[None]]] = [
            *[self._process] * 3, self._every_process, self._postmaster, self._backend, self._ended,
        ]  # fmt: skip
        if self.postgres.can_be_full:
            faults.append(self._full)
        fault = self.dice.choice(faults)
        name = fault.__name__.strip("_")
        await asyncio.sleep(self.dice.uniform(0, 0.3))
        async for _ in fault():
            await asyncio.sleep(self.dice.uniform(0, 0.2))
        if not self.postgres.stands:
            self.postgres.kill()
        await asyncio.to_thread(self.postgres.start)
        healed = time.time()
        while self.tally.last < healed:
            for task in self._tasks:
                if task.done():
                    task.result()
            assert time.time() < healed + BACK_SECONDS, f"nobody got anything after: {name}"
            await asyncio.sleep(0.01)
        self.faults[name] += 1

    async def _process(self) -> AsyncIterator[None]:
        _kill([self.dice.choice(self.processes.pids() or [0])])
        yield

    async def _every_process(self) -> AsyncIterator[None]:
        _kill(self.processes.pids())
        yield

    async def _postmaster(self) -> AsyncIterator[None]:
        self.postgres.kill()
        yield

    async def _backend(self) -> AsyncIterator[None]:
        _kill([self.dice.choice([p.pid for p in self.postgres.backends()] or [0])])
        yield

    async def _ended(self) -> AsyncIterator[None]:
        async with self._owner.connect() as connection:
            await connection.execute(_ENDED)
        yield

    async def _full(self) -> AsyncIterator[None]:
        self.postgres.fill()
        yield
        await asyncio.sleep(self.dice.uniform(0.2, 0.6))
        self.postgres.free()

    async def _judge(self) -> None:
        await self.custodian.settle()
        accounts, self.accountant.accounts = self.accountant.accounts, []
        wrong = self.tally.wrong + await self.judge.look(self.books.fresh(), accounts)
        self.custodian.go_on()
        assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:20])

    async def _reader(self, world: World, clinic: Member) -> Callable[[], object]:
        member = await self._another(world, clinic)
        book = Book(self.home / "books", member.client_id, member.organization)
        return Reader(member, book, self.custodian, self.tally, self.dice).work

    async def _another(self, world: World, member: Member) -> Member:
        """Another client of an organization, on connections of its own."""
        found = await world.client_of(member.organization, scopes=EVERYTHING, purposes=("TREAT",))
        found.http = self._client()
        return found

    def _client(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=Redirected(self.processes.port), timeout=30)
        self._open.append(client)
        return client


@asynccontextmanager
async def running(home: Path, processes: int, seed: int) -> AsyncIterator[Rounds]:
    """All of it, stopped at the end."""
    rounds = Rounds(home, processes, seed)
    try:
        await rounds.set_up()
        yield rounds
    finally:
        await rounds.stop()


def _kill(pids: list[int]) -> None:
    for pid in pids:
        if pid > 0:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
