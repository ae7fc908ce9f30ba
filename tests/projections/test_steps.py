"""What follows from a write: organizations keep their place and their time zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import HONOR_EXTENSION, PARTICIPATION, TIME_ZONE_EXTENSION
from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.scene import as_owner
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def test_an_organization_that_holds_records_keeps_the_zone_in_which_their_dates_are_meant(world: World) -> None:
    district = await world.member("District", zone="America/New_York")
    own = (await district.get(f"/Organization/{district.organization}")).json()
    moved = {**own, "extension": [{"url": TIME_ZONE_EXTENSION, "valueCode": "America/Los_Angeles"}]}
    own = await district.save(moved)
    await district.create(build.patient())
    back = {**own, "extension": [{"url": TIME_ZONE_EXTENSION, "valueCode": "America/New_York"}]}
    path = f"/Organization/{district.organization}"
    refused(await district.put(path, back), 409, "business-rule", "Organization.extension")
    silent = {k: v for k, v in own.items() if k != "extension"}
    assert (await district.put(path, silent)).status_code == 200


async def test_a_zone_that_does_not_exist_is_refused(world: World) -> None:
    district = await world.member("District")
    own = (await district.get(f"/Organization/{district.organization}")).json()
    own["extension"] = [{"url": TIME_ZONE_EXTENSION, "valueCode": "Mars/Olympus"}]
    answer = await district.put(f"/Organization/{district.organization}", own)
    refused(answer, 422, "code-invalid", "Organization.extension")


ZONE = {"url": TIME_ZONE_EXTENSION, "valueCode": "America/New_York"}


@pytest.mark.parametrize(("extensions", "honors"), [
    ([ZONE, {"url": HONOR_EXTENSION, "valueBoolean": True}], True),
    ([ZONE, {"url": HONOR_EXTENSION, "valueBoolean": False}, {"url": "urn:test:other", "valueBoolean": True}], False),
    ([ZONE], False),
])  # fmt: skip
async def test_parents_releases_are_honoured_past_the_18th_birthday_where_the_organization_says_so(
    world: World, extensions: list[dict[str, Any]], honors: bool
) -> None:
    district = await world.member("District")
    own = (await district.get(f"/Organization/{district.organization}")).json()
    await district.save({**own, "extension": extensions})
    ((held,),) = await as_owner(
        world, "SELECT honor FROM hallpass.organization WHERE id = :id", id=district.organization
    )
    assert held is honors


async def _held(world: World, table: str, columns: str, resource: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What one of the tables that releases are judged by holds of a resource."""
    key = "compartment" if table == "student" else "id"
    found = await as_owner(world, f"SELECT {columns} FROM hallpass.{table} WHERE {key} = :id", id=resource["id"])
    return sorted(tuple(row) for row in found)


async def test_the_birth_of_a_student_is_known_as_it_is_told(world: World) -> None:
    district = await world.member("District")
    student = await district.create(build.patient())
    days = "born_from::text, born_to::text"
    assert await _held(world, "student", days, student) == [("2014-05-02", "2014-05-02")]
    await district.save({**student, "birthDate": "2015-02"})
    assert await _held(world, "student", days, student) == [("2015-02-01", "2015-02-28")]
    await district.save({k: v for k, v in student.items() if k != "birthDate"})
    assert await _held(world, "student", days, student) == []
    await district.save(student)
    assert len(await _held(world, "student", days, student)) == 1
    assert (await district.delete(f"/Patient/{student['id']}")).status_code == 204
    assert await _held(world, "student", days, student) == []


async def test_a_parent_may_sign_as_long_as_it_has_the_authority(world: World) -> None:
    district = await world.member("District")
    mother = await district.create(build.guardian(await district.create(build.patient())))
    assert len(await _held(world, "authority", "opens", mother)) == 1
    await district.save({**mother, "active": False})
    assert await _held(world, "authority", "opens", mother) == []
    await district.save(mother)
    assert len(await _held(world, "authority", "opens", mother)) == 1
    assert (await district.delete(f"/RelatedPerson/{mother['id']}")).status_code == 204
    assert await _held(world, "authority", "opens", mother) == []


def _code(code: str, system: str = PARTICIPATION) -> dict[str, Any]:
    return {"code": [{"coding": [{"system": system, "code": code}]}]}


THERE, BACK = ("one", "other"), ("other", "one")
BOTH = {"code": [*_code("IRCP")["code"], *_code("CST")["code"]]}


@pytest.mark.parametrize(("more", "ways"), [
    (_code("IRCP"), [THERE]),
    (_code("CST"), [BACK]),
    (BOTH, [THERE, BACK]),
    ({}, []),
    (_code("AUT"), []),
    (_code("IRCP", "urn:test:other"), []),
    ({**BOTH, "active": False}, []),
    ({**BOTH, "active": None}, []),
    ({**BOTH, "participatingOrganization": {"display": "Somebody"}}, []),
])  # fmt: skip
async def test_an_agreement_goes_the_way_that_it_says(
    world: World, more: dict[str, Any], ways: list[tuple[str, str]]
) -> None:
    one, other = await world.member("One"), await world.member("Other")
    sides = {"organization": one.reference, "participatingOrganization": other.reference}
    said = {"resourceType": "OrganizationAffiliation", "active": True, **sides, **more}
    made = await one.create({k: v for k, v in said.items() if v is not None})
    named = {"one": one.organization, "other": other.organization}
    held = await _held(world, "agreement", "discloser, recipient", made)
    assert held == sorted((named[a], named[b]) for a, b in ways)
    assert (await one.delete(f"/OrganizationAffiliation/{made['id']}")).status_code == 204
    ended = await _held(world, "agreement", "closes <= clock_timestamp()", made)
    assert ended == [(True,)] * len(ways)


async def test_an_agreement_is_in_force_in_its_period_alone(world: World) -> None:
    one, other = await world.member("One", zone="UTC"), await world.member("Other")
    sides = {"organization": one.reference, "participatingOrganization": other.reference}
    said = {"resourceType": "OrganizationAffiliation", "active": True, **sides, **_code("IRCP")}
    made = await one.create({**said, "period": {"start": "2096-09-01", "end": "2097-06-30"}})
    assert await _held(world, "agreement", "opens AT TIME ZONE 'UTC', closes AT TIME ZONE 'UTC'", made) == [
        (datetime(2096, 9, 1), datetime(2097, 7, 1))  # noqa: DTZ001 - the database's, in UTC
    ]


async def test_a_release_that_is_ended_opens_nothing_more(world: World) -> None:
    district, clinic = await world.member("District"), await world.member("Clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    release = await district.create(build.consent(student, mother, district.reference, clinic.reference))
    assert await clinic.ids("/Patient") == [student["id"]]
    await district.save({**release, "status": "inactive"})
    assert await clinic.ids("/Patient") == []
    assert await as_owner(world, "SELECT org FROM hallpass.validity WHERE consent = :id", id=release["id"]) == []


async def test_a_district_hangs_its_schools_under_itself_and_sees_what_they_hold(world: World) -> None:
    district = await world.member("District")
    school = await district.create({"resourceType": "Organization", "name": "School", "partOf": district.reference})
    teller = await world.client_of(school["id"], scopes="system/*.cruds", purposes=("TREAT",))
    student = await teller.create(build.patient())
    assert await district.ids("/Patient") == [student["id"]]
    assert (await district.get(f"/Patient/{student['id']}")).status_code == 200


async def test_an_organization_is_not_hung_under_anothers(world: World) -> None:
    district, other = await world.member("District"), await world.member("Other")
    school = {"resourceType": "Organization", "name": "School", "partOf": other.reference}
    refused(await district.post("/Organization", school), 403, "forbidden", "Organization.partOf")


async def test_an_organization_that_calls_for_itself_is_not_moved_by_the_api(world: World) -> None:
    district = await world.member("District")
    school, house = [
        await district.create({"resourceType": "Organization", "name": name, "partOf": district.reference})
        for name in ("School", "House")
    ]
    await world.client_of(school["id"], scopes="system/*.cruds", purposes=("TREAT",))
    answer = await district.put(f"/Organization/{school['id']}", {**school, "partOf": build.ref(house)})
    refused(answer, 403, "forbidden", "Organization")


async def test_an_organization_that_the_operator_placed_tells_of_itself_and_stays_there(world: World) -> None:
    district = await world.member("District")
    school = await world.member("School", part_of=district.organization)
    own = (await school.get(f"/Organization/{school.organization}")).json()
    assert own["partOf"] == district.reference
    assert (await school.save({**own, "alias": ["The School"]}))["partOf"] == district.reference


async def test_an_organization_is_no_part_of_itself(world: World) -> None:
    district = await world.member("District")
    school = await district.create({"resourceType": "Organization", "name": "School", "partOf": district.reference})
    house = await district.create({"resourceType": "Organization", "name": "House", "partOf": build.ref(school)})
    answer = await district.put(f"/Organization/{school['id']}", {**school, "partOf": build.ref(house)})
    refused(answer, 422, "business-rule", "Organization.partOf")


async def test_an_organization_with_records_or_parts_is_not_deleted(world: World) -> None:
    district = await world.member("District")
    school = await district.create({"resourceType": "Organization", "name": "School", "partOf": district.reference})
    house = await district.create({"resourceType": "Organization", "name": "House", "partOf": build.ref(school)})
    assert (await district.delete(f"/Organization/{school['id']}")).status_code == 409
    assert (await district.delete(f"/Organization/{house['id']}")).status_code == 204
    assert (await district.delete(f"/Organization/{school['id']}")).status_code == 204
