"""The copies that measurements are made on are what the server itself would have stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import URL

from app.db.engine import Database
from bench import copies, network
from bench.network import Network, copy_id
from bench.stage import ALL, LEAN, Stage
from bench.swell import swell
from tests.world import World, open_world

_ACCESS = "SELECT to_jsonb(a) FROM hallpass.access a WHERE compartment = $1 ORDER BY org, id, consent"
_INDEXES = """
    SELECT indexname AS name, indexdef AS made FROM pg_indexes WHERE schemaname = 'hallpass' UNION ALL
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'hallpass'::regnamespace
    ORDER BY name, made
"""


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def found(world: World) -> Network:
    """The members and the sample."""
    return await network.members(world)


@pytest_asyncio.fixture
async def raw(database: URL) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database.set(drivername="postgresql").render_as_string(hide_password=False))
    yield connection
    await connection.close()


async def indexed(raw: Any, student: UUID) -> bool:
    """Whether the access index holds what the server makes it hold."""
    before = await raw.fetch(_ACCESS, student)
    await raw.execute("SELECT hallpass.index_student($1, NULL)", student)
    return bool(await raw.fetch(_ACCESS, student) == before)


async def test_a_released_copy_is_read_searched_and_indexed_like_the_sample(
    database: URL, found: Network, raw: Any
) -> None:
    await copies.copies(database, found, range(1, 3), released=True, types=ALL)
    ids = {name: str(copy_id(own, 2)) for name, own in found.sample.items()}
    copy = (await found.clinic.get(f"/ServiceRequest/{ids['ServiceRequest']}")).json()
    own = (await found.clinic.get(f"/ServiceRequest/{found.sample['ServiceRequest']}")).json()
    assert copy["subject"]["reference"] == f"Patient/{ids['Patient']}"
    assert copy["identifier"][0]["value"] == "S-00000002"
    assert {**copy, "id": "", "meta": "", "subject": "", "identifier": ""} == {
        **own, "id": "", "meta": "", "subject": "", "identifier": ""
    }  # fmt: skip
    assert await found.clinic.ids("/ServiceRequest?identifier=S-00000002") == [ids["ServiceRequest"]]
    assert await found.clinic.ids(f"/ServiceRequest?patient={ids['Patient']}") == [ids["ServiceRequest"]]
    assert await indexed(raw, copy_id(found.sample["Patient"], 2))


async def test_a_copy_without_a_release_is_its_district_s_alone_and_has_the_types_that_were_asked_for(
    database: URL, found: Network, raw: Any
) -> None:
    await copies.copies(database, found, range(10, 12), released=False, types=LEAN)
    ids = {name: str(copy_id(own, 11)) for name, own in found.sample.items()}
    assert (await found.clinic.get(f"/Patient/{ids['Patient']}")).status_code == 404
    assert (await found.district.get(f"/Patient/{ids['Patient']}")).status_code == 200
    assert (await found.district.get(f"/Encounter/{ids['Encounter']}")).status_code == 404
    assert await indexed(raw, copy_id(found.sample["Patient"], 11))


async def test_many_copies_leave_the_indexes_and_constraints_as_they_were(
    database: URL, found: Network, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await raw.fetch(_INDEXES)
    monkeypatch.setattr(copies, "MANY", 1)
    await copies.copies(database, found, range(20, 25), released=False, types=LEAN)
    assert await raw.fetch(_INDEXES) == before
    assert await found.district.ids("/Patient?identifier=S-00000024") == [str(copy_id(found.sample["Patient"], 24))]
    assert await raw.fetchval("SHOW autovacuum") == "on"


async def test_a_swollen_record_is_one_student_s_and_its_release_opens_it(
    database: URL, found: Network, raw: Any
) -> None:
    await asyncio.to_thread(swell, Stage(Path(), database, found, 1), "Encounter", range(1, 4))
    student = found.sample["Patient"]
    seen = (await found.clinic.get(f"/Encounter?patient={student}")).json()
    assert seen["total"] == 4
    assert {e["resource"]["id"] for e in seen["entry"]} == {e["fullUrl"].rpartition("/")[2] for e in seen["entry"]}
    assert await indexed(raw, UUID(student))


async def test_what_a_student_got_since_has_no_copies(database: URL, found: Network, raw: Any) -> None:
    await asyncio.to_thread(swell, Stage(Path(), database, found, 1), "Encounter", range(10, 12))
    release = (await found.district.get(f"/Consent/{found.sample['Consent']}")).json()
    await found.district.save({**release, "status": "inactive"})
    again = {k: v for k, v in release.items() if k not in ("id", "meta")}
    await found.district.create({**again, "dateTime": "2026-09-16"})
    await copies.copies(database, found, range(30, 31), released=True, types=ALL)
    held = await raw.fetch(
        "SELECT type FROM hallpass.resource WHERE compartment = $1", copy_id(found.sample["Patient"], 30)
    )
    assert sorted(row["type"] for row in held) == sorted(ALL)
    assert await found.clinic.ids("/ServiceRequest?identifier=S-00000030")
