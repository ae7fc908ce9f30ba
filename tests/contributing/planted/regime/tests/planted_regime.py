"""A law that one module declares asks for its elements, and stands wherever laws are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.world import BASE, World, open_world

URI = "https://www.nysenate.gov/legislation/laws/PBH/2780"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


async def test_what_the_law_requires_is_told_with_its_paragraph(world: World) -> None:
    district = await world.member("District", state="NY")
    clinic = await world.member("Clinic", state="NY")
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    consent = build.consent(student, mother, district.reference, clinic.reference)
    consent["policy"] = [{"uri": URI}]
    del consent["provision"]["period"]
    refused = await district.post("/Consent", consent)
    told = {i["expression"][0]: i["details"]["text"] for i in refused.json()["issue"]}
    assert told == {
        "Consent.provision.period.end": "The expiry is missing: an end date, or a coded event (NY PHL 2780(9))",
        "Consent.verification": "The element verification is missing (NY PHL 2780(9))",
    }


async def test_the_law_is_listed_where_laws_are(world: World) -> None:
    district = await world.member("Another district")
    student = await district.create(build.patient("S-2"))
    mother = await district.create(build.guardian(student))
    consent = build.consent(student, mother, district.reference, district.reference)
    consent["policy"] = [{"uri": "urn:unknown"}]
    refused = await district.post("/Consent", consent)
    assert URI in refused.json()["issue"][0]["details"]["text"]
    for path in ("CodeSystem/regime", "ValueSet/release-rule", "Library/notice-ny-27f"):
        found = await world.http.get(f"{BASE}/fhir/{path}")
        assert found.status_code == 200
        assert "27" in found.text
    profile = (await world.http.get(f"{BASE}/fhir/StructureDefinition?name=HallpassRelease")).text
    assert "NY PHL 2780(9) requires verification" in profile
