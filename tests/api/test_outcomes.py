"""Attendance, grades and behavior as a district pushes them: in codes and units of ours, which are mapped to CEDS.

docs/profiles.md, https://ceds.ed.gov
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.terminology.code_systems import STUDENT_MEASURE, system
from tests import build
from tests.scene import Scene, set_scene
from tests.world import BASE, open_world

PROFILE = "https://hallpass.example/fhir/StructureDefinition/outcome"
UNITS = {
    "attendance-rate": "%",
    "days-absent": "d",
    "days-attended": "d",
    "days-tardy": "d",
    "grade-average": "1",
    "incidents": "1",
}
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> Any:
    async with open_world(db) as world:
        yield await set_scene(world)


def outcome(student: Json, code: str, unit: str) -> Json:
    """A measure of a student."""
    return {
        "resourceType": "Observation",
        "meta": {"profile": [PROFILE]},
        "status": "final",
        "code": {"coding": [{"system": system("student-measure"), "code": code}]},
        "subject": build.ref(student),
        "effectivePeriod": {"start": "2026-11-02", "end": "2026-11-30"},
        "valueQuantity": {"value": 3, "system": "http://unitsofmeasure.org", "code": unit},
    }


async def errors(scene: Scene, resource: Json) -> list[str]:
    """What `$validate` finds wrong, by the keys of constraints where it is one."""
    answer = (await scene.district.post("/Observation/$validate", resource)).json()
    return [str(i) for i in answer["issue"] if i["severity"] in ("error", "fatal")]


@pytest.mark.parametrize("code", list(STUDENT_MEASURE))
async def test_a_measure_is_in_its_own_unit(scene: Scene, code: str) -> None:
    assert await errors(scene, outcome(scene.student, code, UNITS[code])) == []
    assert await errors(scene, outcome(scene.student, code, "kg")) != []


@pytest.mark.parametrize("without", ["valueQuantity", "effectivePeriod"])
async def test_a_measure_says_how_much_and_when(scene: Scene, without: str) -> None:
    whole = outcome(scene.student, "incidents", "1")
    assert await errors(scene, {k: v for k, v in whole.items() if k != without}) != []


async def test_each_measure_is_mapped_to_ceds_or_said_to_have_no_element_there(scene: Scene) -> None:
    listed = (await scene.world.http.get(f"{BASE}/fhir/ConceptMap")).json()["entry"]
    groups = [g for e in listed for g in e["resource"]["group"] if g["source"] == system("student-measure")]
    (group,) = groups
    assert group["target"].startswith("https://ceds.ed.gov")
    told = {e["code"]: e["target"][0] for e in group["element"]}
    assert set(told) == set(STUDENT_MEASURE)
    assert [c for c, t in told.items() if t["equivalence"] == "unmatched"] == ["incidents"]
    assert told["days-absent"]["code"] == "NumberOfDaysAbsent"
