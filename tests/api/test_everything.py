"""$everything. https://hl7.org/fhir/R4/operation-patient-everything.html"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import Member, World

PRACTITIONER = {"resourceType": "Practitioner", "name": [{"family": "Okafor"}]}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A visit by a practitioner in a role, last year's visit, and a second student; the clinic sees visits."""
    scene = await set_scene(world, "Encounter")
    district, student = scene.district, scene.student
    person = scene.records["Practitioner"] = await district.create(PRACTITIONER)
    role = scene.records["PractitionerRole"] = await district.create(
        {"resourceType": "PractitionerRole", "practitioner": build.ref(person), "organization": district.reference}
    )
    old = build.encounter(student, period={"start": "2025-03-01", "end": "2025-03-01"})
    scene.records["old"] = await district.create({**old, "participant": [{"individual": build.ref(role)}]})
    other = await district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    scene.records["other"] = await district.create(build.encounter(other))
    return scene


async def everything(member: Member, path: str) -> dict[str, dict[str, Any]]:
    """What comes over all pages, by id; matches come once."""
    found: dict[str, dict[str, Any]] = {}
    while path:
        response = await member.get(path)
        assert response.status_code == 200, response.text
        bundle = response.json()
        for entry in bundle.get("entry", []):
            resource = {**entry["resource"], "mode": entry["search"]["mode"]}
            assert entry["search"]["mode"] == "include" or resource["id"] not in found
            found[resource["id"]] = resource
        path = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), "")
    return found


def types(found: dict[str, dict[str, Any]], mode: str | None = None) -> set[str]:
    """The types of what came."""
    return {r["resourceType"] for r in found.values() if mode in (None, r["mode"])}


async def test_the_custodian_gets_the_whole_record_and_the_directory_that_it_names(scene: Scene) -> None:
    found = await everything(scene.district, f"/Patient/{scene.student['id']}/$everything")
    names = {"Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Task", "Consent"}
    assert types(found, "match") == names
    assert types(found, "include") == {"Practitioner", "PractitionerRole", "Organization"}
    expected = {r["id"] for n, r in scene.records.items() if n not in ("Group", "other")}
    assert set(found) >= expected
    assert scene.records["other"]["id"] not in found


async def test_a_recipient_gets_what_a_release_opens_and_each_is_on_the_ledger(scene: Scene) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    found = await everything(scene.clinic, f"/Patient/{scene.student['id']}/$everything")
    assert types(found, "match") == {"Encounter", "Consent"}
    entered = (await ledger(scene.world, scene.clinic))[before:]
    assert {str(e[1]) for e in entered} == {r["id"] for r in found.values() if r["mode"] == "match"}
    assert {e[3] for e in entered} == {"everything"}


async def test_who_sees_nothing_of_a_student_gets_what_it_gets_of_nobody(scene: Scene) -> None:
    hidden = await scene.stranger.get(f"/Patient/{scene.student['id']}/$everything")
    absent = await scene.stranger.get(f"/Patient/{uuid4()}/$everything")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    visit = await scene.stranger.get(f"/Encounter/{scene.records['Encounter']['id']}/$everything")
    assert (visit.status_code, visit.content) == (404, absent.content)


async def test_pages_bring_each_match_once(scene: Scene) -> None:
    path = f"/Patient/{scene.student['id']}/$everything"
    assert set(await everything(scene.district, f"{path}?_count=2")) == set(await everything(scene.district, path))
    assert len((await scene.district.get(f"{path}?_count=2")).json()["link"]) == 3


PARTS: list[tuple[str, set[str], set[str]]] = [
    ("_type=Encounter", {"Encounter", "old"}, {"Patient", "Task"}),
    ("_type=Encounter,Patient&start=2026-01-01", {"Encounter", "Patient"}, {"old"}),
    ("end=2025-12-31", {"old", "Patient"}, {"Encounter"}),
    ("start=2025-03-01&end=2025-03", {"old", "RelatedPerson"}, {"Encounter", "ServiceRequest"}),
    ("_since=2020-01-01", {"old", "Encounter", "Patient"}, set()),
    ("_since=2999-01-01T00:00:00Z", set(), {"old", "Encounter", "Patient"}),
]


@pytest.mark.parametrize(("query", "there", "gone"), PARTS)
async def test_the_parameters_narrow_it(scene: Scene, query: str, there: set[str], gone: set[str]) -> None:
    found = await everything(scene.district, f"/Patient/{scene.student['id']}/$everything?{query}")
    assert {scene.records[n]["id"] for n in there} <= set(found)
    assert not {scene.records[n]["id"] for n in gone} & {i for i, r in found.items() if r["mode"] == "match"}


@pytest.mark.parametrize(
    "query", ["start=x", "start=2026&end=2025", "_type=Nothing", "family=x", "_count=x", "_since="]
)
async def test_what_cannot_be_understood_is_refused(scene: Scene, query: str) -> None:
    assert (await scene.district.get(f"/Patient/{scene.student['id']}/$everything?{query}")).status_code == 400


async def test_an_encounter_comes_with_what_it_refers_to_and_what_refers_to_it(scene: Scene) -> None:
    visit = scene.records["Encounter"]
    task = {**scene.records["Task"], "encounter": build.ref(visit)}
    scene.records["Task"] = await scene.district.save(task)
    found = await everything(scene.district, f"/Encounter/{visit['id']}/$everything")
    names = ("Encounter", "Patient", "ServiceRequest", "Task")
    assert {i for i, r in found.items() if r["mode"] == "match"} == {scene.records[n]["id"] for n in names}
    seen = await everything(scene.clinic, f"/Encounter/{visit['id']}/$everything")
    assert [i for i, r in seen.items() if r["mode"] == "match"] == [visit["id"]]


async def test_scopes_narrow_it_too(scene: Scene) -> None:
    scopes = "system/Encounter.rs system/Practitioner.r"
    member = await scene.world.client_of(scene.district.organization, scopes=scopes, purposes=("TREAT",))
    path = f"/Patient/{scene.student['id']}/$everything"
    assert types(await everything(member, path)) == {"Encounter"}
    assert (await member.get(f"{path}?_type=Patient")).status_code == 403
    around = f"/Encounter/{scene.records['Encounter']['id']}/$everything?_type=Encounter"
    assert types(await everything(member, around), "match") == {"Encounter"}
    searcher = await scene.world.client_of(
        scene.district.organization, scopes="system/Encounter.s", purposes=("TREAT",)
    )
    assert (await searcher.get(around)).status_code == 403
