"""Searches in a student's compartment, and over several types. https://hl7.org/fhir/R4/http.html#vsearch"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, set_scene
from tests.world import EVERYTHING, Member, World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic sees the student's visits; a second student of the district's has one, too, that it does not see."""
    scene = await set_scene(world, "Encounter")
    other = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    scene.records["other"] = await scene.district.create(build.encounter(other))
    return scene


async def found(member: Member, path: str) -> list[tuple[str, str]]:
    """Types and ids of the matches, whose number is the total."""
    bundle = (await member.get(path)).json()
    assert bundle["total"] == len(bundle.get("entry", [])), path
    return [(e["resource"]["resourceType"], e["resource"]["id"]) for e in bundle.get("entry", [])]


def key(record: dict[str, Any]) -> tuple[str, str]:
    """Type and id."""
    return record["resourceType"], record["id"]


async def test_a_compartment_holds_the_records_of_one_student(scene: Scene) -> None:
    own = f"/Patient/{scene.student['id']}"
    visit = key(scene.records["Encounter"])
    assert await found(scene.district, f"{own}/Encounter") == [visit]
    assert await found(scene.district, f"{own}/Encounter?status=finished&_sort=date") == [visit]
    assert await found(scene.district, f"{own}/Encounter?status=planned") == []
    assert await found(scene.district, f"{own}/Patient") == [key(scene.student)]
    names = {"Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Task", "Consent"}
    assert {t for t, _ in await found(scene.district, f"{own}/*")} == names
    assert {t for t, _ in await found(scene.district, f"{own}/*?_type=Task,Encounter")} == {"Task", "Encounter"}


async def test_a_recipient_finds_in_a_compartment_what_it_sees_and_no_more(scene: Scene) -> None:
    own = f"/Patient/{scene.student['id']}"
    assert await found(scene.clinic, f"{own}/Encounter") == [key(scene.records["Encounter"])]
    assert await found(scene.clinic, f"{own}/ServiceRequest") == []
    assert await found(scene.clinic, f"{own}/RelatedPerson") == []
    assert {t for t, _ in await found(scene.clinic, f"{own}/*")} == {"Encounter", "Consent"}


async def test_a_compartment_in_which_the_caller_sees_nothing_is_absent(scene: Scene) -> None:
    absent = await scene.clinic.get(f"/Patient/{uuid4()}/Encounter")
    assert absent.status_code == 404
    other = scene.records["other"]["subject"]["reference"].split("/")[1]
    for student in (other, scene.records["Group"]["id"], "x"):
        for below in ("Encounter", "*", "Task?_id=x"):
            hidden = await scene.clinic.get(f"/Patient/{student}/{below}")
            assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert (await scene.stranger.get(f"/Patient/{scene.student['id']}/*")).content == absent.content


async def test_a_compartment_is_searched_by_post_and_in_a_bundle(scene: Scene) -> None:
    own = f"Patient/{scene.student['id']}/Encounter"
    post = await scene.district.post(f"/{own}/_search", content="status=finished", headers=FORM)
    get = await scene.district.get(f"/{own}?status=finished")
    assert post.json() == get.json()
    entry = {"request": {"method": "GET", "url": f"{own}?status=finished"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    assert (await scene.district.post("", batch)).json()["entry"][0]["resource"] == get.json()


async def test_the_pages_of_a_compartment_stay_in_it(scene: Scene) -> None:
    path, seen = f"/Patient/{scene.student['id']}/*?_count=2", []
    while path:
        bundle = (await scene.district.get(path)).json()
        assert bundle["total"] == 7
        seen += [e["resource"]["id"] for e in bundle["entry"]]
        path = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), "")
    assert len(seen) == len(set(seen)) == 7


async def test_a_page_token_is_good_for_its_own_compartment_only(scene: Scene) -> None:
    bundle = (await scene.district.get(f"/Patient/{scene.student['id']}/*?_count=2")).json()
    link = next(x["url"] for x in bundle["link"] if x["relation"] == "next")
    other = scene.records["other"]["subject"]["reference"]
    moved = link.replace(f"Patient/{scene.student['id']}", other)
    assert (await scene.district.get(moved)).status_code == 400


async def test_all_types_are_searched_at_the_root(scene: Scene) -> None:
    everything = {t for t, _ in await found(scene.district, "?_count=100")}
    assert everything >= {*scene.records, "Organization"} - {"other"}
    only = await found(scene.district, "?_type=Encounter,Task")
    assert {t for t, _ in only} == {"Encounter", "Task"}
    post = await scene.district.post("/_search", content="_type=Encounter,Task", headers=FORM)
    assert [key(e["resource"]) for e in post.json()["entry"]] == only
    assert await found(scene.clinic, f"?_id={scene.records['Task']['id']}") == []


async def test_types_that_the_scopes_leave_out_are_left_out_and_the_self_link_says_so(scene: Scene) -> None:
    scopes = "system/Encounter.rs system/Task.rs"
    member = await scene.world.client_of(scene.district.organization, scopes=scopes, purposes=("TREAT",))
    bundle = (await member.get("")).json()
    assert {e["resource"]["resourceType"] for e in bundle["entry"]} == {"Encounter", "Task"}
    assert bundle["link"][0]["url"].endswith("?_type=Encounter%2CTask")
    assert (await member.get("?_type=Encounter,Patient")).status_code == 403
    assert {t for t, _ in await found(member, f"/Patient/{scene.student['id']}/*")} == {"Encounter", "Task"}
    none = await scene.world.client_of(scene.district.organization, scopes="system/Task.c", purposes=("TREAT",))
    assert (await none.get("")).status_code == 403
    assert (await scene.world.login(none, EVERYTHING))["scope"] == "system/Task.c"


@pytest.mark.parametrize("query", ["family=x", "_list=42", "_type=Medication", "_type=Patient&_type=Task", "_query=x"])
async def test_what_not_all_types_know_is_refused_at_the_root(scene: Scene, query: str) -> None:
    assert (await scene.district.get(f"?{query}")).status_code == 400
    assert (await scene.district.get(f"/Patient/{scene.student['id']}/*?{query}")).status_code == 400
