"""Who received, a copy of what left, and disclosures outside the exchange. 34 CFR 99.30(c)(1), 99.32, 42 CFR 2.24"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, set_scene
from tests.world import BASE, open_world

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> Any:
    """A clinic read an Encounter twice, in two versions, and a student."""
    async with open_world(db) as world:
        found = await set_scene(world, "Patient", "Encounter")
        visit = found.records["Encounter"]
        await found.clinic.get(f"/Encounter/{visit['id']}")
        changed = await found.district.save({**visit, "status": "cancelled"})
        await found.clinic.get(f"/Encounter/{visit['id']}")
        found.records["Encounter"] = changed
        await found.clinic.get("/Patient")
        yield found


def told(parameters: Json, name: str) -> list[dict[str, Any]]:
    """The parts of each parameter of a name, by their names."""
    found = [p["part"] for p in parameters.get("parameter", []) if p["name"] == name]
    return [{x["name"]: next(v for k, v in x.items() if k != "name") for x in parts} for parts in found]


def event(student: Json, **more: Any) -> Json:
    """A disclosure to a court."""
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110106"},
        "recorded": "2026-09-20T10:00:00-04:00",
        "outcomeDesc": "Subpoena, 34 CFR 99.31(a)(9)",
        "agent": [{"who": {"display": "County court"}, "requestor": True}],
        "source": {"observer": {"display": "The office"}},
        "entity": [{"what": {"reference": f"Patient/{student['id']}"}}],
        **more,
    }


def disclosed(event: Json, **consent: Any) -> Json:
    """The Parameters of $recordDisclosure."""
    given = [{"name": "disclosure", "resource": event}]
    given += [{"name": "consent", "valueReference": c} for c in consent.values()]
    return {"resourceType": "Parameters", "parameter": given}


async def test_the_custodian_is_told_everyone_who_received_and_under_which_release(scene: Scene) -> None:
    path = f"/Patient/{scene.student['id']}/$recipients"
    found = told((await scene.district.get(path)).json(), "recipient")
    release = [f for f in found if f["basis"] == "release"]
    assert len(release) == 1
    assert release[0]["organization"]["reference"] == scene.clinic.reference["reference"]
    assert release[0]["organization"]["display"].startswith("Clinic")
    assert (release[0]["records"], release[0]["versions"]) == (2, 3)
    assert release[0]["purpose"] == "TREAT"
    assert told((await scene.district.get(f"{path}?start=2100-01-01")).json(), "recipient") == []
    for other in (scene.clinic, scene.stranger):
        assert (await other.get(path)).status_code == 404


async def test_the_copy_has_each_version_that_left_and_none_that_did_not(scene: Scene) -> None:
    path = f"/Patient/{scene.student['id']}/$disclosed-copy"
    whole = [e["resource"] for e in (await scene.district.get(path)).json()["entry"]]
    visits = [r for r in whole if r["resourceType"] == "Encounter"]
    assert [(v["meta"]["versionId"], v["status"]) for v in visits] == [("1", "finished"), ("2", "cancelled")]
    assert {r["resourceType"] for r in whole} == {"Encounter", "Patient"}
    page = (await scene.district.get(f"{path}?_count=2")).json()
    following = next(x["url"] for x in page["link"] if x["relation"] == "next")
    rest = (await scene.district.get(following)).json()
    assert [e["resource"] for b in (page, rest) for e in b["entry"]] == whole
    to_other = f"{path}?recipient={scene.stranger.organization}"
    assert "entry" not in (await scene.district.get(to_other)).json()
    for other in (scene.clinic, scene.stranger):
        assert (await other.get(path)).status_code == 404


async def test_the_copy_needs_the_scope_of_each_type_that_left(scene: Scene) -> None:
    """It has their content: an operation is no way around what a token lets its client read."""
    path, own = f"/Patient/{scene.student['id']}/$disclosed-copy", scene.district.organization
    base = "system/AuditEvent.s system/Patient.r"
    narrow = await scene.world.client_of(own, scopes=base, purposes=("TREAT",))
    refused(await narrow.get(path), 403, "forbidden")
    wide = await scene.world.client_of(own, scopes=f"{base} system/*.r", purposes=("TREAT",))
    assert (await wide.get(path)).status_code == 200


async def test_a_disclosure_outside_the_exchange_is_entered_and_marked_as_asserted(scene: Scene) -> None:
    entered = await scene.district.post("/AuditEvent/$recordDisclosure", disclosed(event(scene.student)))
    assert entered.status_code == 200
    place = entered.headers["Location"].removeprefix(f"{BASE}/fhir")
    stored = (await scene.district.get(place)).json()
    assert stored["subtype"][-1]["code"] == "asserted"
    assert stored["source"]["observer"] == scene.district.reference
    assert (await scene.clinic.get(place)).status_code == 404

    own = f"/Patient/{scene.student['id']}/$disclosures"
    for query in ("", "?basis=asserted"):
        events = [e["resource"] for e in (await scene.district.get(own + query)).json()["entry"]]
        assert [e for e in events if e["id"] == stored["id"]] == [stored]
    lines = (await scene.district.get(f"{own}?_format=csv&basis=asserted")).text.splitlines()
    assert "County court" in lines[1]
    assert "Subpoena" in lines[1]
    found = (await scene.district.get(f"/AuditEvent?patient={scene.student['id']}&_total=accurate")).json()
    assert stored["id"] in [e["resource"]["id"] for e in found["entry"]]
    assert found["total"] == len(found["entry"])
    assert "entry" not in (await scene.clinic.get(f"/AuditEvent?patient={scene.student['id']}")).json()


async def test_disclosures_are_found_by_the_consent_that_was_cited(scene: Scene) -> None:
    own = f"patient={scene.student['id']}&actor={scene.clinic.organization}"
    (release,) = await scene.district.ids(f"/Consent?{own}")
    cited = {"reference": f"Consent/{release}"}
    entered = await scene.district.post("/AuditEvent/$recordDisclosure", disclosed(event(scene.student), consent=cited))
    assert entered.status_code == 200
    found = (await scene.district.get(f"/AuditEvent?consent=Consent/{release}")).json()
    types = [e["resource"]["subtype"][-1]["code"] for e in found["entry"]]
    assert "asserted" in types
    assert len(types) == 4


async def test_only_a_consent_that_the_custodian_holds_is_cited(scene: Scene) -> None:
    """Not another's, of which it is a party, and not a record of another type."""
    mother = await scene.clinic.create(build.guardian(scene.student))
    parties = scene.clinic.reference, scene.district.reference
    theirs = await scene.clinic.create(build.consent(scene.student, mother, *parties, classes=("Encounter",)))
    assert (await scene.district.get(f"/Consent/{theirs['id']}")).status_code == 200
    for other in (theirs["id"], scene.records["Encounter"]["id"]):
        cited = disclosed(event(scene.student), consent={"reference": f"Consent/{other}"})
        answer = await scene.district.post("/AuditEvent/$recordDisclosure", cited)
        refused(answer, 422, "business-rule", "Parameters.parameter.where(name='consent')")


async def test_what_is_entered_is_whole_and_about_a_student_of_the_caller(scene: Scene) -> None:
    faults = {
        "AuditEvent.entity": {"entity": [{"what": {"display": "x"}}]},
        "AuditEvent.agent": {"agent": [{"who": {"display": "x"}, "requestor": False}]},
        "AuditEvent.recorded": {"recorded": "2100-01-01T00:00:00Z"},
    }
    for expression, fault in faults.items():
        refused = await scene.district.post("/AuditEvent/$recordDisclosure", disclosed(event(scene.student, **fault)))
        assert refused.status_code == 422
        assert refused.json()["issue"][0]["expression"] == [expression]
    for other in (scene.clinic, scene.stranger):
        entered = await other.post("/AuditEvent/$recordDisclosure", disclosed(event(scene.student)))
        assert entered.status_code == 404
    foreign = {"reference": "Consent/00000000-0000-4000-8000-000000000000"}
    cited = await scene.district.post("/AuditEvent/$recordDisclosure", disclosed(event(scene.student), consent=foreign))
    assert cited.status_code == 422


async def test_what_is_entered_counts_as_stored(db: Database) -> None:
    """It stays for years like any record: nobody fills the disk with it."""
    async with open_world(db, client_daily_bytes=500_000) as world:
        district = await world.member("District of many words")
        student = await district.create(build.patient())
        long = disclosed(event(student, outcomeDesc="x" * 300_000))
        answers = [(await district.post("/AuditEvent/$recordDisclosure", long)).status_code for _ in range(3)]
        assert answers == [200, 200, 429]
