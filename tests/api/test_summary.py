"""Parts of resources. https://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import World

TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A student.</div>'}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A student with a narrative and a contact, released to the clinic with its visits."""
    scene = await set_scene(world)
    contact = [{"name": {"family": "Rivera"}}]
    scene.records["Patient"] = await scene.district.save({**scene.student, "text": TEXT, "contact": contact})
    visit = {**scene.records["Encounter"], "text": TEXT, "length": {"value": 45, "unit": "min"}}
    visit["participant"] = [{"period": {"start": "2026-09-20"}, "individual": {"display": "A counselor"}}]
    scene.records["Encounter"] = await scene.district.save(visit)
    await scene.release("Patient", "Encounter")
    return scene


CASES: list[tuple[str, str, set[str]]] = [
    ("Encounter", "_summary=true", {"status", "class", "subject", "participant"}),
    ("Encounter", "_summary=text", {"text", "status", "class"}),
    ("Encounter", "_summary=data", {"status", "class", "subject", "participant", "period", "basedOn", "length"}),
    ("Encounter", "_elements=length", {"length", "status", "class"}),
    ("Encounter", "_elements=length,subject", {"length", "subject", "status", "class"}),
    ("Patient", "_summary=true", {"identifier", "name", "birthDate"}),
    ("Patient", "_elements=name", {"name"}),
    ("Patient", "_elements=deceased", set()),
]


@pytest.mark.parametrize(("name", "query", "kept"), CASES)
async def test_a_part_holds_what_was_asked_and_what_is_mandatory_and_says_that_it_is_one(
    scene: Scene, name: str, query: str, kept: set[str]
) -> None:
    id_ = scene.records[name]["id"]
    found = (await scene.clinic.get(f"/{name}?{query}")).json()["entry"][0]["resource"]
    read = (await scene.clinic.get(f"/{name}/{id_}?{query}")).json()
    vread = (await scene.clinic.get(f"/{name}/{id_}/_history/2?{query}")).json()
    assert found == read == vread
    assert set(read) == kept | {"resourceType", "id", "meta"}
    assert [t["code"] for t in read["meta"]["tag"]] == ["SUBSETTED"]
    assert [s["code"] for s in read["meta"]["security"]] == ["NORDSCLCD"]


async def test_a_summary_goes_into_groups_of_elements(scene: Scene) -> None:
    read = (await scene.clinic.get(f"/Encounter/{scene.records['Encounter']['id']}?_summary=true")).json()
    assert read["participant"] == [{"individual": {"display": "A counselor"}}]


async def test_false_is_the_whole_and_count_is_the_number(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    whole, plain = (await scene.clinic.get(f"{path}?_summary=false")).json(), (await scene.clinic.get(path)).json()
    assert whole == plain
    counted = (await scene.clinic.get("/Encounter?_summary=count")).json()
    assert (counted["total"], "entry" in counted) == (1, False)


async def test_the_ledger_enters_the_version_whatever_the_part(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    await scene.clinic.get(path)
    await scene.clinic.get(f"{path}?_elements=status")
    whole, part = (await ledger(scene.world, scene.clinic))[-2:]
    assert whole == part


async def test_a_summary_cuts_what_is_included_and_elements_do_not(scene: Scene) -> None:
    def student(bundle: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = next(e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "include")
        return found

    query = "/Encounter?_include=Encounter:patient"
    assert "contact" not in student((await scene.clinic.get(f"{query}&_summary=true")).json())
    assert "contact" in student((await scene.clinic.get(f"{query}&_elements=status")).json())


REFUSED = [
    "/Encounter?_summary=text&_include=Encounter:patient",
    "/Encounter?_summary=true&_elements=status",
    "/Encounter?_summary=some",
    "/Encounter?_elements=color",
    "/Encounter/{id}?_summary=count",
    "/Encounter/{id}?_elements=color",
    "/Encounter/{id}?_elements=status&_elements=class",
]


@pytest.mark.parametrize("path", REFUSED)
async def test_what_makes_no_sense_is_refused(scene: Scene, path: str) -> None:
    response = await scene.clinic.get(path.replace("{id}", scene.records["Encounter"]["id"]))
    assert response.status_code == 400, response.text


async def test_a_part_is_not_taken_back_as_an_update(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    part = (await scene.district.get(f"{path}?_summary=true")).json()
    response = await scene.district.put(path, part)
    assert response.status_code == 422
    assert response.json()["issue"][0]["expression"] == ["Encounter.meta.tag"]


async def test_a_part_of_a_part_of_a_tagged_resource_keeps_its_tags(scene: Scene) -> None:
    made = await scene.district.create(build.patient("tagged", meta={"tag": [{"system": "urn:t", "code": "x"}]}))
    part = (await scene.district.get(f"/Patient/{made['id']}?_summary=data")).json()
    assert [t["code"] for t in part["meta"]["tag"]] == ["x", "SUBSETTED"]
