"""`$validate` accepts what others wrote as examples, and what our own programs write keeps our profiles.

https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.capability.catalog import examples as own_examples
from app.capability.profiles import PROFILES
from app.demo.resources import COUNSELING, encounter, referral, task
from app.fhir.json import dump
from app.resources import TYPES
from tests.fhir.samples import examples
from tests.world import Member, World

FHIR_JSON = {"Content-Type": "application/fhir+json"}
STUDENT = {"resourceType": "Patient", "id": "s"}
CLINIC = {"reference": "Organization/c"}
REFERRAL = {"id": "r", **referral("referral-1", STUDENT, COUNSELING, CLINIC)}


@pytest_asyncio.fixture(scope="module")
async def member(world: World) -> Member:
    return await world.member("Validator")


async def severities(member: Member, resource: dict[str, Any], query: str = "") -> list[str]:
    path = f"/{resource['resourceType']}/$validate{query}"
    response = await member.post(path, content=dump(resource), headers=FHIR_JSON)
    assert response.status_code == 200, response.text
    return [i["severity"] for i in response.json()["issue"]]


REFUSED = {"HealthcareService-example.json"}
"""Valid FHIR that the exchange refuses: an entry of the directory contains no other resource."""
INVALID = {
    "Questionnaire-qs1.json",  # items without a linkId
    "Questionnaire-zika-virus-exposure-assessment.json",  # a narrative without content: txt-2
}
"""Official examples that break FHIR's own rules."""


@pytest.mark.parametrize("resource", [pytest.param(r, id=n) for n, r in examples(*TYPES) if n not in REFUSED | INVALID])
async def test_an_official_example_is_valid(member: Member, resource: dict[str, Any]) -> None:
    assert set(await severities(member, resource)) <= {"information", "warning"}


@pytest.mark.parametrize("resource", own_examples(), ids=lambda r: r["id"])
async def test_an_example_of_ours_is_valid_by_the_profile_that_it_claims(
    member: Member, resource: dict[str, Any]
) -> None:
    assert await severities(member, resource) == ["information"]


@pytest.mark.parametrize(
    ("profile", "resource"),
    [
        ("referral", REFERRAL),
        ("referral-task", task("task-1", REFERRAL, {"reference": "Organization/d"})),
        ("service", encounter(REFERRAL, CLINIC)),
    ],
)
async def test_what_the_demonstration_writes_keeps_the_profile(
    member: Member, profile: str, resource: dict[str, Any]
) -> None:
    url = next(p.url for p in PROFILES if p.name == profile)
    assert await severities(member, resource, f"?profile={url}") == ["information"]
