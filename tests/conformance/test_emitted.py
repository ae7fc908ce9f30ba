"""Answers of every kind are valid FHIR by a validator that the server does not use.

Here for a scene of each; `make conformance` judges what the whole suite is answered, by the same means.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.resources import TYPES
from tests import build
from tests.conformance.emitted import bodies, faults
from tests.conformance.hapi import Hapi, severe
from tests.recording import OF_A_KIND, Recorder, recording, shape
from tests.scene import Scene, set_scene
from tests.world import World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district with a record of each type, and a clinic with a release."""
    return await set_scene(world, "Patient", "ServiceRequest", "Encounter")


ASKED = (
    "/metadata",
    "?_type=Patient,Encounter",
    "/_history",
    "/StructureDefinition",
    "/SearchParameter",
    "/ValueSet",
    "/CodeSystem",
    "/ConceptMap",
    "/OperationDefinition",
    "/Library/notice-ferpa",
    *(f"/{name}{more}" for name in TYPES for more in ("", "/{id}", "/{id}/_history", "/{id}/$meta", "?_summary=true")),
    "/Patient/{id}/$everything",
    "/Encounter/{id}/$everything",
    "/Patient/{id}/$disclosures",
    "/Consent?_elements=status",
    "/Organization?_elements=telecom",
    "/ServiceRequest?_elements=orderDetail",
    "/AuditEvent",
    "/Patient/none",
    "/Patient?unheard-of=1",
    "/Patient?_revinclude=*&_include=*&_pretty=true",
)


@pytest.mark.parametrize("who", ["district", "clinic", "stranger"])
async def test_what_is_read_is_valid(scene: Scene, hapi: Hapi, who: str) -> None:
    member = getattr(scene, who)
    wrong: dict[str, list[str]] = {}
    for asked in ASKED:
        name = asked.split("/")[1].partition("?")[0] if "/" in asked else ""
        response = await member.get(asked.replace("{id}", scene.records.get(name, {}).get("id", "none")))
        found = severe(faults(hapi, response.text))
        if found:
            wrong[asked] = found
    assert wrong == {}


async def test_what_is_written_and_what_is_refused_is_answered_validly(scene: Scene, hapi: Hapi) -> None:
    member, student = scene.district, scene.student
    visit = build.encounter(student)
    entry = {"resource": visit, "request": {"method": "POST", "url": "Encounter"}}
    entries = [entry, {"request": {"method": "GET", "url": "Patient"}}, {"request": {"method": "GET", "url": "Task/x"}}]
    release = build.consent(student, scene.records["RelatedPerson"], member.reference, scene.clinic.reference)
    question = [
        {"name": "recipient", "valueReference": scene.clinic.reference},
        {"name": "purpose", "valueCode": "TREAT"},
        {"name": "type", "valueCode": "Patient"},
    ]
    answers = [
        await member.post("/Encounter", visit),
        await member.post("/Encounter", {**visit, "status": "over", "subject": {"reference": "Device/1"}}),
        await member.post("/Encounter/$validate", {**visit, "status": "over"}),
        await member.post("/Consent", {**release, "performer": [], "dateTime": None}),
        await member.post("/Consent/$preview", release),
        await member.post(
            "/Patient/$match",
            {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": build.patient()}]},
        ),
        await member.post(
            f"/Patient/{student['id']}/$explain-access", {"resourceType": "Parameters", "parameter": question}
        ),
        await member.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries}),
        await member.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries[:1]}),
        await member.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries}),
        await scene.stranger.put(f"/Patient/{student['id']}", student),
        await member.get("/Patient?unheard-of=1", headers={"Prefer": "handling=lenient"}),
    ]
    wrong = {str(r.url): severe(faults(hapi, r.text)) for r in answers}
    assert {url: found for url, found in wrong.items() if found} == {}


def test_a_fault_in_an_answer_is_found(hapi: Hapi) -> None:
    entry = {"fullUrl": "https://x.example/fhir/Patient/1", "resource": {"id": "1", **build.patient()}}
    planted: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": [entry]}
    assert faults(hapi, json.dumps(planted)) == []
    planted["entry"][0]["resource"]["gender"] = "unheard-of"
    assert "gender" in faults(hapi, json.dumps(planted))[0].location


async def test_the_recorder_keeps_some_of_each_kind(tmp_path: Path) -> None:
    """And nothing that is not FHIR."""

    async def answer(request: httpx.Request) -> httpx.Response:
        kind = request.url.params["kind"]
        body = {"other": 1} if kind == "other" else {"resourceType": kind, "id": str(request.url.params["n"])}
        return httpx.Response(200, json=body)

    with recording(tmp_path) as recorder:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            for n in range(5):
                for kind in ("Patient", "Practitioner", "other"):
                    await http.get("https://x.example", params={"kind": kind, "n": n})
    assert recorder.answers == 10
    kept = [json.loads(b["body"])["resourceType"] for b in bodies(tmp_path)]
    assert (kept.count("Patient"), kept.count("Practitioner"), len(kept)) == (OF_A_KIND, OF_A_KIND, 2 * OF_A_KIND)
    assert isinstance(recorder, Recorder)


def test_answers_of_a_kind_have_the_same_elements_and_codes() -> None:
    one = {"status": "active", "name": [{"family": "Ana Maria"}, {"family": "Bo 2"}], "n": 1}
    assert shape(one) == shape({"status": "active", "name": [{"family": "Cy 3"}], "n": 7})
    assert shape(one) != shape({**one, "status": "draft"})
