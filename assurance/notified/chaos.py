"""Referrals are filed and releases signed and ended, while worker, server, database and endpoint fail at random.

At the end the subscriber must have, in the order of their numbers and without a gap, every referral of the students
whose release stands, and none of the others'. `$events` tells it the same numbers again. Each sending must be on the
ledger before it left, under a release that stood at that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psutil

from assurance.notified.receipts import Signed, covered, entered, in_order, same_numbers
from tests import build
from tests.databases import execute, rows
from tests.notify.asking import subscription
from tests.notify.endpoint import Endpoint, Received, listening
from tests.running import Running
from tests.world import EVERYTHING, Member, World

SYSTEM = "urn:test:referral"
RELEASE = "urn:test:release"
KINDS = ("worker", "server", "database", "connections", "endpoint")


@dataclass
class Student:
    """A student, a parent, and whether the clinic has a release: always, at times, or never."""

    record: dict[str, Any]
    mother: dict[str, Any]
    release: str
    consent: dict[str, Any] | None = None


@dataclass
class Chaos:
    """One network, its subscriber, and what was filed."""

    running: Running
    world: World
    district: Member
    clinic: Member
    endpoint: Endpoint
    rng: Random
    students: list[Student] = field(default_factory=list)
    filed: dict[str, Student] = field(default_factory=dict)
    """By id of the referral."""
    signed: dict[str, Signed] = field(default_factory=dict)
    """By id of the Consent."""
    subscription: str = ""
    sendings: int = 0
    """How many there were, as far as they were looked at."""
    failures: dict[str, int] = field(default_factory=dict)

    async def run(self, referrals: int, failures: int) -> None:
        """File referrals while things fail; then wait, and look at what came. Raises AssertionError."""
        await self._prepare()
        failing = asyncio.create_task(self._fail(failures))
        for n in range(referrals):
            await self._file(n)
            while sum(self.failures.values()) < failures * n // referrals:  # noqa: ASYNC110 - spread over all of them
                await asyncio.sleep(0.02)
            if self.rng.random() < 0.3:
                await self._toggle()
        await failing
        self.endpoint.status = 200
        wanted = {i for i, s in self.filed.items() if s.consent is not None}
        await self._until(lambda: wanted <= self._told(), f"{len(wanted)} referrals to be told")
        await asyncio.sleep(1)
        await self._look()

    async def _prepare(self) -> None:
        for n in range(6):
            student = await self._ask(self.district, "POST", "/Patient", build.patient(f"C-{n}"))
            mother = await self._ask(self.district, "POST", "/RelatedPerson", build.guardian(student))
            made = Student(student, mother, ("always", "always", "always", "at times", "at times", "never")[n])
            self.students.append(made)
            if made.release == "always":
                await self._sign(made)
        made_subscription = await self._ask(self.clinic, "POST", "/Subscription", subscription(self.endpoint.url))
        self.subscription = made_subscription["id"]

        async def counted() -> bool:
            since = f"SELECT 1 FROM hallpass.subscription WHERE id = '{self.subscription}' AND since IS NOT NULL"
            return bool(await rows(self.world.db.owner, since))

        await self._until(counted, "the subscription to be active")

    async def _sign(self, student: Student) -> None:
        number = str(len(self.signed))
        consent = build.consent(
            student.record,
            student.mother,
            self.district.reference,
            self.clinic.reference,
            classes=("ServiceRequest",),
            identifier=[{"system": RELEASE, "value": number}],
        )
        asked, condition = time.time(), {"If-None-Exist": f"identifier={RELEASE}|{number}"}
        student.consent = await self._ask(self.district, "POST", "/Consent", consent, headers=condition)
        self.signed[student.consent["id"]] = Signed(student.record["id"], asked)

    async def _toggle(self) -> None:
        student = self.rng.choice([s for s in self.students if s.release == "at times"])
        if student.consent is None:
            await self._sign(student)
        else:
            ended = {**student.consent, "status": "inactive"}
            await self._ask(self.district, "PUT", f"/Consent/{ended['id']}", ended)
            self.signed[ended["id"]].ended = time.time()
            student.consent = None

    async def _file(self, n: int) -> None:
        student = self.rng.choice(self.students)
        referral = build.referral(student.record, identifier=[{"system": SYSTEM, "value": str(n)}])
        condition = {"If-None-Exist": f"identifier={SYSTEM}|{n}"}
        created = await self._ask(self.district, "POST", "/ServiceRequest", referral, headers=condition)
        self.filed[created["id"]] = student

    async def _ask(self, member: Member, method: str, path: str, body: Any, **how: Any) -> dict[str, Any]:
        """Ask until there is an answer: what fails may have been done, and is asked again as a person would."""
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                answer = await member._send(method, path, json=body, **how)
                if answer.status_code < 400:
                    found: dict[str, Any] = answer.json()
                    return found
                if answer.status_code == 401:
                    with contextlib.suppress(AssertionError, httpx.HTTPError):
                        await self.world.login(member, EVERYTHING)
                elif answer.status_code == 409 and path.startswith("/Consent"):
                    return dict(body)  # it was ended by the request whose answer was lost
                elif answer.status_code < 500 and answer.status_code != 429:
                    raise AssertionError(answer.text)
            assert time.monotonic() < deadline, f"{method} {path} was not answered"
            await asyncio.sleep(0.2)

    async def _fail(self, failures: int) -> None:
        for n in range(failures):
            await asyncio.sleep(self.rng.uniform(0.2, 1.5))
            kind = KINDS[n % len(KINDS)] if failures <= len(KINDS) else self.rng.choice(KINDS)
            self.failures[kind] = self.failures.get(kind, 0) + 1
            await getattr(self, f"_fail_{kind}")()

    async def _fail_worker(self) -> None:
        for process in psutil.process_iter(["cmdline"]):
            if "--beside" in (process.info["cmdline"] or []):
                with contextlib.suppress(psutil.Error):
                    if process.environ().get("HALLPASS_DATA_DIR") == str(self.running.data):
                        process.kill()

    async def _fail_server(self) -> None:
        await asyncio.to_thread(self.running.stop, signal.SIGKILL)
        await asyncio.to_thread(self.running.start)

    async def _fail_database(self) -> None:
        await asyncio.to_thread(_kill_and_start, self.running.postgres, self.running.data / "postgres")

    async def _fail_connections(self) -> None:
        with contextlib.suppress(Exception):
            await execute(
                self.world.db.owner,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
            )

    async def _fail_endpoint(self) -> None:
        self.endpoint.status = 503
        await asyncio.sleep(self.rng.uniform(0.5, 2))
        self.endpoint.status = 200

    def _told(self) -> set[str]:
        """The ids of the referrals whose event the endpoint took."""
        taken = (e for r in self.endpoint.of("event-notification") if r.status == 200 for e in r.events)
        return {focus.split("/")[1] for _, focus in taken if focus}

    async def _look(self) -> None:
        """Hold what came against what was filed, what `$events` says, the releases, and the ledger."""
        received = self.endpoint.of("event-notification")
        taken = in_order(received)
        never = {f"ServiceRequest/{i}" for i, s in self.filed.items() if s.release == "never"}
        assert not never & {f for r in received for _, f in r.events}, "told of what no release ever opened"
        ledger = await entered(self.world.db.owner, str(self.clinic.organization))
        self.sendings = covered(received, ledger, self.signed)
        visible = {f"ServiceRequest/{i}" for i, s in self.filed.items() if s.consent is not None}
        same_numbers(taken, await self._events(len(taken)), visible)

    async def _events(self, many: int) -> list[tuple[int, str | None]]:
        """What `$events` tells now, in requests as long as it answers."""
        found: list[tuple[int, str | None]] = []
        while len(found) < many:
            since = f"eventsSinceNumber={len(found) + 1}&eventsUntilNumber={min(len(found) + 50, many)}"
            path = f"/Subscription/{self.subscription}/$events?{since}"
            bundle = await self._ask(self.clinic, "GET", path, None)
            more = Received("", {}, json.dumps(bundle).encode()).events
            assert more, f"$events has nothing from number {len(found) + 1} on"
            found += more
        return found

    async def _until(self, condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
        deadline = time.monotonic() + 240
        while True:
            with contextlib.suppress(OSError, Exception):
                found = condition()
                if found if isinstance(found, bool) else await found:
                    return
            assert time.monotonic() < deadline, f"{what} did not come in time"
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def open_chaos(running: Running, world: World, seed: int) -> AsyncIterator[Chaos]:
    """A district and a clinic with an endpoint."""
    district, clinic = await world.member("Cedar ISD"), await world.member("Elm Clinic")
    await world.agree(district, clinic)
    async with listening() as endpoint:
        yield Chaos(running, world, district, clinic, endpoint, Random(seed))


def _kill_and_start(postmaster: psutil.Process, home: Path) -> None:
    """SIGKILL the database, and start it again as it was started, when nothing of it is left."""
    binary, *options = shlex.split((home / "postmaster.opts").read_text())
    log = ("-l", home / "restarted.log", "-o", shlex.join(options))
    command = (Path(binary).with_name("pg_ctl"), "start", "-D", home, *log)
    user, children = postmaster.username(), postmaster.children()
    postmaster.kill()
    _, left = psutil.wait_procs(children, 60)
    assert not left, f"these outlive their database: {left}"
    (home / "postmaster.pid").unlink()  # the process that started it may not have seen its end yet
    started = subprocess.run(command, user=user, capture_output=True, text=True, timeout=90)
    assert started.returncode == 0, started.stdout + started.stderr
