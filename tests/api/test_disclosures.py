"""The record of disclosures: complete, for its custodian alone, as FHIR, CSV and a page to print."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.consent.codes import ACT_CODE, WHO_SIGNS
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
    "asked",
    ["recipient=", "recipient=x", "consent=", "consent=Consent/", "basis=", "start=", "_count=", "audience=clinic"],
)
async def test_a_record_is_narrowed_by_what_is_understood_or_refused(world: World, asked: str) -> None:
    district = await world.member("District")
    student = await district.create(build.patient())
    refused(await district.get(f"/Patient/{student['id']}/$disclosures?{asked}"), 400, "invalid")


async def test_the_record_for_a_parent_says_nothing_of_what_the_minor_controls(world: World) -> None:
    """Neither a record of such care, marked before or after, nor one that refers to it, nor what the minor signed."""
    district, clinic = await world.member("District", state="CA"), await world.member("Clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient(birthDate="2010-05-02"))
    mother = await district.create(build.guardian(student))
    minors = {"meta": {"security": [{"system": WHO_SIGNS, "code": "minor-signs"}]}}
    counseling = {"meta": {"security": [{"system": ACT_CODE, "code": "PSY"}]}}
    referral = await district.create(build.referral(student))
    visits = [await district.create(build.encounter(student, **more)) for more in ({}, minors, counseling, {})]
    about = await district.create(build.encounter(student, basedOn=[build.ref(referral)]))
    both = {"classes": ("Encounter",), "performer": [build.ref(mother), build.ref(student)]}
    shared = await district.create(build.consent(student, mother, district.reference, clinic.reference, **both))
    own = build.consent(student, student, district.reference, clinic.reference, classes=("Encounter",))
    own["provision"]["securityLabel"] = counseling["meta"]["security"]
    alone = await district.create(own)
    for consent in (shared, alone):
        assert (await clinic.get(f"/Consent/{consent['id']}")).status_code == 200
    for visit in (*visits, about):
        assert (await clinic.get(f"/Encounter/{visit['id']}")).status_code == 200
    await district.save({**build.encounter(student, **minors), "id": visits[3]["id"]})  # marked only now
    await district.save({**build.referral(student, **minors), "id": referral["id"]})
    path = f"/Patient/{student['id']}/$disclosures"

    async def told(asked: str) -> set[str]:
        rows = (await district.get(f"{path}?_format=csv{asked}")).text.splitlines()[1:]
        return {row.split(",")[1].split(" ")[0].partition("/")[2] for row in rows}

    assert await told("") == {r["id"] for r in (*visits, about, shared, alone)}
    assert await told("&audience=parent") == {visits[0]["id"], shared["id"]}
