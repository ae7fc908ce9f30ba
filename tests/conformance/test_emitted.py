"""Answers of every kind are valid FHIR by a validator that the server does not use.

Here for a scene of each; `make conformance` judges what the whole suite is answered, by the same means.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Response
from starlette.middleware.gzip import GZipMiddleware

from app.resources import TYPES
from tests import build
from tests.conformance.emitted import Collected, faults
from tests.conformance.hapi import Hapi, severe
from tests.recording import likeness, recording
from tests.running import serving
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
    reading = {"request": {"method": "GET", "url": f"Patient/{student['id']}"}}
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
        await member.post("", {"resourceType": "Bundle", "type": "batch", "entry": [reading, reading]}),
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


@pytest.mark.parametrize("packed", [False, True])
async def test_every_fhir_answer_of_an_application_is_collected(tmp_path: Path, packed: bool) -> None:
    """Packed or not; what differs by a name or a moment alone counts, and is not kept again."""
    app = FastAPI()
    if packed:
        app.add_middleware(GZipMiddleware, minimum_size=1)

    @app.get("/{kind}/{family}")
    def answer(kind: str, family: str) -> Response:
        named = {} if kind == "other" else {"resourceType": kind, "id": str(uuid4())}
        media = "application/json" if family == "Moss" else "application/fhir+json"
        return Response(json.dumps({**named, "name": [{"family": family}]}), media_type=media)

    with recording(tmp_path):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://x.example") as http:
            for asked in ("/Patient/Rivera", "/Patient/Rivera", "/Patient/Moss", "/other/Rivera"):
                assert (await http.get(asked)).status_code == 200
    found = Collected.of(tmp_path)
    assert found.answers == 3
    assert [json.loads(b["body"])["name"][0]["family"] for b in found.bodies.values()] == ["Rivera", "Moss"]
    assert [b["asked"] for b in found.bodies.values()] == ["GET /Patient/Rivera 200", "GET /Patient/Moss 200"]


def test_what_a_server_process_answers_to_a_program_of_others_is_collected(tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not on this machine")
    with recording(tmp_path), serving() as server:
        subprocess.run(["curl", "-sf", f"{server.url}/fhir/CodeSystem/regime"], check=True, capture_output=True)
    (found,) = Collected.of(tmp_path).bodies.values()
    assert (json.loads(found["body"])["id"], found["asked"]) == ("regime", "GET /fhir/CodeSystem/regime 200")


def test_what_the_server_makes_up_makes_no_difference() -> None:
    """A value of another form than it must have does."""
    one = '"id": "%s", "lastUpdated": "%s", "status": "%s"'
    first = one % (uuid4(), "2026-11-22T10:00:00.123456Z", "active")
    assert likeness(first) == likeness(one % (uuid4(), "2027-01-02T03:04:05Z", "active"))
    for other in (
        one % (uuid4(), "2026-11-22T10:00:00Z", "draft"),
        one % (uuid4(), "2026-11-22T10:00:00", "active"),
        one % (uuid4().hex, "2026-11-22T10:00:00Z", "active"),
    ):
        assert likeness(first) != likeness(other)
