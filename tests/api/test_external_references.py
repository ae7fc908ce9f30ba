"""References to other servers, to what is not stored, and to things that have an identifier alone.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.world import Member, World, open_world

ELSEWHERE = "https://ehr.example.org/fhir/Practitioner/12"
NAMED = {"reference": ELSEWHERE, "display": "Dr. Chen, Elm Street Clinic"}
UNRESOLVED = {"reference": "urn:uuid:0d4b1a52-33ac-4a2d-8ee9-9c2b2e4e0f01"}
LOGICAL = {"type": "Medication", "identifier": {"system": "urn:test:drug", "value": "7"}}


@pytest_asyncio.fixture(scope="module")
async def keeping(db: Database) -> AsyncIterator[World]:
    """A server that keeps references to others."""
    async with open_world(db, external_references="keep") as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(keeping: World) -> Member:
    """A district on it."""
    return await keeping.member("District")


async def referral(member: Member, requester: dict[str, Any]) -> dict[str, Any]:
    """A referral that somebody asked for."""
    student = await member.create(build.patient())
    return {**build.referral(student, member.reference), "requester": requester}


async def test_a_reference_to_another_server_is_kept_as_it_came_and_found(district: Member) -> None:
    stored = await district.create(await referral(district, NAMED))
    assert (await district.get(f"/ServiceRequest/{stored['id']}")).json()["requester"] == NAMED
    assert await district.ids(f"/ServiceRequest?requester={ELSEWHERE}") == [stored["id"]]


@pytest.mark.parametrize("reference", [{"reference": ELSEWHERE}, UNRESOLVED])
async def test_one_without_words_is_refused(district: Member, reference: dict[str, Any]) -> None:
    answer = await district.post("/ServiceRequest", await referral(district, reference))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["ServiceRequest.requester.reference"]


async def test_a_student_elsewhere_is_none_of_this_server(district: Member) -> None:
    body = {
        **await referral(district, NAMED),
        "subject": {"reference": "https://ehr.example.org/fhir/Patient/1", "display": "A"},
    }
    answer = await district.post("/ServiceRequest", body)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["ServiceRequest.subject"]


async def test_without_the_setting_it_is_refused_and_a_logical_reference_taken(world: World) -> None:
    member = await world.member("District of external references")
    body = await referral(member, NAMED)
    refused = await member.post("/ServiceRequest", body)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["ServiceRequest.requester.reference"]
    taken = await member.create({**body, "requester": member.reference, "supportingInfo": [LOGICAL]})
    assert taken["supportingInfo"] == [LOGICAL]
