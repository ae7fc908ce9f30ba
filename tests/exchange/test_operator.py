"""What the operator stores is what one reads, and nothing of it stands in an error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError

from app.consent.codes import PARTICIPATION, TIME_ZONE_EXTENSION
from app.db.engine import Database
from tests.scene import as_owner
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def test_an_organization_is_stored_with_all_that_is_said_of_it(world: World) -> None:
    district = await world.member("District")
    said = {"identifier": ("urn:test:nces", "0601"), "state": "CA", "zone": "America/Los_Angeles"}
    school = await world.operator.add_organization("School", part_of=district.organization, **said)
    found = (await district.get(f"/Organization/{school}")).json()
    assert {k: v for k, v in found.items() if k not in ("id", "meta")} == {
        "resourceType": "Organization",
        "active": True,
        "name": "School",
        "identifier": [{"system": "urn:test:nces", "value": "0601"}],
        "partOf": district.reference,
        "address": [{"state": "CA"}],
        "extension": [{"url": TIME_ZONE_EXTENSION, "valueCode": "America/Los_Angeles"}],
    }


async def test_an_agreement_is_held_by_each_side_and_ends_with_the_day_there(world: World) -> None:
    """Both ways takes two, and the day ends by the clock of who holds it."""
    zones = ("America/Los_Angeles", "Asia/Tokyo")
    one, other = [await world.member(zone, zone=zone) for zone in zones]
    await world.operator.add_agreement(one.organization, other.organization, both_ways=True, end="2030-06-30")
    recipient = {"system": PARTICIPATION, "code": "IRCP", "display": "information recipient"}
    for holder, partner, ends in ((one, other, "2030-07-01T07:00:00"), (other, one, "2030-06-30T15:00:00")):
        (entry,) = (await holder.get(f"/OrganizationAffiliation?primary-organization={holder.organization}")).json()[
            "entry"
        ]
        held = entry["resource"]
        assert {k: v for k, v in held.items() if k not in ("id", "meta")} == {
            "resourceType": "OrganizationAffiliation",
            "active": True,
            "organization": holder.reference,
            "participatingOrganization": partner.reference,
            "code": [{"coding": [recipient]}],
            "period": {"end": "2030-06-30"},
        }
        ((closes,),) = await as_owner(
            world, "SELECT closes AT TIME ZONE 'UTC' FROM hallpass.agreement WHERE id = :id", id=held["id"]
        )
        assert closes.isoformat() == ends


async def test_an_error_tells_nothing_of_what_was_to_be_stored(world: World) -> None:
    await as_owner(
        world,
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON hallpass.resource EXECUTE FUNCTION public.refuse()",
    )
    try:
        with pytest.raises(DBAPIError) as caught:
            await world.operator.add_organization("Quillfeather School")
        assert caught.value.params is None
        assert "Quillfeather" not in str(caught.value)
    finally:
        await as_owner(world, "DROP TRIGGER refuse ON hallpass.resource", "DROP FUNCTION public.refuse")
