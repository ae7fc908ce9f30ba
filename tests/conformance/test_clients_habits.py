"""What existing clients do that the specification does not ask for, or asks for otherwise, and that is understood.

Each habit names the client that has it; the clients themselves are run in test_clients_python.py and _node.py.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, set_scene
from tests.world import BASE, Member, World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district with records."""
    return await set_scene(world)


@pytest_asyncio.fixture(scope="module")
async def district(scene: Scene) -> Member:
    return scene.district


async def patched(member: Member, path: str, body: Any, kind: str) -> httpx.Response:
    return await member._send("PATCH", path, content=json.dumps(body), headers={"Content-Type": kind})


@pytest.mark.parametrize("kind", ["application/json", "application/fhir+json", "text/json", "application/json+fhir"])
async def test_json_by_any_of_its_names(district: Member, kind: str) -> None:
    """fhirpy, smart-fetch and browsers send plain JSON."""
    headers = {"Content-Type": f"{kind}; charset=utf-8", "Accept": kind}
    response = await district.post("/Patient", content=json.dumps(build.patient(kind)), headers=headers)
    assert response.status_code == 201
    assert response.headers["content-type"] in ("application/json", "application/fhir+json")


async def test_a_bare_version_number_in_if_none_match(scene: Scene) -> None:
    """fhirpy's refresh()."""
    path = f"/Patient/{scene.student['id']}"
    version = scene.student["meta"]["versionId"]
    assert (await scene.district.get(path, headers={"If-None-Match": version})).status_code == 304
    assert (await scene.district.get(path, headers={"If-None-Match": version + "0"})).status_code == 200


async def test_a_total_that_is_counted(district: Member) -> None:
    """fhirpy's count(): `_totalMethod=count`."""
    response = await district.get("/Patient?_count=0&_totalMethod=count")
    assert response.json()["total"] >= 1
    assert (await district.get("/Patient?_total=count")).status_code == 400


@pytest.mark.parametrize("form", ["{}", "Patient/{}", f"{BASE}/fhir/Patient/{{}}"])
async def test_a_reference_as_a_bare_id(scene: Scene, form: str) -> None:
    """Most clients search by `patient={id}`."""
    found = await scene.district.ids(f"/RelatedPerson?patient={form.format(scene.student['id'])}")
    assert found == [scene.records["RelatedPerson"]["id"]]


@pytest.mark.parametrize("path", ["/Patient/", "/metadata/", "/Patient/{}/", "/Patient/?_count=1"])
async def test_a_slash_at_the_end(scene: Scene, path: str) -> None:
    """fhir-kit-client and fhirpy put one there."""
    response = await scene.district.get(path.format(scene.student["id"]))
    assert response.status_code == 200


async def test_elements_that_name_the_resource_type(scene: Scene) -> None:
    """fhirpy's elements()."""
    path = f"/Patient/{scene.student['id']}?_elements=id,resourceType,birthDate"
    found = (await scene.district.get(path)).json()
    assert found.keys() == {"resourceType", "id", "meta", "birthDate"}


@pytest.mark.parametrize("kind", ["application/json", "application/merge-patch+json"])
async def test_a_patch_that_is_part_of_the_resource(district: Member, kind: str) -> None:
    """fhirpy's patch() and save(fields=...)."""
    made = await district.create(build.patient(f"merged by {kind}", gender="male"))
    changed = await patched(district, f"/Patient/{made['id']}", {"active": True, "gender": None}, kind)
    assert changed.status_code == 200
    assert changed.json()["active"] is True
    assert "gender" not in changed.json()
    assert changed.json()["name"] == made["name"]
    wrong = await patched(district, f"/Patient/{made['id']}", {"gender": "unheard-of"}, kind)
    assert wrong.status_code == 422
    assert wrong.json()["issue"][0]["expression"] == ["Patient.gender"]


async def test_a_part_of_a_resource_as_fhir_is_no_patch(district: Member) -> None:
    made = await district.create(build.patient("not merged"))
    response = await patched(district, f"/Patient/{made['id']}", {"active": True}, "application/fhir+json")
    assert response.status_code == 422


async def test_a_create_with_its_condition_in_the_query(district: Member) -> None:
    """fhirpy's get_or_create()."""
    wanted = build.patient("queried")
    path = "/Patient?identifier=urn:test:student|queried"
    first = await district.post(path, wanted)
    second = await district.post(path, wanted)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert (await district.post("/Patient?unheard-of=1", wanted)).status_code == 400
    both = await district.post(path, wanted, headers={"If-None-Exist": "identifier=urn:test:student|queried"})
    assert both.status_code == 400


async def test_a_preference_that_is_misspelt(district: Member) -> None:
    """fhirclient for JavaScript asks for `return=presentation` when it patches."""
    made = await district.create(build.patient("misspelt"))
    response = await district.put(f"/Patient/{made['id']}", made, headers={"Prefer": "return=presentation"})
    assert response.json()["id"] == made["id"]


@pytest.mark.parametrize("kind", ["Patient", "Encounter"])
async def test_an_operation_that_is_posted(scene: Scene, kind: str) -> None:
    """fhir-kit-client's operation() posts, with a Parameters resource or with nothing."""
    path = f"/{kind}/{scene.records[kind]['id']}/$everything"
    wanted = (await scene.district.get(path)).json()["entry"]
    assert (await scene.district.post(path)).json()["entry"] == wanted
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueCode": "Patient"},
            {"name": "_type", "valueCode": kind},
            {"name": "_count", "valueInteger": 1},
        ],
    }
    first = (await scene.district.post(path, body)).json()
    assert len(first["entry"]) == 1
    kinds = {
        e["resource"]["resourceType"]
        for e in (await scene.district.get(f"{path}?_type=Patient,{kind}")).json()["entry"]
    }
    assert first["entry"][0]["resource"]["resourceType"] in kinds <= {"Patient", kind}
    wrong = {"resourceType": "Parameters", "parameter": [{"name": "page", "valueInteger": 1}]}
    assert (await scene.district.post(path, wrong)).status_code == 422


async def test_scopes_that_are_not_to_be_had_are_left_out(world: World, district: Member) -> None:
    """Libraries for apps ask for `openid fhirUser launch/patient` and user scopes whatever the flow."""
    asked = "openid fhirUser offline_access launch/patient patient/*.read user/Patient.write system/Patient.read"
    token = await world.login(district, asked)
    assert token["scope"] == "system/Patient.read"
    await world.login(district, "system/*.cruds")
