"""What a caller may read it also finds by search, whenever its organization came to be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.consent.codes import RESOURCE_TYPES
from app.consent.model import Provision
from app.db import projections
from app.db.engine import Database
from app.projections.consent import put_release
from tests import build
from tests.scene import set_scene
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


def _exception(root: Provision, node: int, classes: frozenset[str] | None) -> Provision:
    return replace(root, node=node, parent=0, permit=False, classes=classes)


def _excepting(*all_classes: frozenset[str] | None) -> Callable[[Provision], tuple[Provision, ...]]:
    """The root with an exception for each of these."""
    return lambda root: (root, *(_exception(root, n, c) for n, c in enumerate(all_classes, 1)))


OTHERS = frozenset({f"{RESOURCE_TYPES}|Task"})


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (_excepting(), lambda root: (replace(root, permit=False),)),
        (_excepting(), _excepting(None)),
        (_excepting(OTHERS, OTHERS), _excepting(OTHERS, None)),
    ],
)
async def test_what_a_release_comes_to_deny_is_closed_before_the_index_is_made_again(
    world: World, said: Callable[[Provision], Sequence[Provision]], says: Callable[[Provision], Sequence[Provision]]
) -> None:
    """However many provisions it had and has: their number says nothing of what they deny."""
    scene = await set_scene(world, "Encounter")
    visit, student, district = scene.records["Encounter"]["id"], UUID(scene.student["id"]), scene.district.organization
    [consent] = [UUID(c) for c in await scene.clinic.ids("/Consent")]
    engine = create_async_engine(world.db.owner)
    for form, status in ((said, 200), (says, 404)):
        async with engine.begin() as connection:
            before = await projections.release(connection, student, consent)
            assert before is not None
            now = replace(before, provisions=tuple(form(before.provisions[0])))
            await put_release(connection, student, district, consent, before, now)
            if form is said:
                await connection.execute(_CAUGHT_UP)
        assert (await scene.clinic.get(f"/Encounter/{visit}")).status_code == status
        assert (visit in await scene.clinic.ids("/Encounter")) == (status == 200)
    await engine.dispose()
