"""The main job: a district pushes, a provider pulls what a signed release permits, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from tests import build
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def test_a_release_opens_what_it_names_and_its_end_closes_it(world: World) -> None:
    district, clinic, stranger = [await world.member(n) for n in ("District", "Clinic", "Stranger")]
    await world.agree(district, clinic)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    referral = await district.create(build.referral(student, clinic.reference))
    visit = await district.create(build.encounter(student))

    absent = await clinic.get("/ServiceRequest/00000000-0000-4000-8000-000000000000")
    hidden = await clinic.get(f"/ServiceRequest/{referral['id']}")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert await clinic.ids("/ServiceRequest") == []

    release = await district.create(build.consent(student, mother, district.reference, clinic.reference))
    seen = await clinic.get("/ServiceRequest?_include=ServiceRequest:patient")
    assert seen.status_code == 200, seen.text
    assert [e["resource"]["id"] for e in seen.json()["entry"]] == [referral["id"], student["id"]]
    assert seen.json()["total"] == 1
    labels = seen.json()["entry"][0]["resource"]["meta"]["security"]
    assert [x["code"] for x in labels] == ["NORDSCLCD"]
    assert (await clinic.get(f"/Encounter/{visit['id']}")).status_code == 404
    assert await stranger.ids("/ServiceRequest") == []
    assert await clinic.ids("/Consent") == [release["id"]]

    ended = await district.save({**release, "status": "inactive"})
    assert ended["status"] == "inactive"
    assert await clinic.ids("/ServiceRequest") == []
    assert (await clinic.get(f"/ServiceRequest/{referral['id']}")).status_code == 404
    assert (await clinic.get(f"/ServiceRequest/{referral['id']}/_history")).status_code == 404

    engine = create_async_engine(world.db.owner)
    async with engine.connect() as connection:
        rows = (
            await connection.execute(
                text("""SELECT type, consent, consent_version FROM hallpass.disclosure
                        WHERE student = :s AND basis = 'release' ORDER BY type"""),
                {"s": student["id"]},
            )
        ).all()
    await engine.dispose()
    assert [(r.type, str(r.consent), r.consent_version) for r in rows] == [
        ("Patient", release["id"], 1),
        ("ServiceRequest", release["id"], 1),
    ]
