"""What Gravity asks of a coordination platform is had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest_asyncio

from app.capability.gravity import gravity, rows
from app.capability.statement import capability_statement
from app.db.engine import Database
from tests import build
from tests.scene import Scene, set_scene
from tests.world import open_world

PAGE = Path(__file__).parents[2] / "docs" / "gravity.md"
STATEMENT = capability_statement("https://hallpass.example")


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> Any:
    async with open_world(db) as world:
        yield await set_scene(world, "Patient", "ServiceRequest", "Task", "Encounter")


def test_every_demand_is_had_but_the_profiles_of_others() -> None:
    assert [asked for asked, had in rows(STATEMENT) if not had and " profile " not in asked] == []
    assert sum(had for _, had in rows(STATEMENT)) > 80


def test_the_page_is_what_the_server_states() -> None:
    """Write it by `hallpass export-reference`."""
    assert PAGE.read_text() == gravity()


async def test_what_came_of_a_referral_and_what_it_rests_on_come_with_it(scene: Scene) -> None:
    visit, student = scene.records["Encounter"], scene.student
    request = await scene.district.create(build.referral(student, supportingInfo=[build.ref(visit)]))
    task = build.task(student, request, scene.district.reference, scene.clinic.reference, status="draft")
    task["output"] = [{"type": {"text": "Visit"}, "valueReference": build.ref(visit)}]
    done = await scene.district.create(task)
    for path, found in (
        (f"/Task?_id={done['id']}&_include=Task:output", done),
        (f"/Task?output=Encounter/{visit['id']}&_include=Task:output:Encounter", done),
        (f"/ServiceRequest?_id={request['id']}&_include=ServiceRequest:supporting-info", request),
    ):
        page = (await scene.district.get(path)).json()
        assert {e["resource"]["id"] for e in page["entry"]} == {found["id"], visit["id"]}
        assert not await scene.stranger.ids(path)
