"""Invariant 10: a release that has ended does not come back, and an active one does not widen, by any write."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests import build
from tests.api.asking import refused
from tests.scene import Scene, set_scene
from tests.world import World

Body = dict[str, Any]
Way = Callable[[Scene, Body, Body], Awaitable[httpx.Response]]
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"


@pytest_asyncio.fixture(scope="module")
async def stage(world: World) -> Scene:
    """A clinic without a release."""
    return await set_scene(world)


@pytest_asyncio.fixture
async def scene(stage: Scene) -> AsyncIterator[Scene]:
    """A release of visits to the clinic."""
    identifier = [{"system": "urn:test:form", "value": uuid4().hex}]
    stage.records["release"] = await stage.release("Encounter", identifier=identifier)
    yield stage
    for one in await stage.district.ids("/Consent?status=active&_count=50"):
        held = (await stage.district.get(f"/Consent/{one}")).json()
        await stage.district.save({**held, "status": "inactive"})


def _at(body: Body) -> str:
    return f"/Consent/{body['id']}"


async def _put(scene: Scene, before: Body, after: Body) -> httpx.Response:
    return await scene.district.put(_at(before), after)


async def _conditional(scene: Scene, before: Body, after: Body) -> httpx.Response:
    return await scene.district.put(f"/Consent?{_condition(before)}", after)


def _condition(body: Body) -> str:
    return f"identifier=urn:test:form|{body['identifier'][0]['value']}"


async def _patched(scene: Scene, path: str, body: Any, kind: str) -> httpx.Response:
    return await scene.district._send("PATCH", path, content=json.dumps(body), headers={"Content-Type": kind})


def _operations(before: Body, after: Body) -> list[Body]:
    return [{"op": "add", "path": f"/{k}", "value": v} for k, v in after.items() if before.get(k) != v and k != "meta"]


async def _json_patch(scene: Scene, before: Body, after: Body) -> httpx.Response:
    return await _patched(scene, _at(before), _operations(before, after), JSON_PATCH)


async def _conditional_patch(scene: Scene, before: Body, after: Body) -> httpx.Response:
    return await _patched(scene, f"/Consent?{_condition(before)}", _operations(before, after), JSON_PATCH)


async def _merge_patch(scene: Scene, before: Body, after: Body) -> httpx.Response:
    changes = {k: v for k, v in after.items() if before.get(k) != v and k != "meta"}
    return await _patched(scene, _at(before), changes, MERGE_PATCH)


async def _transaction(scene: Scene, before: Body, after: Body) -> httpx.Response:
    return await scene.district.post("", _bundle("transaction", before, after))


def _bundle(kind: str, before: Body, after: Body) -> Body:
    harmless = {"request": {"method": "POST", "url": "Location"}, "resource": {"resourceType": "Location", "name": "X"}}
    entry = {"request": {"method": "PUT", "url": _at(before)[1:]}, "resource": after}
    return {"resourceType": "Bundle", "type": kind, "entry": [harmless, entry]}


WAYS = [_put, _conditional, _json_patch, _conditional_patch, _merge_patch, _transaction]


def _extended(body: Body) -> Body:
    period = {**body["provision"]["period"], "end": "2029-06-30"}
    return {**body, "provision": {**body["provision"], "period": period}}


def _widened(body: Body) -> Body:
    return {**body, "provision": {**body["provision"], "class": [build.type_class("Patient")]}}


def _redated(body: Body) -> Body:
    return {**body, "dateTime": "2026-09-16"}


def _nothing(body: Body) -> Body:
    return body


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", [_extended, _widened, _redated])
async def test_an_active_release_is_not_extended_widened_or_redated(
    scene: Scene, way: Way, change: Callable[[Body], Body]
) -> None:
    held = scene.records["release"]
    answer = await way(scene, held, change(held))
    assert answer.status_code == 409, answer.text
    assert [i["code"] for i in answer.json()["issue"]] == ["business-rule"]
    assert (await scene.district.get(_at(held))).json() == held


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", ["inactive", "entered-in-error", "rejected"])
@pytest.mark.parametrize("change", [_nothing, _extended])
async def test_an_ended_release_does_not_come_back(
    scene: Scene, way: Way, status: str, change: Callable[[Body], Body]
) -> None:
    held = scene.records["release"]
    visit = f"/Encounter/{scene.records['Encounter']['id']}"
    assert (await scene.clinic.get(visit)).status_code == 200
    ended = await scene.district.save({**held, "status": status})
    answer = await way(scene, ended, change(held))
    assert answer.status_code == 409, answer.text
    assert answer.json()["issue"][0]["expression"][0].endswith("status")
    assert (await scene.clinic.get(visit)).status_code == 404
    assert (await scene.district.get(_at(held))).json() == ended


async def test_a_transaction_names_the_entry_that_would_bring_a_release_back(scene: Scene) -> None:
    """So that a nightly push can leave it out."""
    held = scene.records["release"]
    await scene.district.save({**held, "status": "inactive"})
    refused(await _transaction(scene, held, held), 409, "business-rule", "Bundle.entry[1].resource.status")
    answer = await scene.district.post("", _bundle("batch", held, held))
    assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["201", "409"]


@pytest.mark.parametrize("way", WAYS)
async def test_to_end_a_release_again_is_a_success_without_a_version(scene: Scene, way: Way) -> None:
    held = scene.records["release"]
    ended = await scene.district.save({**held, "status": "inactive"})
    answer = await way(scene, held, {**held, "status": "inactive"})
    assert answer.status_code == 200, answer.text
    assert (await scene.district.get(_at(held))).json() == ended
    assert ended["meta"]["versionId"] == "2"


async def test_the_same_signature_does_not_open_again_in_a_new_consent(scene: Scene) -> None:
    """As a draft it grants nothing and is kept; it cannot become active."""
    held = scene.records["release"]
    await scene.district.save({**held, "status": "inactive"})
    again = {k: v for k, v in held.items() if k not in ("id", "meta", "identifier")}
    refused(await scene.district.post("/Consent", again), 409, "business-rule", "Consent.dateTime")
    draft = await scene.district.create({**again, "status": "draft"})
    refused(await scene.district.put(_at(draft), {**draft, "status": "active"}), 409, "business-rule")
    entry = {"request": {"method": "POST", "url": "Consent"}, "resource": again}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    refused(await scene.district.post("", bundle), 409, "business-rule")
    assert await scene.clinic.ids("/Encounter") == []


async def test_a_new_signature_is_a_new_consent(scene: Scene) -> None:
    """Also in the transaction that ends the old one."""
    held = scene.records["release"]
    again = {k: v for k, v in held.items() if k not in ("id", "meta", "identifier")} | {"dateTime": "2026-09-16"}
    entries = [
        {"request": {"method": "PUT", "url": _at(held)[1:]}, "resource": {**held, "status": "inactive"}},
        {"request": {"method": "POST", "url": "Consent"}, "resource": again},
    ]
    answer = await scene.district.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    assert await scene.clinic.ids("/Encounter") == [scene.records["Encounter"]["id"]]


async def test_another_member_may_file_its_own_side_of_an_ended_form(scene: Scene) -> None:
    """What one member ended tells another nothing."""
    held = scene.records["release"]
    await scene.release("Patient")
    await scene.district.save({**held, "status": "inactive"})
    mother = await scene.clinic.create(build.guardian(scene.student))
    body = build.consent(scene.student, mother, scene.clinic.reference, scene.district.reference)
    body |= {"sourceAttachment": held["sourceAttachment"], "dateTime": held["dateTime"]}
    filed = await scene.clinic.create(body)
    await scene.clinic.save({**filed, "status": "inactive"})
