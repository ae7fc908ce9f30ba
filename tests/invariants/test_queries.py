"""Invariant 4: a query whose criteria read others' records is entered once, whatever it finds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.exchange.verify import Verifier
from tests import build
from tests.scene import FAMILY, Scene, as_owner, set_scene
from tests.world import Member, World

BORN = "2009-04-01"
Ask = Callable[[Scene], Awaitable[httpx.Response]]


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A clinic that is released a student, and has an Encounter of its own with it."""
    found = await set_scene(world, "Patient", "ServiceRequest")
    found.records["own"] = await found.clinic.create(build.encounter(found.student))
    return found


async def _entered(scene: Scene, reader: Member) -> list[dict[str, Any]]:
    """The queries that were entered, as a custodian reads them."""
    page = (await reader.get("/AuditEvent?subtype=query&_count=100&_sort=date")).json()
    return [e["resource"] for e in page.get("entry", []) if "entity" in e["resource"]]


def _details(event: dict[str, Any], name: str) -> list[str]:
    return [d["valueString"] for d in event["entity"][0]["detail"] if d["type"] == name]


def _condition(method: str, query: str, resource: Any = None, **request: str) -> Ask:
    """A transaction of one conditional write and one more, so that the condition is asked twice inside."""

    async def ask(scene: Scene) -> httpx.Response:
        other = {"request": {"method": "GET", "url": f"Encounter/{scene.records['own']['id']}"}}
        entry = {"request": {"method": method, "url": query, **request}}
        if resource is not None:
            entry["resource"] = resource(scene)
        return await scene.clinic.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry, other]})

    return ask


def _encounter(scene: Scene) -> dict[str, Any]:
    return build.encounter(scene.student)


def _match(scene: Scene) -> Awaitable[httpx.Response]:
    patient = {"resourceType": "Patient", "name": [{"family": FAMILY, "given": ["Ana"]}], "birthDate": BORN}
    return scene.clinic.post("/Patient/$match", patient)


CHAIN = f"patient.birthdate=lt{BORN}"
ASKS: dict[str, tuple[list[str], Ask]] = {
    "count": (["family", "_summary"], lambda s: s.clinic.get("/Patient?family=nobody&_summary=count")),
    "bare count": (["_summary"], lambda s: s.clinic.get("/Patient?_summary=count")),
    "no match": (["birthdate"], lambda s: s.clinic.get(f"/Patient?birthdate={BORN}&_total=none")),
    "match": (["family:exact"], lambda s: s.clinic.get(f"/Patient?family:exact={FAMILY}")),
    "several types": (["_tag"], lambda s: s.clinic.get("/?_type=Patient,Encounter&_tag=x")),
    "by a form": (
        ["birthdate"],
        lambda s: s.clinic._send("POST", "/Patient/_search", data={"birthdate": f"lt{BORN}"}),
    ),
    "chain": (["patient.birthdate"], lambda s: s.clinic.get(f"/Encounter?{CHAIN}")),
    "has": (
        ["_has:ServiceRequest:subject:status"],
        lambda s: s.clinic.get("/Patient?_has:ServiceRequest:subject:status=active&_summary=data"),
    ),
    "in a compartment": (["status"], lambda s: s.clinic.get(f"/Patient/{s.student['id']}/ServiceRequest?status=draft")),
    "everything": (["start", "end"], lambda s: s.clinic.get(f"/Patient/{s.student['id']}/$everything?start=2020")),
    "order": (["_sort"], lambda s: s.clinic.get("/Patient?_sort=birthdate&_count=1")),
    "$match": (["family", "birthdate", "given"], _match),
    "if none exist": (
        ["patient.birthdate"],
        lambda s: s.clinic.post("/Encounter", _encounter(s), headers={"If-None-Exist": CHAIN}),
    ),
    "if none exist, refused": (
        ["patient.birthdate", "status"],
        lambda s: s.clinic.post(
            "/Encounter",
            build.encounter({"id": "00000000-0000-4000-8000-000000000000", "resourceType": "Patient"}),
            headers={"If-None-Exist": f"patient.birthdate=gt{BORN}&status=planned"},
        ),
    ),
    "update": (["patient.birthdate"], lambda s: s.clinic.put(f"/Encounter?{CHAIN}", {**_encounter(s), "id": "x"})),
    "delete": (["patient.birthdate"], lambda s: s.clinic.delete(f"/Encounter?patient.birthdate=gt{BORN}")),
    "create in a transaction": (
        ["patient.birthdate"],
        _condition("POST", "Encounter", _encounter, ifNoneExist=CHAIN),
    ),
    "delete in a transaction": (["patient.birthdate"], _condition("DELETE", f"Encounter?patient.birthdate=gt{BORN}")),
}


@pytest.mark.parametrize("name", ASKS)
async def test_a_query_over_others_records_is_entered_once_by_its_parameters_names(scene: Scene, name: str) -> None:
    """Its custodian reads who asked by what, of how many students; what for is with the organization that asked."""
    names, ask = ASKS[name]
    before = await _entered(scene, scene.district)
    answer = await ask(scene)
    assert answer.status_code < 500, answer.text
    entered = (await _entered(scene, scene.district))[len(before) :]
    assert [_details(e, "parameter") for e in entered] == [names], answer.text
    (event,) = entered
    assert _details(event, "students") == ["1"]
    assert event["agent"][1]["who"]["reference"] == f"Organization/{scene.clinic.organization}"
    assert event["agent"][1]["who"]["identifier"]["value"] == scene.clinic.client_id
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    for value in (BORN, FAMILY.lower(), scene.student["id"]):
        assert value not in str(event).lower()
    again = await scene.district.get(f"/AuditEvent/{event['id']}")
    assert again.json() == event
    (request,) = _details(event, "request")
    log = [e["outcomeDesc"] for e in await _log(scene.clinic) if e["outcomeDesc"].startswith(request)]
    assert len(log) == 1
    assert "?" in log[0]


async def _log(member: Member) -> list[dict[str, Any]]:
    page = (await member.get("/AuditEvent?subtype=query&_count=100&_sort=-date")).json()
    return [e["resource"] for e in page.get("entry", []) if "outcomeDesc" in e["resource"]]


@pytest.mark.parametrize(
    "path",
    ["/Encounter?status=finished", "/Organization?name=Clinic&_summary=count", "/Patient", "/Encounter?_count=1"],
)
async def test_what_is_asked_of_ones_own_or_of_the_directory_is_not_entered(scene: Scene, path: str) -> None:
    before = await _entered(scene, scene.district)
    assert (await scene.clinic.get(path)).status_code == 200
    assert (await scene.district.get(path)).status_code == 200
    assert await _entered(scene, scene.district) == before
    assert await _entered(scene, scene.clinic) == []


async def test_a_query_is_in_no_students_record_and_the_ledger_stays_whole(scene: Scene) -> None:
    """Nor does it bring anything into what is said to have been given out of a Consent."""
    await scene.clinic.get("/Patient?family=nobody")
    record = f"/Patient/{scene.student['id']}/$disclosures"
    for form in ("", "?_format=csv", "?_format=html"):
        text = (await scene.district.get(f"{record}{form}")).text
        assert "family" not in text
        assert "110112" not in text
    assert "nobody" not in (await scene.district.get("/AuditEvent?_count=100")).text
    received = await scene.district.get(
        f"/Organization/{scene.clinic.organization}/$disclosures?basis=query&_format=csv"
    )
    assert "Patient by family, 1 students" in received.text.replace('"', "")
    assert [d async for d in Verifier(scene.world.db, scene.world.settings).run() if "ledger" in d.what] == []
    await as_owner(
        scene.world,
        "UPDATE hallpass.disclosure SET students = 2 WHERE ctid = (SELECT ctid FROM hallpass.disclosure"
        " WHERE basis = 'query' ORDER BY at DESC LIMIT 1)",
    )
    found = [d.what async for d in Verifier(scene.world.db, scene.world.settings).run() if "ledger" in d.what]
    assert found == ["a ledger entry that was changed"]
    await as_owner(scene.world, "UPDATE hallpass.disclosure SET students = 1 WHERE students = 2")


async def test_each_custodian_is_told_of_its_own_students_and_once_its_release_ends_of_nothing(scene: Scene) -> None:
    world, clinic = scene.world, scene.clinic
    other = await world.member("Another district")
    await world.agree(other, clinic)
    releases = []
    for n in range(2):
        student = await other.create(build.patient(f"O-{n}"))
        mother = await other.create(build.guardian(student))
        releases.append(await other.create(build.consent(student, mother, other.reference, clinic.reference)))
    before = len(await _entered(scene, scene.district))
    await clinic.get("/Patient?family=nobody&_summary=count")
    assert [_details(e, "students") for e in await _entered(scene, other)] == [["2"]]
    assert [_details(e, "students") for e in (await _entered(scene, scene.district))[before:]] == [["1"]]
    for release in releases:
        await other.save({**release, "status": "inactive"})
    await clinic.get("/Patient?family=nobody&_summary=count")
    assert len(await _entered(scene, other)) == 1


async def test_a_release_of_other_types_is_not_asked(scene: Scene) -> None:
    """The clinic searches Encounters; the district's releases name none."""
    before = await _entered(scene, scene.district)
    await scene.clinic.get("/Encounter?date=gt2020")
    await scene.clinic.get("/Task?status=requested")  # follows its referral
    entered = (await _entered(scene, scene.district))[len(before) :]
    assert [_details(e, "type") for e in entered] == [["Task"]]


async def test_the_same_query_again_in_one_batch_is_entered_again(scene: Scene) -> None:
    """Each entry of a batch is answered by itself, at its own moment."""
    before = await _entered(scene, scene.district)
    asked = {"request": {"method": "GET", "url": "Patient?family=nobody"}}
    answer = await scene.clinic.post("", {"resourceType": "Bundle", "type": "batch", "entry": [asked, asked]})
    assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["200", "200"]
    entered = (await _entered(scene, scene.district))[len(before) :]
    assert [_details(e, "parameter") for e in entered] == [["family"], ["family"]]
    assert len({e["id"] for e in entered}) == 2
