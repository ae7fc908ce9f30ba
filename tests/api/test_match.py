"""Patient/$match. https://hl7.org/fhir/R4/patient-operation-match.html"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.exchange import matching
from tests import build
from tests.scene import FAMILY, Scene, ledger, set_scene
from tests.world import Member, World

NAME = [{"family": FAMILY, "given": ["Ana"]}]


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """Ana, whom the clinic sees, and her twin Eva, whom it does not."""
    scene = await set_scene(world, "Patient")
    twin = build.patient(f"S-{uuid4().hex[:8]}", name=[{"family": FAMILY, "given": ["Eva"]}])
    scene.records["twin"] = await scene.district.create(twin)
    return scene


async def match(member: Member, patient: dict[str, Any], **options: Any) -> list[tuple[str, str, float]]:
    """Ids, grades and scores in their order."""
    keys = {"onlyCertainMatches": "valueBoolean", "count": "valueInteger"}
    listed = [{"name": "resource", "resource": {"resourceType": "Patient", **patient}}]
    listed += [{"name": n, keys[n]: v} for n, v in options.items()]
    response = await member.post("/Patient/$match", {"resourceType": "Parameters", "parameter": listed})
    assert response.status_code == 200, response.text
    found = []
    for entry in response.json().get("entry", []):
        (extension,) = entry["search"]["extension"]
        assert extension["url"] == "http://hl7.org/fhir/StructureDefinition/match-grade"
        found.append((entry["resource"]["id"], extension["valueCode"], entry["search"]["score"]))
    return found


async def test_the_best_come_first_each_with_its_score_and_grade(scene: Scene) -> None:
    ana, eva = scene.student, scene.records["twin"]
    described = {"name": NAME, "birthDate": "2014-05-02"}
    assert await match(scene.district, described) == [(ana["id"], "probable", 0.9), (eva["id"], "possible", 0.6)]
    certain = {**described, "identifier": ana["identifier"]}
    assert (await match(scene.district, certain))[0] == (ana["id"], "certain", 1.0)
    assert await match(scene.district, certain, count=1) == [(ana["id"], "certain", 1.0)]
    assert await match(scene.district, certain, onlyCertainMatches=True) == [(ana["id"], "certain", 1.0)]
    assert await match(scene.district, described, onlyCertainMatches=True) == []


async def test_only_what_the_caller_sees_is_matched_and_that_is_on_the_ledger(scene: Scene) -> None:
    described = {"name": [{"family": FAMILY.upper()}], "birthDate": "2014-05-02"}
    before = len(await ledger(scene.world, scene.clinic))
    assert [m[0] for m in await match(scene.clinic, described)] == [scene.student["id"]]
    assert [e[3] for e in (await ledger(scene.world, scene.clinic))[before:]] == ["match"]
    assert await match(scene.stranger, described) == []
    assert await match(scene.stranger, {"identifier": scene.student["identifier"]}) == []


async def test_a_hidden_twin_does_not_make_a_certain_match_uncertain(scene: Scene) -> None:
    same = {"identifier": scene.student["identifier"], "name": NAME}
    copy = await scene.district.create({**build.patient(), **same})
    try:
        assert await match(scene.district, same, onlyCertainMatches=True) == []
        assert await match(scene.clinic, same, onlyCertainMatches=True) == [(scene.student["id"], "certain", 1.0)]
    finally:
        await scene.district.delete(f"/Patient/{copy['id']}")


async def test_a_student_is_found_by_a_part_of_the_birth_date_on_either_side(scene: Scene) -> None:
    name = [{"family": f"Sommer-{uuid4().hex[:6]}"}]
    partly = await scene.district.create(build.patient(uuid4().hex, name=name, birthDate="2014"))
    whole = await scene.district.create(build.patient(uuid4().hex, name=name))
    for born in ("2014", "2014-05", "2014-05-02"):
        found = {m[0]: m[1] for m in await match(scene.district, {"name": name, "birthDate": born})}
        assert found.keys() == {partly["id"], whole["id"]}, born
    assert await match(scene.district, {"name": name, "birthDate": "2015-01"}) == []


async def test_another_number_in_the_same_system_is_no_certain_match(scene: Scene) -> None:
    student = {"name": NAME, "birthDate": "2014-05-02"}
    other = [{"system": scene.student["identifier"][0]["system"], "value": uuid4().hex}]
    assert await match(scene.district, {**student, "identifier": other}, onlyCertainMatches=True) == []


async def test_it_is_a_search_of_students_by_its_scope(scene: Scene) -> None:
    for scope, status in (("system/Patient.s", 200), ("system/Patient.r", 403)):
        member = await scene.world.client_of(scene.district.organization, scopes=scope, purposes=("TREAT",))
        described = {"resourceType": "Patient", "name": NAME, "birthDate": "2014-05-02"}
        assert (await member.post("/Patient/$match", described)).status_code == status


async def test_as_many_are_weighed_as_the_bound_lets_and_the_like_come_by_their_ids(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = [{"family": f"Zephyrine-{uuid4().hex[:6]}", "given": ["Ida"]}]
    made = [await scene.district.create(build.patient(uuid4().hex, name=name)) for _ in range(4)]
    described = {"name": name, "birthDate": "2014-05-02"}
    assert [m[0] for m in await match(scene.district, described)] == sorted(p["id"] for p in made)
    monkeypatch.setattr(matching, "MOST_WEIGHED", 3)
    assert len(await match(scene.district, described)) == 3


BAD: list[tuple[dict[str, Any], int]] = [
    ({"resourceType": "Parameters"}, 422),
    ({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": "x"}]}, 422),
    ({"resourceType": "Parameters", "parameter": [{"name": "color", "valueCode": "x"}]}, 422),
    ({"resourceType": "Patient", "birthDate": "soon"}, 422),
    ({"resourceType": "Group"}, 422),
]


@pytest.mark.parametrize(("body", "status"), BAD)
async def test_what_describes_no_patient_is_refused(scene: Scene, body: dict[str, Any], status: int) -> None:
    assert (await scene.district.post("/Patient/$match", body)).status_code == status


async def test_a_bare_patient_will_do_and_signs_of_searches_are_only_text(scene: Scene) -> None:
    described = {
        "resourceType": "Patient",
        "name": [{"family": "a|b,c$d\\e"}],
        "identifier": [{"system": "a|,", "value": "\\"}],
    }
    response = await scene.district.post("/Patient/$match", described)
    assert (response.status_code, response.json()["total"]) == (200, 0)
