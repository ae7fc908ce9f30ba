"""What a counselor asks of the directory before a referral. docs/guides/partners.md"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.search.own import CAPACITY, CAPACITY_CODES
from tests.api.asking import refused
from tests.world import Member, World

NEAR = "location.near=42.40|-83.05|10|km"


def service(member: Member, name: str, capacity: str, language: str, **more: Any) -> dict[str, Any]:
    """A service that says what a referral needs to know."""
    code = {"coding": [{"system": CAPACITY_CODES, "code": capacity}]}
    return {
        "resourceType": "HealthcareService",
        "active": True,
        "providedBy": member.reference,
        "name": name,
        "extension": [{"url": CAPACITY, "extension": [{"url": "capacityStatus", "valueCodeableConcept": code}]}],
        "communication": [{"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}],
        **more,
    }


@pytest_asyncio.fixture(scope="module")
async def names(world: World) -> tuple[Member, Member]:
    """A provider's services, and a district that looks for one."""
    clinic, district = await world.member("Clinic"), await world.member("District", zone="America/Chicago")
    place = {"resourceType": "Location", "name": "Main", "managingOrganization": clinic.reference}
    at = {"latitude": 42.33, "longitude": -83.05}
    where = await clinic.create({**place, "position": at, "address": {"city": "Grand Bend", "postalCode": "73334"}})
    weekdays = {"daysOfWeek": ["mon", "tue"], "availableStartTime": "09:00:00", "availableEndTime": "17:00:00"}
    free = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/service-provision-conditions", "code": "free"}]
    }
    grade = {"coding": [{"system": "https://hallpass.example/fhir/CodeSystem/grade-level", "code": "09"}]}
    food = {"coding": [{"system": "https://hallpass.example/fhir/CodeSystem/service-category", "code": "food"}]}
    pantry = service(clinic, "Pantry", "capacity", "es", availableTime=[weekdays], serviceProvisionCode=[free])
    place_of = {"location": [{"reference": f"Location/{where['id']}"}], "category": [food]}
    await clinic.create({**pantry, **place_of, "eligibility": [{"code": grade}]})
    await clinic.create(service(clinic, "Shelter", "waitlist", "en", availableTime=[{"allDay": True}]))
    await clinic.create(service(clinic, "Full", "no-capacity", "es"))
    return clinic, district


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("capacity=capacity", ["Pantry"]),
        (f"capacity={CAPACITY_CODES}|waitlist,{CAPACITY_CODES}|capacity", ["Pantry", "Shelter"]),
        ("capacity:not=no-capacity", ["Pantry", "Shelter"]),
        ("communication=es", ["Full", "Pantry"]),
        ("communication=es&capacity=capacity", ["Pantry"]),
        ("open-at=2026-09-28T10:15:00-05:00", ["Pantry", "Shelter"]),
        ("open-at=2026-09-28T20:00:00-05:00", ["Shelter"]),
        ("open-at=now&capacity=waitlist", ["Shelter"]),
        ("open-at=tue-1630", ["Pantry", "Shelter"]),
        ("provision=free", ["Pantry"]),
        ("eligibility=09", ["Pantry"]),
        ("service-category=food&location.address-city=Grand", ["Pantry"]),
        ("location.near=42.40|-83.05|10|km", ["Pantry"]),
        ("location.near=42.40|-83.05|7|km", []),
        ("location.near=42.40|-83.05|6|[mi_us]&capacity=capacity&communication=es", ["Pantry"]),
        ("location.near=42.40|-83.05", ["Pantry"]),
        (f"service-category=food&communication=es&open-at=tue-1630&capacity=capacity&{NEAR}", ["Pantry"]),
        (f"service-category=food&communication=es&open-at=sun-1630&capacity=capacity&{NEAR}", []),
        (f"service-category=housing&communication=es&open-at=tue-1630&capacity=capacity&{NEAR}", []),
    ],
)
async def test_a_service_is_found_by(names: tuple[Member, Member], query: str, found: list[str]) -> None:
    response = await names[1].get(f"/HealthcareService?{query}")
    assert response.status_code == 200, response.text
    assert sorted(e["resource"]["name"] for e in response.json().get("entry", [])) == found


async def test_a_day_alone_is_no_moment_to_be_open_at(names: tuple[Member, Member]) -> None:
    refused(await names[1].get("/HealthcareService?open-at=2026-09-28"), 400, "invalid")


@pytest.mark.parametrize("asked", ["42.4", "42.4|x", "42.4|-83|0|km", "42.4|-83|900|km", "42.4|-83|5|ly", "99|0|5|km"])
async def test_what_is_no_circle_is_refused(names: tuple[Member, Member], asked: str) -> None:
    refused(await names[1].get(f"/HealthcareService?location.near={asked}"), 400, "invalid")


async def test_each_parameter_of_our_own_is_defined(names: tuple[Member, Member]) -> None:
    listed = (await names[1].get("/metadata")).json()["rest"][0]["resource"]
    (own,) = [r for r in listed if r["type"] == "HealthcareService"]
    ours = [p["definition"] for p in own["searchParam"] if "hallpass" in p["definition"]]
    assert len(ours) == 5
    for url in ours:
        page = (await names[1].get(f"/SearchParameter?url={url}")).json()
        assert page["total"] == 1, url
