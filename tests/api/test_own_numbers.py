"""A partner keeps its own number for a district's student: on a Patient that it holds, which links to the district's.

docs/guides/families.md#a-partners-own-numbers
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.scene import Scene, set_scene
from tests.world import World, open_world

MRN = "urn:test:clinic-mrn"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> Any:
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """Nothing is released yet."""
    return await set_scene(world)


async def linked(scene: Scene) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A release to the clinic, and the clinic's own Patient with its number, linked to the district's."""
    release = await scene.release("Patient", "ServiceRequest")
    number = f"M-{uuid4().hex[:8]}"
    link = [{"other": build.ref(scene.student), "type": "seealso"}]
    own = {"resourceType": "Patient", "identifier": [{"system": MRN, "value": number}], "link": link}
    return release, await scene.clinic.create(own), number


async def test_the_partner_finds_the_districts_records_by_its_own_number(scene: Scene) -> None:
    _, own, number = await linked(scene)
    wanted = f"{MRN}|{number}"
    page = (await scene.clinic.get(f"/Patient?identifier={wanted}&_include=Patient:link")).json()
    assert {e["resource"]["id"] for e in page["entry"]} == {own["id"], scene.student["id"]}
    chain = f"subject:Patient._has:Patient:link:identifier={wanted}"
    assert scene.records["ServiceRequest"]["id"] in await scene.clinic.ids(f"/ServiceRequest?{chain}")


async def test_nobody_else_sees_the_number_nor_that_there_is_one(scene: Scene) -> None:
    _, own, number = await linked(scene)
    for member in (scene.district, scene.stranger):
        assert (await member.get(f"/Patient/{own['id']}")).status_code == 404
        for path in (
            f"/Patient?identifier={MRN}|{number}",
            f"/Patient?_has:Patient:link:identifier={MRN}|{number}",
            f"/ServiceRequest?subject:Patient._has:Patient:link:identifier={MRN}|{number}",
            f"/Patient?link=Patient/{scene.student['id']}",
        ):
            assert await member.ids(path) == []
    for path in (f"/Patient?_id={scene.student['id']}&_revinclude=Patient:link", f"/Patient/{scene.student['id']}"):
        assert number not in (await scene.district.get(path)).text
    assert number not in (await scene.district.get(f"/Patient/{scene.student['id']}/$everything")).text


async def test_after_a_revocation_the_link_stays_and_leads_nowhere(scene: Scene) -> None:
    release, own, number = await linked(scene)
    ended = await scene.district.put(f"/Consent/{release['id']}", {**release, "status": "inactive"})
    assert ended.status_code == 200
    page = (await scene.clinic.get(f"/Patient?identifier={MRN}|{number}&_include=Patient:link")).json()
    assert [e["resource"]["id"] for e in page["entry"]] == [own["id"]]
    assert page["entry"][0]["resource"]["link"] == own["link"], "the id that it was given, and nothing else"
    chain = f"subject:Patient._has:Patient:link:identifier={MRN}|{number}"
    assert await scene.clinic.ids(f"/ServiceRequest?{chain}") == []
    kept = await scene.clinic.put(f"/Patient/{own['id']}", {**own, "active": True})
    assert kept.status_code == 200, "its own record is the clinic's to go on with"
    assert (await scene.clinic.delete(f"/Patient/{own['id']}")).status_code == 204
