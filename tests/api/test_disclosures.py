"""The record of disclosures: complete, for its custodian alone, as FHIR, CSV and a page to print."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def test_each_disclosure_is_told_with_who_what_why_and_under_which_release(world: World) -> None:
    district, clinic = await world.member("Lake District"), await world.member("Clinic & Sons")
    await world.agree(district, clinic)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    referral = await district.create(build.referral(student))
    release = await district.create(build.consent(student, mother, district.reference, clinic.reference))
    await clinic.get(f"/ServiceRequest/{referral['id']}")
    await clinic.get("/Patient")
    path = f"/Patient/{student['id']}/$disclosures"

    bundle = (await district.get(path)).json()
    events = [e["resource"] for e in bundle["entry"]]
    cited = {e["what"]["reference"] for x in events for e in x["entity"]}
    assert len(events) == 2
    assert f"Consent/{release['id']}/_history/1" in cited
    assert f"ServiceRequest/{referral['id']}/_history/1" in cited
    assert {x["agent"][1]["who"]["reference"] for x in events} == {f"Organization/{clinic.organization}"}

    lines = (await district.get(f"{path}?_format=csv")).text.splitlines()
    assert len(lines) == 3
    assert "Clinic & Sons" in lines[1]
    page = (await district.get(f"{path}?_format=html")).text
    assert "Clinic &amp; Sons" in page

    first = (await district.get(f"{path}?_count=1")).json()
    following = next(x["url"] for x in first["link"] if x["relation"] == "next")
    second = (await district.get(following)).json()
    assert [first["entry"][0]["resource"]["id"], second["entry"][0]["resource"]["id"]] == [e["id"] for e in events]
    assert [x for x in second["link"] if x["relation"] == "next"] == []
    for way in (f"/Consent/{release['id']}", f"/Organization/{clinic.organization}"):
        pages = [(await district.get(f"{way}/$disclosures?_count=1")).json()]
        pages.append((await district.get(next(x["url"] for x in pages[0]["link"] if x["relation"] == "next"))).json())
        assert [p["entry"][0]["resource"]["id"] for p in pages] == [e["id"] for e in events]
    assert (await clinic.get(f"/Consent/{release['id']}/$disclosures")).status_code == 404
    assert (await district.get(f"{path}?basis=emergency")).json().get("entry") is None
    assert (await clinic.get(path)).status_code == 404
    received = (await district.get(f"/Organization/{clinic.organization}/$disclosures")).json()
    assert [e["resource"]["id"] for e in received["entry"]][-2:] == [e["id"] for e in events]


@pytest.mark.parametrize(
    "asked", ["recipient=", "recipient=x", "consent=", "consent=Consent/", "basis=", "start=", "_count="]
)
async def test_a_record_is_narrowed_by_what_is_understood_or_refused(world: World, asked: str) -> None:
    district = await world.member("District")
    student = await district.create(build.patient())
    refused(await district.get(f"/Patient/{student['id']}/$disclosures?{asked}"), 400, "invalid")
