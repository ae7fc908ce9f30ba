"""What a party writes into a Task about a referral under 42 CFR Part 2 is coded. docs/rule.md, 'Tasks'."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.consent.attributes import INLINE_LABEL
from app.consent.codes import ACT_CODE, ACTOR_ROLE, CONFIDENTIALITY_SYSTEM
from app.db.engine import Database
from app.referral.codes import STATUS_REASON, STATUS_REASONS
from tests import build
from tests.api.asking import refused
from tests.scene import as_owner
from tests.world import Member, World, open_world

PART2 = {"meta": {"security": [{"system": ACT_CODE, "code": "42CFRPart2"}]}}
INLINE = {"url": INLINE_LABEL, "valueCoding": PART2["meta"]["security"][0]}
"""The same label, on an element."""
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
        ({"businessStatus": {"coding": [{"code": "2", "display": "Relapsed"}]}}, "Task.businessStatus"),
        ({"output": [{"type": REASON, "valueReference": {"display": "Relapsed"}}]}, "Task.output"),
        ({"output": [{"type": REASON, "valueUrl": "urn:relapsed"}]}, "Task.output"),
        ({"output": [{"type": REASON, "valueHumanName": {"family": "Relapsed"}}]}, "Task.output"),
        ({"executionPeriod": {"extension": [{"url": "urn:x", "valueUri": "urn:relapsed"}]}}, "Task.executionPeriod"),
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


@pytest.mark.parametrize("where", ["referral", "task"])
async def test_a_label_on_an_element_of_them_counts_like_one_of_the_whole(world: World, where: str) -> None:
    marked: dict[str, Any] = {"note": [{"text": "Since May", "extension": [INLINE]}]}
    labels = {"restriction": {"extension": [INLINE], "repetitions": 1}}
    clinic, task = await _task(world, marked if where == "referral" else {}, labels if where == "task" else {})
    said = {"note": [*task.get("note", []), {"text": "In recovery since May"}]}
    refused(await clinic.put(f"/Task/{task['id']}", task | said), 422, "business-rule", "Task.note")


async def test_a_party_may_send_the_words_of_the_exchanges_own_codes(world: World) -> None:
    """A referral is declined with a reason in words and by a code: these say no more than the code."""
    clinic, task = await _task(world, PART2, {})
    words = STATUS_REASONS["no-capacity"]
    coding = {"system": STATUS_REASON, "code": "no-capacity", "display": words}
    said = {"status": "rejected", "statusReason": {"coding": [coding], "text": words}}
    declined = await clinic.put(f"/Task/{task['id']}", task | said)
    assert declined.status_code == 200, declined.text


async def test_that_a_referral_is_under_part_2_is_told_of_the_referral(world: World) -> None:
    """The refusal says how the referral is labeled: that is a disclosure of it."""
    clinic, task = await _task(world, PART2, {})
    refused(
        await clinic.put(f"/Task/{task['id']}", task | {"note": [{"text": "x"}]}), 422, "business-rule", "Task.note"
    )
    entered = await as_owner(
        world,
        "SELECT type FROM hallpass.disclosure WHERE recipient = :r AND interaction = 'update'",
        r=clinic.organization,
    )
    assert {row.type for row in entered} == {"ServiceRequest", "Task"}


async def test_a_party_writes_text_where_it_is_not(world: World) -> None:
    clinic, task = await _task(world, {}, {})
    noted = await clinic.put(f"/Task/{task['id']}", task | {"note": [{"text": "We will call"}]})
    assert noted.status_code == 200, noted.text
