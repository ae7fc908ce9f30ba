"""A statement about a contested record leaves with it. 34 CFR 99.21(c)"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.db.engine import Database
from app.exchange.statements import URL
from tests.scene import Scene, set_scene
from tests.world import open_world

Json = dict[str, Any]
TEXT = "I was not in that class."


@pytest_asyncio.fixture
async def scene(db: Database) -> Any:
    """A clinic that sees an Encounter."""
    async with open_world(db) as world:
        yield await set_scene(world, "Encounter")


def asked(**given: Any) -> Json:
    """The Parameters of $statement."""
    kinds = {str: "valueString", bool: "valueBoolean"}
    return {"resourceType": "Parameters", "parameter": [{"name": n, kinds[type(v)]: v} for n, v in given.items()]}


def told(resource: Json) -> list[str]:
    """The texts of its statements."""
    return [e["valueAnnotation"]["text"] for e in resource["meta"].get("extension", []) if e["url"] == URL]


async def test_a_statement_leaves_with_the_record_in_every_part_of_it(scene: Scene) -> None:
    visit = scene.records["Encounter"]
    path = f"/Encounter/{visit['id']}"
    answer = await scene.district.post(f"{path}/$statement", asked(text=TEXT, author="Ana Rivera"))
    assert answer.status_code == 200, answer.text
    assert told(answer.json()) == [TEXT]
    for query in ("", "?_elements=status", "?_summary=true"):
        assert told((await scene.clinic.get(path + query)).json()) == [TEXT]
    (entry,) = (await scene.clinic.get("/Encounter")).json()["entry"]
    assert told(entry["resource"]) == [TEXT]


async def test_a_push_that_does_not_hold_it_keeps_it_and_makes_no_version(scene: Scene) -> None:
    visit = scene.records["Encounter"]
    path = f"/Encounter/{visit['id']}"
    await scene.district.post(f"{path}/$statement", asked(text=TEXT))
    pushed = await scene.district.save(
        {k: v for k, v in visit.items() if k != "meta"} | {"meta": {"profile": ["urn:test:visit"]}}
    )
    assert (told(pushed), pushed["meta"]["versionId"]) == ([TEXT], "2")
    changed = await scene.district.save({**visit, "status": "cancelled"})
    assert told(changed) == [TEXT]
    await scene.district.post(f"{path}/$statement", asked(text="Nor was my brother."))
    assert told((await scene.district.get(path)).json()) == [TEXT, "Nor was my brother."]
    gone = await scene.district.post(f"{path}/$statement", asked(withdraw=True))
    assert told(gone.json()) == []


async def test_a_statement_is_the_custodians_to_file(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}/$statement"
    for other in (scene.clinic, scene.stranger):
        assert (await other.post(path, asked(text=TEXT))).status_code == 404
    for given in ({}, {"text": "  "}, {"text": TEXT, "withdraw": True}, {"text": "x" * 4001}):
        assert (await scene.district.post(path, asked(**given))).status_code == 422
    own = f"/Organization/{scene.district.organization}/$statement"
    assert (await scene.district.post(own, asked(text=TEXT))).status_code == 422
