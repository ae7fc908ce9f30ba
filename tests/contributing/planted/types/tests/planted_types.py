"""A type that one module declares is served whole: stored, read, validated and searched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.build import about
from tests.world import BASE, Member, World, open_world

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """A district."""
    return await world.member("District")


@pytest_asyncio.fixture(scope="module")
async def student(district: Member) -> Json:
    """Its student."""
    return await district.create(build.patient())


def coded(system: str, code: str) -> Json:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


SUBJECT = {"reference": "@student"}
RESOURCES: dict[str, Json] = {
    "EpisodeOfCare": {
        "status": "active",
        "type": [coded("http://terminology.hl7.org/CodeSystem/episodeofcare-type", "hacc")],
        "patient": SUBJECT,
        "period": {"start": "2026-09-01", "end": "2027-06-30"},
    },
}
SEARCHES = [
    ("EpisodeOfCare", "type=hacc", "type=pac"),
    ("EpisodeOfCare", "date=ge2026-10-01", "date=gt2028"),
    ("EpisodeOfCare", "patient=@student", "status=finished"),
]


@pytest_asyncio.fixture(scope="module")
async def stored(district: Member, student: Json) -> dict[str, Json]:
    """One resource of each type, by type."""
    return {
        name: await district.create({"resourceType": name, **about(student, body)}) for name, body in RESOURCES.items()
    }


@pytest.mark.parametrize("name", list(RESOURCES))
async def test_a_resource_comes_back_as_it_was_stored(
    district: Member, student: Json, stored: dict[str, Json], name: str
) -> None:
    read = (await district.get(f"/{name}/{stored[name]['id']}")).json()
    sent = about(student, RESOURCES[name])
    assert {k: read[k] for k in sent} == sent


@pytest.mark.parametrize(("name", "found", "missed"), SEARCHES)
async def test_it_is_found_by_its_values_and_by_no_other(
    district: Member, student: Json, stored: dict[str, Json], name: str, found: str, missed: str
) -> None:
    assert await district.ids(f"/{name}?{about(student, found)}") == [stored[name]["id"]]
    assert await district.ids(f"/{name}?{missed}") == []


async def test_a_fault_is_refused(district: Member, student: Json) -> None:
    faulty = {**about(student, RESOURCES["EpisodeOfCare"]), "period": {"start": "2027", "end": "2026"}}
    refused = await district.post("/EpisodeOfCare", {"resourceType": "EpisodeOfCare", **faulty})
    assert refused.status_code == 422
    assert [i["expression"] for i in refused.json()["issue"]] == [["EpisodeOfCare.period"]]


async def test_the_type_stands_in_the_documents(world: World) -> None:
    stated = (await world.http.get(f"{BASE}/fhir/metadata")).json()["rest"][0]["resource"]
    paths = (await world.http.get(f"{BASE}/openapi.json")).json()["paths"]
    for name in RESOURCES:
        resource = next(r for r in stated if r["type"] == name)
        assert (await world.http.get(f"{BASE}/fhir/StructureDefinition/{name}")).status_code == 200
        assert resource["profile"].endswith(name)
        assert f"/fhir/{name}/{{id}}" in paths
