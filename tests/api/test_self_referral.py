"""A referral by the family itself, and what a referral says of its day of need, its tier and its program."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.db.engine import Database
from app.referral.codes import DAY_OF_NEED, PROGRAM
from app.terminology.code_systems import system
from tests import build
from tests.scene import Scene, set_scene
from tests.world import open_world

PROFILE = "https://hallpass.example/fhir/StructureDefinition/referral"
TIER = {"coding": [{"system": system("support-tier"), "code": "2"}]}
MCKINNEY = {"coding": [{"system": "urn:test:program", "code": "mckinney-vento"}]}


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> Any:
    async with open_world(db) as world:
        yield await set_scene(world, "ServiceRequest", "RelatedPerson")


async def self_referral(scene: Scene) -> dict[str, Any]:
    """A mother asks for help herself."""
    extensions = [
        {"url": DAY_OF_NEED, "valueDate": "2026-08-10"},
        {"url": PROGRAM, "valueCodeableConcept": MCKINNEY},
    ]
    requester = build.ref(scene.records["RelatedPerson"])
    more = {"requester": requester, "category": [TIER], "extension": extensions, "meta": {"profile": [PROFILE]}}
    return await scene.district.create(build.referral(scene.student, **more))


async def test_a_referral_is_found_by_its_day_of_need_its_tier_and_its_program(scene: Scene) -> None:
    made = await self_referral(scene)
    for criterion in (
        "day-of-need=2026-08-10",
        "day-of-need=lt2026-09-01",
        f"category={system('support-tier')}|2",
        "program=urn:test:program|mckinney-vento",
        f"requester:RelatedPerson={scene.records['RelatedPerson']['id']}",
        f"requester:RelatedPerson.patient=Patient/{scene.student['id']}",
    ):
        for member in (scene.district, scene.clinic):
            assert made["id"] in await member.ids(f"/ServiceRequest?{criterion}"), criterion
        assert not await scene.stranger.ids(f"/ServiceRequest?{criterion}")
    assert made["id"] not in await scene.district.ids("/ServiceRequest?day-of-need=gt2026-09-01")


async def test_a_self_referral_is_a_referral_by_the_profile(scene: Scene) -> None:
    made = await self_referral(scene)
    answer = (await scene.district.post("/ServiceRequest/$validate", made)).json()
    assert not [i for i in answer["issue"] if i["severity"] in ("error", "fatal")], answer
