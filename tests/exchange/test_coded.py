"""What a party writes into a Task about a referral under 42 CFR Part 2 is coded. docs/rule.md, 'Tasks'."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import ACT_CODE, ACTOR_ROLE, CONFIDENTIALITY_SYSTEM
from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.world import Member, World, open_world

PART2 = {"meta": {"security": [{"system": ACT_CODE, "code": "42CFRPart2"}]}}
REASON = {"coding": [{"system": "urn:test:reason", "code": "full"}]}


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def _task(world: World, referred: dict[str, Any], labels: dict[str, Any]) -> tuple[Member, dict[str, Any]]:
    """A clinic's Task, as the clinic reads it, about an adult's referral that a Part 2 consent opens to it."""
    district, clinic = await world.member("District"), await world.member("Clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient(birthDate="2000-05-02"))
    referral = await district.create(build.referral(student, clinic.reference, **referred))
    consent = build.consent(student, student, district.reference, clinic.reference, classes=("ServiceRequest",))
    consent["policy"] = [{"uri": "https://www.ecfr.gov/current/title-42/section-2.31"}]
    exchange = {"role": {"coding": [{"system": ACTOR_ROLE, "code": "intermediary"}]}, "reference": {"display": "It"}}
    consent["provision"] |= {
        "securityLabel": [*PART2["meta"]["security"], {"system": CONFIDENTIALITY_SYSTEM, "code": "N"}],
        "actor": [*consent["provision"]["actor"], exchange],
    }
    await district.create(consent)
    made = await district.create(build.task(student, referral, district.reference, clinic.reference) | labels)
    read = await clinic.get(f"/Task/{made['id']}")
    assert read.status_code == 200, read.text
    return clinic, {k: v for k, v in read.json().items() if k != "meta"}


@pytest.mark.parametrize("where", ["referral", "task"])
@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"note": [{"text": "In recovery since May"}]}, "Task.note"),
        ({"statusReason": {**REASON, "text": "Relapsed"}}, "Task.statusReason"),
        ({"output": [{"type": REASON, "valueString": "Relapsed"}]}, "Task.output"),
    ],
)
async def test_a_party_writes_no_text_where_the_referral_is_under_part_2(
    world: World, where: str, change: dict[str, Any], element: str
) -> None:
    referred, labels = (PART2, {}) if where == "referral" else ({}, PART2)
    clinic, task = await _task(world, referred, labels)
    refused(await clinic.put(f"/Task/{task['id']}", task | change), 422, "business-rule", element)
    coded = await clinic.put(f"/Task/{task['id']}", task | {"businessStatus": REASON})
    assert coded.status_code == 200, coded.text


async def test_a_party_writes_text_where_it_is_not(world: World) -> None:
    clinic, task = await _task(world, {}, {})
    noted = await clinic.put(f"/Task/{task['id']}", task | {"note": [{"text": "We will call"}]})
    assert noted.status_code == 200, noted.text
