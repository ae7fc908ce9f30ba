"""The patch interaction, and conditional deletes of several. https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import URL

from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, set_scene
from tests.world import Member, World, open_world

JSON_PATCH = "application/json-patch+json"
CANCEL = [{"op": "replace", "path": "/status", "value": "cancelled"}]


@pytest_asyncio.fixture(scope="module")
async def world(database: URL) -> AsyncIterator[World]:
    """A network that lets a condition delete three."""
    async with open_world(Database(database), max_deletes=3) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic sees visits, and owns a Task."""
    scene = await set_scene(world, "Encounter", "Patient", "Task")
    referral = scene.records["ServiceRequest"]
    task = build.task(scene.student, referral, scene.district.reference, scene.clinic.reference)
    scene.records["owned"] = await scene.district.create(task)
    return scene


async def visit(scene: Scene, **more: Any) -> dict[str, Any]:
    """Another visit."""
    return await scene.district.create(build.encounter(scene.student, **more))


async def patch(member: Member, path: str, body: Any, **headers: str) -> httpx.Response:
    """PATCH with a JSON Patch (a list) or Parameters."""
    kind = JSON_PATCH if isinstance(body, list) else "application/fhir+json"
    return await member._send("PATCH", path, content=json.dumps(body), headers={"Content-Type": kind, **headers})


def replace(path: str, value: str) -> dict[str, Any]:
    """A FHIRPath Patch that replaces a code."""
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": path},
        {"name": "value", "valueCode": value},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


@pytest.mark.parametrize("body", [CANCEL, replace("Encounter.status", "cancelled")])
async def test_a_patch_changes_what_it_names_in_a_version_of_its_own(scene: Scene, body: Any) -> None:
    made = await visit(scene)
    response = await patch(scene.district, f"/Encounter/{made['id']}", body)
    assert (response.status_code, response.headers["ETag"]) == (200, 'W/"2"')
    stored = (await scene.district.get(f"/Encounter/{made['id']}")).json()
    assert stored == response.json()
    assert {**stored, "meta": 0, "status": 0} == {**made, "meta": 0, "status": 0}
    assert stored["status"] == "cancelled"
    history = (await scene.district.get(f"/Encounter/{made['id']}/_history")).json()
    assert history["entry"][0]["request"]["method"] == "PATCH"


async def test_a_patch_heeds_if_match_and_prefer(scene: Scene) -> None:
    path = f"/Encounter/{(await visit(scene))['id']}"
    assert (await patch(scene.district, path, CANCEL, **{"If-Match": 'W/"7"'})).status_code == 412
    headers = {"If-Match": 'W/"1"', "Prefer": "return=minimal"}
    done = await patch(scene.district, path, CANCEL, **headers)
    assert (done.status_code, done.content) == (200, b"")


BAD: list[Any] = [
    [{"op": "replace", "path": "/status", "value": "over"}],
    [{"op": "remove", "path": "/class"}],
    [{"op": "add", "path": "/subject/reference", "value": "Patient/00000000-0000-4000-8000-000000000000"}],
    [{"op": "add", "path": "/meta/tag", "value": [{"code": "SUBSETTED"}]}],
    [{"op": "replace", "path": "/resourceType", "value": "Task"}],
    [{"op": "replace", "path": "", "value": []}],
    [{"op": "test", "path": "/status", "value": "planned"}],
    [*CANCEL, {"op": "remove", "path": "/nothing"}],
    [{"op": "add", "path": "/extension", "value": [{"url": "urn:x"}]}]
    + [{"op": "copy", "from": "/extension", "path": "/extension/0/extension"}] * 7,
    replace("Encounter.status", "over"),
    replace("Encounter.status.iif(true)", "x"),
    {"resourceType": "Encounter", "status": "cancelled"},
]


@pytest.mark.parametrize("body", BAD)
async def test_the_result_is_judged_as_an_update_and_nothing_is_stored(scene: Scene, body: Any) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    response = await patch(scene.district, path, body)
    assert response.status_code == 422, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
    assert (await scene.district.get(path)).headers["ETag"] == 'W/"1"'


async def test_the_id_is_not_changed_by_a_patch(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    body = [{"op": "replace", "path": "/id", "value": "00000000-0000-4000-8000-000000000000"}]
    assert (await patch(scene.district, path, body)).status_code == 400


async def test_a_patch_in_another_format_is_a_415_and_one_that_is_no_json_a_400(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    other = await patch(scene.district, path, CANCEL, **{"Content-Type": "application/xml-patch+xml"})
    assert (other.status_code, JSON_PATCH in other.headers["Accept-Patch"]) == (415, True)
    broken = await scene.district._send("PATCH", path, content=b"[", headers={"Content-Type": JSON_PATCH})
    assert broken.status_code == 400


async def test_others_records_are_patched_by_nobody_else_and_hidden_ones_are_absent(scene: Scene) -> None:
    seen = await patch(scene.clinic, f"/Encounter/{scene.records['Encounter']['id']}", CANCEL)
    assert seen.status_code == 403
    absent = await patch(scene.clinic, "/Encounter/00000000-0000-4000-8000-000000000000", CANCEL)
    for headers in ({}, {"If-Match": 'W/"1"'}):
        path = f"/RelatedPerson/{scene.records['RelatedPerson']['id']}"
        hidden = await patch(scene.clinic, path, [{"op": "test", "path": "/active", "value": True}], **headers)
        assert (hidden.status_code, hidden.content) == (404, absent.content)


async def test_a_party_patches_what_is_its_own_of_a_task(scene: Scene) -> None:
    path = f"/Task/{scene.records['owned']['id']}"
    accept = [{"op": "replace", "path": "/status", "value": "accepted"}]
    assert (await patch(scene.clinic, path, accept)).json()["status"] == "accepted"
    answer = await patch(scene.clinic, path, [{"op": "remove", "path": "/authoredOn"}])
    refused(answer, 403, "forbidden", "Task.authoredOn")


async def test_what_was_deleted_is_not_patched(scene: Scene) -> None:
    made = await visit(scene)
    await scene.district.delete(f"/Encounter/{made['id']}")
    assert (await patch(scene.district, f"/Encounter/{made['id']}", CANCEL)).status_code == 410


async def test_a_condition_names_the_one_to_patch(scene: Scene) -> None:
    made = await visit(scene, identifier=[{"system": "urn:p", "value": "1"}])
    path = "/Encounter?identifier=urn:p|1"
    done = await patch(scene.district, path, CANCEL)
    assert (done.status_code, done.json()["id"]) == (200, made["id"])
    assert (await patch(scene.clinic, path, CANCEL)).status_code == 404  # seen, but not the clinic's own
    assert (await patch(scene.district, "/Encounter?identifier=urn:p|2", CANCEL)).status_code == 404
    assert (await patch(scene.district, "/Encounter", CANCEL)).status_code == 400
    assert (await patch(scene.district, path, CANCEL, **{"If-Match": 'W/"1"'})).status_code == 412
    await visit(scene, identifier=[{"system": "urn:p", "value": "1"}])
    assert (await patch(scene.district, path, CANCEL)).status_code == 412


async def test_patches_at_the_same_moment_lose_nothing(scene: Scene) -> None:
    path = f"/Encounter/{(await visit(scene, type=[{'text': 'start'}]))['id']}"
    bodies = [[{"op": "add", "path": "/type/-", "value": {"text": str(n)}}] for n in range(6)]
    answers = await asyncio.gather(*(patch(scene.district, path, b) for b in bodies))
    assert [a.status_code for a in answers] == [200] * 6
    stored = (await scene.district.get(path)).json()
    assert {t["text"] for t in stored["type"]} == {"start", *map(str, range(6))}
    assert stored["meta"]["versionId"] == "7"


def binary(operations: list[Any], kind: str = JSON_PATCH) -> dict[str, Any]:
    """A JSON Patch as a Bundle carries it."""
    data = b64encode(json.dumps(operations).encode()).decode()
    return {"resourceType": "Binary", "contentType": kind, "data": data}


def entry(url: str, resource: dict[str, Any], **request: str) -> dict[str, Any]:
    """An entry that patches."""
    return {"resource": resource, "request": {"method": "PATCH", "url": url, **request}}


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_a_bundle_patches_by_both_kinds_and_by_condition(scene: Scene, kind: str) -> None:
    one, two = await visit(scene), await visit(scene)
    three = await visit(scene, identifier=[{"system": "urn:b", "value": kind}])
    bundle = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            entry(f"Encounter/{one['id']}", binary(CANCEL), ifMatch='W/"1"'),
            entry(f"Encounter/{two['id']}", replace("Encounter.status", "cancelled")),
            entry(f"Encounter?identifier=urn:b|{kind}", binary(CANCEL)),
        ],
    }
    answer = await scene.district.post("", bundle)
    assert answer.status_code == 200, answer.text
    assert [e["response"]["status"] for e in answer.json()["entry"]] == ["200 OK"] * 3
    for made in (one, two, three):
        assert (await scene.district.get(f"/Encounter/{made['id']}")).json()["status"] == "cancelled"


async def test_a_patch_that_fails_undoes_its_transaction(scene: Scene) -> None:
    one, two = await visit(scene), await visit(scene)
    for bad in (binary(CANCEL, "text/plain"), binary([{"op": "remove", "path": "/x"}]), {"resourceType": "Encounter"}):
        entries = [entry(f"Encounter/{one['id']}", binary(CANCEL)), entry(f"Encounter/{two['id']}", bad)]
        answer = await scene.district.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status_code == 422
        assert answer.json()["issue"][0]["expression"][0].startswith("Bundle.entry[1]")
        assert (await scene.district.get(f"/Encounter/{one['id']}")).headers["ETag"] == 'W/"1"'


async def visits(scene: Scene, value: str, count: int) -> str:
    """Visits with one identifier, and the condition that names them."""
    for _ in range(count):
        await visit(scene, identifier=[{"system": "urn:d", "value": value}])
    return f"/Encounter?identifier=urn:d|{value}"


async def test_a_condition_deletes_as_many_as_the_setting_allows_or_none(scene: Scene) -> None:
    three, four = await visits(scene, "three", 3), await visits(scene, "four", 4)
    assert (await scene.district.delete(three)).status_code == 204
    assert await scene.district.ids(three) == []
    assert (await scene.district.delete(four)).status_code == 412
    assert len(await scene.district.ids(four)) == 4
    two = await visits(scene, "two", 2)
    assert (await scene.district.delete(two, headers={"If-Match": 'W/"1"'})).status_code == 412
    assert (await scene.clinic.delete(two)).status_code == 204  # none of its own match
    assert len(await scene.district.ids(two)) == 2


async def test_one_that_may_not_be_deleted_keeps_them_all(scene: Scene) -> None:
    referrals = [{"identifier": [{"system": "urn:d", "value": "kept"}]} for _ in range(2)]
    made = [await scene.district.create(build.referral(scene.student, **r)) for r in referrals]
    await visit(scene, basedOn=[build.ref(made[0])])
    condition = "/ServiceRequest?identifier=urn:d|kept"
    assert (await scene.district.delete(condition)).status_code == 409
    assert len(await scene.district.ids(condition)) == 2


async def test_in_a_transaction_too_a_condition_deletes_as_many_as_the_setting_allows_or_none(scene: Scene) -> None:
    for count, status in ((3, 200), (4, 412)):
        condition = await visits(scene, f"in-{count}", count)
        other = await visit(scene)
        request = {"method": "PUT", "url": f"Encounter/{other['id']}"}
        change = {"request": request, "resource": {**other, "status": "planned"}}
        delete = {"request": {"method": "DELETE", "url": condition.removeprefix("/")}}
        answer = await scene.district.post(
            "", {"resourceType": "Bundle", "type": "transaction", "entry": [change, delete]}
        )
        assert answer.status_code == status, answer.text
        assert len(await scene.district.ids(condition)) == (0 if status == 200 else count)
        now = (await scene.district.get(f"/Encounter/{other['id']}")).json()["status"]
        assert now == ("planned" if status == 200 else other["status"])
