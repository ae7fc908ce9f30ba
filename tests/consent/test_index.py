"""What a caller may read it also finds by search, whenever its organization came to be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from tests import build
from tests.world import EVERYTHING, Member, World, open_world

_DIFFERENT = text("""
    WITH computed AS (
        SELECT c.* FROM (SELECT DISTINCT compartment FROM hallpass.resource) s
        CROSS JOIN LATERAL hallpass.expected_student_access(s.compartment) c)
    SELECT count(*) FROM (
        (TABLE computed EXCEPT TABLE hallpass.access) UNION ALL (TABLE hallpass.access EXCEPT TABLE computed)) d
""")
_CAUGHT_UP = text("SELECT hallpass.clear_index_backlog(1000)")


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def differences(world: World) -> int:
    """How many rows of the access index are not what they would be if it were made again."""
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await connection.execute(_CAUGHT_UP)
        found = int(await connection.scalar(_DIFFERENT) or 0)
    await engine.dispose()
    return found


async def _finds(member: Member, *found: dict[str, object]) -> None:
    for resource in found:
        assert (await member.get(f"/{resource['resourceType']}/{resource['id']}")).status_code == 200
        assert await member.ids(f"/{resource['resourceType']}") == [resource["id"]]


async def test_a_part_that_a_recipient_founds_later_finds_what_the_recipient_finds(world: World) -> None:
    """By release and as a party; and what is filed after it was founded, too."""
    district, clinic = [await world.member(n) for n in ("District", "Clinic")]
    await world.agree(district, clinic)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    referral = await district.create(build.referral(student))
    release = await district.create(build.consent(student, mother, district.reference, clinic.reference))
    errand = await district.create(build.task(student, referral, district.reference, clinic.reference))

    founded = await clinic.create({"resourceType": "Organization", "name": "Night desk", "partOf": clinic.reference})
    desk = await world.client_of(founded["id"], scopes=EVERYTHING, purposes=("TREAT",))
    await _finds(desk, student, referral, release, errand)
    assert await differences(world) == 0

    later = await district.create(build.referral(student))
    assert sorted(await desk.ids("/ServiceRequest")) == sorted([referral["id"], later["id"]])
    await district.save({**release, "status": "inactive"})
    assert await desk.ids("/ServiceRequest") == []
    assert await desk.ids("/Task") == []
    assert await differences(world) == 0


async def test_an_organization_that_is_taken_away_leaves_nothing_in_the_index(world: World) -> None:
    """Its rows go with it."""
    district, clinic = [await world.member(n) for n in ("District", "Clinic")]
    student = await district.create(build.patient("S-2"))
    referral = await district.create(build.referral(student))
    await district.create(build.task(student, referral, district.reference, clinic.reference))
    founded = await clinic.create({"resourceType": "Organization", "name": "Day desk", "partOf": clinic.reference})
    assert (await clinic.delete(f"/Organization/{founded['id']}")).status_code == 204
    assert await differences(world) == 0


async def test_a_caller_is_the_organization_of_its_token_whatever_it_says(world: World) -> None:
    """No header and no parameter makes it another, or gives it another purpose."""
    district, clinic, other = [await world.member(n) for n in ("District", "Clinic", "Other")]
    await world.agree(district, clinic)
    await world.agree(district, other)
    student = await district.create(build.patient("S-3"))
    mother = await district.create(build.guardian(student))
    named = build.consent(student, mother, district.reference, clinic.reference, purposes=("HPAYMT",))
    await district.create(named)
    claims = {
        "X-Organization": str(clinic.organization),
        "X-Forwarded-User": clinic.client_id,
        "X-Purpose-Of-Use": "HPAYMT",
        "From": f"Organization/{clinic.organization}",
    }
    for caller in (other, clinic):
        response = await caller.get(f"/Patient/{student['id']}", headers=claims)
        assert response.status_code == 404
        lenient = {**claims, "Prefer": "handling=lenient"}
        found = await caller.get(f"/Patient?organization={clinic.organization}&purpose=HPAYMT", headers=lenient)
        assert found.status_code in (200, 400)
        assert str(student["id"]) not in found.text
