"""A directory is brought in over the API, again without a change, and past the entries that are others'."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest_asyncio

from app.db.engine import Database
from app.intake.hsds.command import SCOPE, Directory
from app.intake.hsds.mapping import identifier
from app.intake.token import Tokens
from tests.world import BASE, Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


def directory(member: Member) -> Directory:
    """The directory as a member's client sees it."""
    tokens = Tokens(member.http, f"{BASE}/auth/token", member.client_id, member.key, scope=SCOPE)
    return Directory(member.http, BASE, tokens)


def pantry(organization: str) -> dict[str, Any]:
    """A service with its organization and place."""
    key = uuid4().hex
    place = {"id": f"l-{key}", "name": "Main", "addresses": [{"address_1": "1 Main St", "city": "Springfield"}]}
    return {
        "id": f"s-{key}",
        "name": f"Pantry {key}",
        "status": "active",
        "languages": [{"code": "es"}],
        "organization": {"id": organization, "name": "Food Bank"},
        "service_at_locations": [{"location": place}],
    }


async def test_a_service_is_filed_found_and_written_out(world: World) -> None:
    county = await world.member("County")
    service = pantry(uuid4().hex)
    exchange = directory(county)
    await exchange.bring([service, {**service, "id": "lonely", "organization": None}])
    assert exchange.report == {
        "Organization: created": 1,
        "Location: created": 1,
        "HealthcareService: created": 1,
        "services without an organization": 1,
    }
    found = await county.get("/HealthcareService?communication=es&location.address-city=Springfield&active=true")
    assert [e["resource"]["name"] for e in found.json()["entry"]] == [service["name"]]
    again = directory(county)
    await again.bring([service])
    assert again.report == {"Organization: there": 1, "Location: there": 1, "HealthcareService: there": 1}
    assert (await county.get("/HealthcareService?communication=es")).json()["entry"][0]["resource"]["meta"][
        "versionId"
    ] == "1"
    (back,) = [s for s in await exchange.services() if s["name"] == service["name"]]
    assert back["organization"]["name"] == "Food Bank"
    assert back["service_at_locations"][0]["location"]["addresses"][0]["city"] == "Springfield"


async def test_an_organization_that_another_has_filed_keeps_its_own_entries(world: World) -> None:
    owner, county = await world.member("Food Bank"), await world.member("County 2")
    key = uuid4().hex
    stands = (await owner.get(f"/{owner.reference['reference']}")).json()
    await owner.save({**stands, "identifier": [identifier("organization", key)]})
    exchange = directory(county)
    await exchange.bring([pantry(key), pantry(key)])
    assert exchange.report == {
        "Organization: kept by its owner": 1,
        "services of organizations that keep their own entries": 2,
    }
    assert (await owner.get(f"/{owner.reference['reference']}")).json()["name"] == "Food Bank"
