"""Revocation under load: what was revoked is not seen by a request that starts after the answer, by whatever way.

Invariant 3 of the design, over real HTTP against a server of two processes, while readers of every kind hammer.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from app.exchange.operator import Operator
from app.settings import Settings
from tests import build
from tests.world import BASE, Member, World

SECONDS = 15
PATIENCE = 240
"""Seconds to wait for what always comes, on a machine that has other things to do."""
REFERRALS = 3
ROOT = Path(__file__).parents[1]


class _ToPort(httpx.AsyncHTTPTransport):
    """Sends what is addressed to BASE to the port on which the server listens."""

    def __init__(self, port: int) -> None:
        super().__init__(limits=httpx.Limits(max_connections=50))
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=self._port)
        return await super().handle_async_request(request)


@asynccontextmanager
async def _serving(database: URL) -> AsyncIterator[int]:
    """The port of a server with two processes over a database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = {
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "HALLPASS_BASE_URL": BASE,
        "HALLPASS_PORT": str(port),
        "HALLPASS_WORKERS": "2",
    }
    quiet, env = asyncio.subprocess.DEVNULL, {**os.environ, **settings}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "serve", cwd=ROOT, env=env, stdout=quiet, stderr=quiet
    )
    try:
        async with httpx.AsyncClient() as http:
            await _until(lambda: _healthy(http, port))
        yield port
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def _healthy(http: httpx.AsyncClient, port: int) -> bool:
    with suppress(httpx.TransportError):
        return (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200
    return False


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await done():  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module")
async def world(database: URL, db: Database) -> AsyncIterator[World]:
    """A network whose requests go over HTTP to another process."""
    settings = Settings(base_url=BASE)
    async with _serving(database) as port, httpx.AsyncClient(transport=_ToPort(port), timeout=60) as http:
        yield World(db, settings, http, Operator(db, settings))


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer to a reader: when it was asked and came, and which marked records were in it."""

    kind: str
    start: float
    end: float
    marks: frozenset[str]


@dataclass
class Watch:
    """What the readers saw, and the windows in which all or nothing was to be seen."""

    seen: list[Seen] = field(default_factory=list)
    windows: list[tuple[bool, float, float]] = field(default_factory=list)
    """Whether the release was in force, from an answer on, up to the next request that changes it."""
    endings: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From when the ending was written up to when the next beginning was, by the database's clock."""

    async def everyone_since(self, kinds: set[str], moment: float) -> None:
        """Wait until a reader of each kind has asked after the moment and been answered."""

        async def done() -> bool:
            return {s.kind for s in self.seen if s.start > moment} >= kinds

        await _until(done)

    def inside(self, open_: bool, kind: str) -> list[Seen]:
        """The answers to requests of a kind that lie wholly in a window in which the release was in force, or not."""
        spans = [(a, b) for was, a, b in self.windows if was == open_]
        return [s for s in self.seen if s.kind == kind and any(a < s.start and s.end < b for a, b in spans)]


Reader = Callable[[], Awaitable[httpx.Response]]


class Scene:
    """A student whose records are released to a clinic, and each way to begin and end that."""

    def __init__(self, district: Member, clinic: Member) -> None:
        self.district = district
        self.clinic = clinic
        self.student: dict[str, Any] = {}
        self.mother: dict[str, Any] = {}
        self.agreement: dict[str, Any] = {}
        self.release: dict[str, Any] = {}
        self.referrals: list[dict[str, Any]] = []

    async def settle(self) -> None:
        """The district's records, each with a mark of its own."""
        marked = [{"family": "mark-patient", "given": ["Ana"]}]
        self.student = await self.district.create(build.patient(name=marked))
        self.mother = await self.district.create(build.guardian(self.student, active=True))
        for n in range(REFERRALS):
            note = [{"text": f"mark-referral-{n}"}]
            self.referrals.append(await self.district.create(build.referral(self.student, note=note)))
        found = await self.district.get("/OrganizationAffiliation")
        held = [e["resource"] for e in found.json()["entry"]]
        (self.agreement,) = [r for r in held if r["organization"] == self.district.reference]

    @property
    def marks(self) -> frozenset[str]:
        """The marks of all records of the release."""
        return frozenset({"mark-patient", *(f"mark-referral-{n}" for n in range(REFERRALS))})

    def ways(self) -> list[tuple[str, Callable[[bool], Awaitable[dict[str, Any]]]]]:
        """Each way in which a release begins and ends."""
        return [("consent", self._by_consent), ("authority", self._by_authority), ("agreement", self._by_agreement)]

    async def _by_consent(self, in_force: bool) -> dict[str, Any]:
        if in_force:
            return await self._sign()
        self.release = await self.district.save({**self.release, "status": "inactive"})
        return self.release

    async def _by_authority(self, in_force: bool) -> dict[str, Any]:
        self.mother = await self.district.save({**self.mother, "active": in_force})
        return await self._sign() if in_force else self.mother

    async def _by_agreement(self, in_force: bool) -> dict[str, Any]:
        self.agreement = await self.district.save({**self.agreement, "active": in_force})
        return await self._sign() if in_force else self.agreement

    async def _sign(self) -> dict[str, Any]:
        """Sign a release now: what was signed before authority or agreement ended does not come back with them."""
        to, now = self.clinic.reference, datetime.now(UTC).isoformat()
        signed = build.consent(self.student, self.mother, self.district.reference, to, dateTime=now)
        self.release = await self.district.create(signed)
        return self.release

    async def readers(self) -> dict[str, tuple[Reader, frozenset[str]]]:
        """Requests by kind, each with the marks that a whole answer has. To be made while the release is in force."""
        get, one, first = self.clinic.get, f"/Patient/{self.student['id']}", self.referrals[0]["id"]
        searched = f"/ServiceRequest?subject={self.student['id']}&_sort=_id&_include=ServiceRequest:subject"
        page = (await get(f"/ServiceRequest?_sort=_id&_count={REFERRALS - 1}")).json()
        (link,) = [x["url"] for x in page["link"] if x["relation"] == "next"]
        last = max(range(REFERRALS), key=lambda n: self.referrals[n]["id"])
        entries = [{"request": {"method": "GET", "url": url}} for url in (one[1:], searched[1:])]
        copy = {"If-None-Match": 'W/"999"'}
        referral = frozenset({"mark-referral-0"})
        return {
            "read": (lambda: get(one), frozenset({"mark-patient"})),
            "vread": (lambda: get(f"/ServiceRequest/{first}/_history/1"), referral),
            "history": (lambda: get(f"/ServiceRequest/{first}/_history"), referral),
            "history of a type": (lambda: get("/Patient/_history"), frozenset({"mark-patient"})),
            "search": (lambda: get(searched), self.marks),
            "total": (lambda: get("/ServiceRequest?_summary=count"), frozenset({f'"total":{REFERRALS}'})),
            "everything": (lambda: get(f"{one}/$everything"), self.marks),
            "open cursor": (lambda: get(link), frozenset({f"mark-referral-{last}"})),
            "conditional read": (lambda: get(one, headers=copy), frozenset({"mark-patient"})),
            "batch": (lambda: self.clinic.post("", _bundle("batch", entries)), self.marks),
            "transaction": (lambda: self.clinic.post("", _bundle("transaction", entries)), self.marks),
        }


def _bundle(kind: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


async def _hammer(watch: Watch, kind: str, ask: Reader, marks: frozenset[str]) -> None:
    """Ask again and again, and note what was in the answers."""
    while True:
        start = time.monotonic()
        response = await ask()
        assert response.status_code < 500, response.text
        found = frozenset(m for m in marks if m in response.text)
        watch.seen.append(Seen(kind, start, time.monotonic(), found))


async def _cycle(watch: Watch, scene: Scene, kinds: set[str]) -> None:
    """End the release in each way and begin it again, until the time is over; it is in force before and after."""
    since = time.monotonic()
    until = since + SECONDS
    while time.monotonic() < until:
        for _, turn in scene.ways():
            await watch.everyone_since(kinds, since)
            watch.windows.append((True, since, time.monotonic()))
            ended = await turn(False)
            since = time.monotonic()
            await watch.everyone_since(kinds, since)
            watch.windows.append((False, since, time.monotonic()))
            begun = await turn(True)
            since = time.monotonic()
            if turn != scene.ways()[2][1]:  # an agreement's end is not ordered with a disclosure under way
                watch.endings.append((_written(ended), _written(begun)))


def _written(resource: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(resource["meta"]["lastUpdated"])


async def test_what_is_revoked_is_not_seen_again_and_what_is_signed_is_seen_whole(world: World) -> None:
    """By no reader, over either process; and the ledger has no disclosure while the release was not in force."""
    district, clinic = await world.member("District"), await world.member("Clinic")
    await world.agree(district, clinic)
    scene = Scene(district, clinic)
    await scene.settle()
    await scene.ways()[0][1](True)
    readers = await scene.readers()
    watch = Watch()
    tasks = [asyncio.create_task(_hammer(watch, k, ask, marks)) for k, (ask, marks) in readers.items()]
    cycle = asyncio.create_task(_cycle(watch, scene, set(readers)))
    try:
        done, _ = await asyncio.wait([cycle, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (cycle, *tasks):
            task.cancel()
        await asyncio.gather(cycle, *tasks, return_exceptions=True)
    for kind, (_, marks) in readers.items():
        closed, opened = watch.inside(False, kind), watch.inside(True, kind)
        assert closed, kind
        assert [s for s in closed if s.marks] == [], f"{kind}: seen after it was revoked"
        assert opened, kind
        assert [s for s in opened if s.marks != marks] == [], f"{kind}: not seen after it was signed"
    await _require_ledger(world, scene, watch)


async def _require_ledger(world: World, scene: Scene, watch: Watch) -> None:
    """Each answer with a record is on the ledger, and nothing is from when the release was not in force."""
    engine = create_async_engine(world.db.owner)
    async with engine.connect() as connection:
        rows = list(
            await connection.execute(
                text(
                    "SELECT at, request FROM hallpass.disclosure"
                    " WHERE student = :s AND recipient = :r AND basis = 'release'"
                ),
                {"s": scene.student["id"], "r": scene.clinic.organization},
            )
        )
    await engine.dispose()
    assert watch.endings
    assert [r.at for r in rows if any(a <= r.at < b for a, b in watch.endings)] == []
    shown = [s for s in watch.seen if s.marks and s.kind not in ("total", "batch")]
    assert len({r.request for r in rows}) >= len(shown)
