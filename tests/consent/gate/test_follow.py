"""What follows from a write: organizations keep their place and their time zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import HONOUR_EXTENSION, TIME_ZONE_EXTENSION
from app.store.engine import Database
from tests import build
from tests.rest.asking import refused
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


@pytest.mark.parametrize(("extensions", "honours"), [
    ([ZONE, {"url": HONOUR_EXTENSION, "valueBoolean": True}], True),
    ([ZONE, {"url": HONOUR_EXTENSION, "valueBoolean": False}, {"url": "urn:test:other", "valueBoolean": True}], False),
    ([ZONE], False),
])  # fmt: skip
async def test_parents_releases_are_honoured_past_the_18th_birthday_where_the_organization_says_so(
    world: World, extensions: list[dict[str, Any]], honours: bool
) -> None:
    district = await world.member("District")
    own = (await district.get(f"/Organization/{district.organization}")).json()
    await district.save({**own, "extension": extensions})
    ((held,),) = await as_owner(
        world, "SELECT honour FROM hallpass.organization WHERE id = :id", id=district.organization
    )
    assert held is honours


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
    school = await district.create({"resourceType": "Organization", "name": "School"})
    await world.client_of(school["id"], scopes="system/*.cruds", purposes=("TREAT",))
    answer = await district.put(f"/Organization/{school['id']}", {**school, "partOf": district.reference})
    refused(answer, 403, "forbidden", "Organization.partOf")


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
