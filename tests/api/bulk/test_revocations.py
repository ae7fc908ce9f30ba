"""Releases end while files are written and fetched: no line leaves after that was answered, and each is on the ledger.

HALLPASS_REVOCATIONS says how many are ended, HALLPASS_REVOCATION_SECONDS for how long at the most. Invariants 3 and 4.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import zlib
from bisect import bisect
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.exchange.bulk import export
from tests import build
from tests.api.bulk.exports import kick_off, sent, swept, work
from tests.scene import as_owner
from tests.world import Member, World, open_world

REVOCATIONS = int(os.environ.get("HALLPASS_REVOCATIONS", "40"))
LONGEST = float(os.environ.get("HALLPASS_REVOCATION_SECONDS", "540"))
STUDENTS = 12
READERS = 2
DRIVERS = 4
EXPORT = "/Patient/$export?_type=Encounter"
PAUSE = 0.03
"""Seconds, at the most, until the next release is signed."""


@pytest_asyncio.fixture(params=["records", "store"])
async def world(db: Database, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A network whose tokens hold for as long as it takes, without an export store and with one."""
    store = str(tmp_path) if request.param == "store" else ""
    async with open_world(db, token_seconds=3600, client_daily_bytes=10**12, export_store=store) as found:
        yield found


@dataclass
class Student:
    """A student with a visit, and when the release of both was over: from the answer on, up to the next signature."""

    patient: dict[str, str]
    mother: dict[str, str]
    visit: str
    release: dict[str, object] = field(default_factory=dict)
    over: list[tuple[float, float]] = field(default_factory=list)

    def is_late(self, at: float) -> bool:
        """Whether nothing was released at a moment. The times in `over` follow each other."""
        n = bisect(self.over, (at, at)) - 1
        return n >= 0 and self.over[n][0] < at < self.over[n][1]


@dataclass
class Watched:
    """What was handed over: when, and the ids of the records in it."""

    parts: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    done: bool = False


async def sign(district: Member, clinic: Member, student: Student) -> None:
    """Release the student's records to the clinic."""
    student.release = await district.create(
        build.consent(
            student.patient,
            student.mother,
            district.reference,
            clinic.reference,
            classes=("Patient", "Encounter"),
            dateTime=datetime.now(UTC).isoformat(),
        )
    )


async def read(world: World, clinic: Member, status: str, watched: Watched, *, gzip: bool) -> None:
    """Fetch a file again and again, and note each part as it is handed over."""
    while not watched.done:
        await read_once(world, clinic, status, watched, gzip=gzip)


async def read_once(world: World, clinic: Member, status: str, watched: Watched, *, gzip: bool) -> None:
    """Fetch a file, and note each part as it is handed over."""
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    async for part in sent(world, clinic, f"{status}/Encounter-1.ndjson", gzip=gzip):
        at = time.monotonic()
        lines = (unpack.decompress(part) if gzip else part).splitlines()
        watched.parts.append((at, tuple(json.loads(line)["id"] for line in lines)))


async def write(world: World, clinic: Member, watched: Watched) -> None:
    """Have exports chosen and written, one after the other, and fetch each."""
    while not watched.done:
        status = await kick_off(clinic, EXPORT)
        await work(world)
        if (await clinic.get(status)).json()["output"]:
            await read_once(world, clinic, status, watched, gzip=False)
        await clinic.delete(status)
        await swept(world)


async def drive(district: Member, clinic: Member, students: list[Student], seed: int, until: float) -> int:
    """End releases at random, and sign them again; how many."""
    rng, ended = Random(seed), 0
    while ended < REVOCATIONS / DRIVERS and time.monotonic() < until:
        student = rng.choice(students)
        student.release = await district.save({**student.release, "status": "inactive"})
        answered = time.monotonic()
        await asyncio.sleep(rng.random() * PAUSE)
        student.over.append((answered, time.monotonic()))
        ended += 1
        await sign(district, clinic, student)
    return ended


async def test_no_line_leaves_after_the_end_of_its_release_was_answered_and_each_is_on_the_ledger(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE_LINES", 3)
    monkeypatch.setattr("app.api.bulk_lines.FIRST_LINES", 3)
    district, clinic = await world.member("Revoking district"), await world.member("Reading clinic")
    await world.agree(district, clinic)
    students = []
    for n in range(STUDENTS):
        patient = await district.create(build.patient(f"R-{n}"))
        visit = await district.create(build.encounter(patient))
        students.append(Student(patient, await district.create(build.guardian(patient)), visit["id"]))
        await sign(district, clinic, students[-1])
    status = await kick_off(clinic, EXPORT)
    await work(world)
    watched = Watched()
    others = [asyncio.create_task(read(world, clinic, status, watched, gzip=n % 2 == 1)) for n in range(READERS)]
    others.append(asyncio.create_task(write(world, clinic, watched)))
    until = time.monotonic() + LONGEST
    try:
        drivers = [drive(district, clinic, students[n::DRIVERS], n, until) for n in range(DRIVERS)]
        ended = sum(await asyncio.gather(*drivers))
    finally:
        watched.done = True
        await asyncio.gather(*others)
    by_visit = {student.visit: student for student in students}
    assert [(at, id) for at, ids in watched.parts for id in ids if by_visit[id].is_late(at)] == []
    received = sum(len(ids) for _, ids in watched.parts)
    counted = "SELECT count(*) AS n FROM hallpass.disclosure WHERE recipient = :to AND interaction = 'export'"
    assert received == (await as_owner(world, counted, to=clinic.organization))[0].n > 0
    print(f"{ended} releases ended, {received} lines left in {len(watched.parts)} parts")
