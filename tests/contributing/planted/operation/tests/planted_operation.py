"""An operation that one module declares is on every surface."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from app.capability.reference import reference
from app.db.engine import Database
from tests import build
from tests.world import BASE, World, open_world

DEFINITION = "https://hallpass.example/fhir/OperationDefinition/ServiceRequest-waiting"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


async def test_it_answers_whoever_may_see_the_resource(world: World) -> None:
    district, clinic = await world.member("District"), await world.member("Clinic")
    student = await district.create(build.patient())
    referral = await district.create({**build.referral(student, clinic.reference), "authoredOn": "2026-01-01"})
    answer = (await district.get(f"/ServiceRequest/{referral['id']}/$waiting")).json()
    assert answer["parameter"][0]["valueInteger"] > 200
    assert (await clinic.get(f"/ServiceRequest/{referral['id']}/$waiting")).status_code == 404
    assert (await world.http.get(f"{BASE}/fhir/ServiceRequest/{referral['id']}/$waiting")).status_code == 401


async def test_it_stands_on_every_surface(world: World) -> None:
    statement = (await world.http.get(f"{BASE}/fhir/metadata")).json()
    stated = next(r for r in statement["rest"][0]["resource"] if r["type"] == "ServiceRequest")
    assert {"name": "waiting", "definition": DEFINITION} in stated["operation"]
    defined = (await world.http.get(f"{BASE}/fhir/OperationDefinition/ServiceRequest-waiting")).json()
    assert (defined["code"], defined["instance"], defined["parameter"][0]["name"]) == ("waiting", True, "days")
    document = (await world.http.get(f"{BASE}/openapi.json")).json()
    described = document["paths"]["/fhir/ServiceRequest/{id}/$waiting"]["get"]
    assert described["security"] == [{"smart": ["system/ServiceRequest.r"]}]
    assert "`GET ServiceRequest/[id]/$waiting`" in reference()
