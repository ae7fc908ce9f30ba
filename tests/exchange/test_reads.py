"""What comes along with a search: as much as the bound lets, of the types that the token's scopes name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.exchange import reads
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, set_scene
from tests.world import Member, open_world


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """A district's records: of the student two visits, one by a practitioner in a role."""
    async with open_world(db) as world:
        found = await set_scene(world)
        doctor = await found.district.create({"resourceType": "Practitioner", "name": [{"family": "Okafor"}]})
        role = {"resourceType": "PractitionerRole", "practitioner": build.ref(doctor)}
        seen_by = {"individual": build.ref(await found.district.create(role))}
        await found.district.create(build.encounter(found.student, participant=[seen_by]))
        yield found


async def _brought(member: Member, path: str) -> list[str]:
    """The types of what came along, one for each resource."""
    response = await member.get(path)
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json().get("entry", [])
    return sorted(e["resource"]["resourceType"] for e in entries if e["search"]["mode"] == "include")


async def _refused(member: Member, path: str) -> None:
    response = await member.get(path)
    refused(response, 422, "too-costly")


async def test_a_page_brings_as_much_along_as_the_bound_lets(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/Patient?_id={scene.student['id']}&_revinclude=Encounter:subject"
    monkeypatch.setattr(reads, "MOST_INCLUDED", 2)
    assert await _brought(scene.district, path) == ["Encounter", "Encounter"]
    monkeypatch.setattr(reads, "MOST_INCLUDED", 1)
    await _refused(scene.district, path)


async def test_the_bound_is_for_all_rounds_together(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    referral = f"/ServiceRequest?_id={scene.records['ServiceRequest']['id']}"
    path = f"{referral}&_include=ServiceRequest:patient&_revinclude:iterate=RelatedPerson:patient"
    monkeypatch.setattr(reads, "MOST_INCLUDED", 2)
    assert await _brought(scene.district, path) == ["Patient", "RelatedPerson"]
    monkeypatch.setattr(reads, "MOST_INCLUDED", 1)
    await _refused(scene.district, path)


async def test_the_directory_around_a_record_has_the_bound_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/Patient/{scene.student['id']}/$everything?_count=50"
    along = await _brought(scene.district, path)
    assert {"Practitioner", "PractitionerRole"} <= set(along)
    monkeypatch.setattr(reads, "MOST_INCLUDED", len(along))
    assert await _brought(scene.district, path) == along
    monkeypatch.setattr(reads, "MOST_INCLUDED", len(along) - 1)
    await _refused(scene.district, path)


async def test_a_match_does_not_come_along_with_another(scene: Scene) -> None:
    school = {"resourceType": "Organization", "name": "School", "partOf": scene.district.reference}
    made = await scene.district.create(school)
    both = f"/Organization?_id={made['id']},{scene.district.organization}&_include=Organization:partof"
    assert await _brought(scene.district, both) == []
    assert await _brought(scene.district, f"/Organization?_id={made['id']}&_include=Organization:partof") == [
        "Organization"
    ]


@pytest.mark.parametrize(("query", "total", "entries"), [
    ("", 2, 2),
    ("_total=none", None, 2),
    ("_count=0", 2, 0),
    ("_count=0&_total=none", None, 0),
    ("_summary=count", 2, 0),
    ("_summary=count&_count=1", 2, 0),
    ("status=planned", 0, 0),
    ("status=planned&_summary=count", 0, 0),
])  # fmt: skip
async def test_the_total_is_told_where_it_is_wanted(scene: Scene, query: str, total: int | None, entries: int) -> None:
    page = (await scene.district.get(f"/Encounter?{query}")).json()
    assert (page.get("total"), len(page.get("entry", []))) == (total, entries)


async def test_the_total_holds_past_the_end_too(scene: Scene) -> None:
    made = [await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"],
            scene.district.reference, scene.district.reference, priority="stat")) for _ in range(3)]  # fmt: skip
    page = (await scene.district.get("/Task?priority=stat&_count=2&_sort=_lastUpdated")).json()
    following = next(x["url"] for x in page["link"] if x["relation"] == "next")
    assert (await scene.district.delete(f"/Task/{made[-1]['id']}")).status_code == 204
    page = (await scene.district.get(following)).json()
    assert (page["total"], page.get("entry", [])) == (2, [])
    for task in made[:2]:
        await scene.district.delete(f"/Task/{task['id']}")


@pytest.mark.parametrize(("scope", "types"), [("system/Patient.r", ["Patient"]), ("system/Patient.s", ["Patient"]),
                                              ("system/Task.rs", [])])  # fmt: skip
async def test_what_comes_along_is_of_a_type_that_may_be_read_or_searched(
    scene: Scene, scope: str, types: list[str]
) -> None:
    scopes = f"system/ServiceRequest.rs {scope}"
    member = await scene.world.client_of(scene.district.organization, scopes=scopes, purposes=("TREAT",))
    assert await _brought(member, "/ServiceRequest?_include=ServiceRequest:patient") == types
