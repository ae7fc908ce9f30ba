"""Releases end while files are fetched: no line leaves after that was answered, and each that left is on the ledger.

HALLPASS_REVOCATIONS says how many are ended, HALLPASS_REVOCATION_SECONDS for how long at the most. Invariants 3 and 4.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.exchange.bulk import export
from tests import build
from tests.api.bulk.exports import kick_off, sent, work
from tests.scene import as_owner
from tests.world import Member, World, open_world

REVOCATIONS = int(os.environ.get("HALLPASS_REVOCATIONS", "40"))
LONGEST = float(os.environ.get("HALLPASS_REVOCATION_SECONDS", "540"))
STUDENTS = 12
READERS = 2


@pytest_asyncio.fixture
async def world(db: Database) -> AsyncIterator[World]:
    """A network whose tokens hold for as long as it takes."""
    async with open_world(db, token_seconds=3600, client_daily_bytes=10**12) as found:
        yield found


@dataclass
class Student:
    """A student with a visit, and when the release of both was over: from the answer on, up to the next signature."""

    patient: dict[str, str]
    mother: dict[str, str]
    visit: str
    release: dict[str, object] = field(default_factory=dict)
    over: list[tuple[float, float]] = field(default_factory=list)


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
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        async for part in sent(world, clinic, f"{status}/Encounter-1.ndjson", gzip=gzip):
            at = time.monotonic()
            lines = (unpack.decompress(part) if gzip else part).splitlines()
            watched.parts.append((at, tuple(json.loads(line)["id"] for line in lines)))


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
    status = await kick_off(clinic, "/Patient/$export?_type=Encounter")
    await work(world)
    watched, rng, ended = Watched(), Random(7), 0
    readers = [asyncio.create_task(read(world, clinic, status, watched, gzip=n % 2 == 1)) for n in range(READERS)]
    try:
        until = time.monotonic() + LONGEST
        while ended < REVOCATIONS and time.monotonic() < until:
            student = rng.choice(students)
            student.release = await district.save({**student.release, "status": "inactive"})
            answered = time.monotonic()
            await asyncio.sleep(rng.random() * 0.1)
            student.over.append((answered, time.monotonic()))
            ended += 1
            await sign(district, clinic, student)
    finally:
        watched.done = True
        await asyncio.gather(*readers)
    late = [
        (at, student.visit)
        for student in students
        for at, ids in watched.parts
        if student.visit in ids and any(begin < at < end for begin, end in student.over)
    ]
    assert late == []
    received = sum(len(ids) for _, ids in watched.parts)
    counted = "SELECT count(*) AS n FROM hallpass.disclosure WHERE recipient = :to AND interaction = 'export'"
    assert received == (await as_owner(world, counted, to=clinic.organization))[0].n > ended
    print(f"{ended} releases ended, {received} lines left in {len(watched.parts)} parts")
