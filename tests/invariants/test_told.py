"""Invariant 4: what an error, a patch test or a difference tells of another's record is on the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import World

JSON_PATCH, FHIR_JSON = "application/json-patch+json", "application/fhir+json"
Body = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic owns a Task of a referral that it is released; of another Task it sees nothing."""
    found = await set_scene(world, "ServiceRequest")
    referral, district, clinic = found.records["ServiceRequest"], found.district.reference, found.clinic.reference
    found.records["owned"] = await found.district.create(build.task(found.student, referral, district, clinic))
    unheard = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}]}
    hidden = build.task(found.student, referral, district, clinic, meta=unheard)
    found.records["hidden"] = await found.district.create(hidden)
    return found


def _condition(path: str) -> Body:
    """A FHIRPath Patch that fits where the path finds something."""
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": path}]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


ASKS: list[tuple[str, Any]] = [
    (JSON_PATCH, [{"op": "test", "path": "/status", "value": "requested"}, {"op": "remove", "path": "/authoredOn"}]),
    (JSON_PATCH, [{"op": "test", "path": "/authoredOn", "value": "2020"}]),
    (JSON_PATCH, [{"op": "copy", "from": "/priority", "path": "/businessStatus"}]),
    (JSON_PATCH, [{"op": "move", "from": "/authoredOn", "path": "/note"}]),
    (FHIR_JSON, _condition("Task.where(authoredOn = '2020').status")),
]
"""What a party could ask of what is stored, each with an answer that tells."""


@pytest.mark.parametrize(("kind", "body"), ASKS)
async def test_what_a_patch_tells_a_party_of_a_task_is_entered(scene: Scene, kind: str, body: Any) -> None:
    """It is told nothing but what it sees, and that as a disclosure of the version."""
    before = await ledger(scene.world, scene.clinic)
    path = f"/Task/{scene.records['owned']['id']}"
    answer = await scene.clinic._send("PATCH", path, content=json.dumps(body), headers={"Content-Type": kind})
    assert answer.status_code in (200, 403, 422), answer.text
    entered = (await ledger(scene.world, scene.clinic))[len(before) :]
    assert [(e[0], str(e[1]), e[2], e[3]) for e in entered] == [("Task", scene.records["owned"]["id"], 1, "patch")]


async def test_what_an_update_tells_a_party_of_a_task_is_entered(scene: Scene) -> None:
    """The list of the elements that differ, by itself, in a transaction, and in a dry run."""
    owned = scene.records["owned"]
    other = {**owned, "authoredOn": "2020-01-01"}
    entry = {"request": {"method": "PUT", "url": f"Task/{owned['id']}"}, "resource": other}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    asks = [
        lambda: scene.clinic.put(f"/Task/{owned['id']}", other),
        lambda: scene.clinic.put(f"/Task/{owned['id']}", owned, headers={"If-Match": 'W/"9"'}),
        lambda: scene.clinic.post("", bundle),
        lambda: scene.clinic.post(f"/Task/{owned['id']}/$validate?mode=update", other),
    ]
    for ask in asks:
        before = await ledger(scene.world, scene.clinic)
        answer = await ask()
        assert answer.status_code in (200, 403, 412, 422), answer.text
        entered = (await ledger(scene.world, scene.clinic))[len(before) :]
        assert [str(e[1]) for e in entered] == [owned["id"]], answer.text


@pytest.mark.parametrize(("kind", "body"), ASKS)
async def test_a_task_that_a_party_does_not_see_tells_it_nothing(scene: Scene, kind: str, body: Any) -> None:
    before = await ledger(scene.world, scene.clinic)
    for path in (f"/Task/{scene.records['hidden']['id']}", "/Task/00000000-0000-4000-8000-000000000000"):
        answer = await scene.clinic._send("PATCH", path, content=json.dumps(body), headers={"Content-Type": kind})
        assert answer.status_code == 404
    assert await ledger(scene.world, scene.clinic) == before


async def test_an_older_version_is_seen_where_the_current_one_is_too(scene: Scene) -> None:
    """A Task that was sent to the wrong clinic, a label that was raised."""
    referral, district = scene.records["ServiceRequest"], scene.district.reference
    task = await scene.district.create(build.task(scene.student, referral, district, scene.clinic.reference))
    path = f"/Task/{task['id']}/_history"
    assert (await scene.clinic.get(f"{path}/1")).status_code == 200
    await scene.district.save({**task, "owner": district})
    for hidden in (f"{path}/1", f"{path}/2", path):
        assert (await scene.clinic.get(hidden)).status_code == 404
    restricted = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
    assert (await scene.clinic.get(f"/ServiceRequest/{referral['id']}/_history/1")).status_code == 200
    await scene.district.save({**referral, "meta": restricted})
    assert (await scene.clinic.get(f"/ServiceRequest/{referral['id']}/_history/1")).status_code == 404
    kinds = await scene.clinic.get("/_history?_type=ServiceRequest,Task")
    assert kinds.json().get("total", 0) == 0
    await scene.district.save({k: v for k, v in referral.items() if k != "meta"})
    assert (await scene.clinic.get(f"/ServiceRequest/{referral['id']}/_history/1")).status_code == 200
    assert (await scene.clinic.get(f"/ServiceRequest/{referral['id']}/_history/2")).status_code == 404


async def test_a_draft_that_named_the_wrong_recipient_never_shows(scene: Scene) -> None:
    """Not when it is corrected, and not when it is thrown away."""
    draft = await scene.release("Patient", status="draft")
    assert (await scene.clinic.get(f"/Consent/{draft['id']}")).status_code == 404
    await scene.district.save({**draft, "status": "entered-in-error"})
    for path in ("", "/_history", "/_history/1", "/_history/2"):
        assert (await scene.clinic.get(f"/Consent/{draft['id']}{path}")).status_code == 404
