"""Nothing that a client sends stops the event loop: long work has a thread of its own, and an end."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio

from app.assessments.form import EXTRACTED
from tests import build
from tests.api.asking import FHIR, patient
from tests.limits.stall import watching
from tests.scene import Scene, set_scene
from tests.world import World

MORE_SECONDS = 0.1
"""What a stall may be longer than that of the idle control of the same run."""
ANSWERED = 20.0
FORM = "urn:x:form"


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district with records; what stands by then is left alone by the collector, as in a server."""
    found = await set_scene(world)
    gc.collect()
    gc.freeze()
    return found


def large(values: int) -> dict[str, Any]:
    """A student with so many identifiers, each of two values."""
    return build.patient("S", identifier=[{"system": "urn:x", "value": f"v{n}"} for n in range(values)])


def operations(count: int) -> dict[str, Any]:
    """A FHIRPath Patch whose conditions look at every identifier."""
    path = "Patient.identifier.where(system = 'urn:x' and value = 'no').where(system = 'urn:x')"
    part = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": path}]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}] * count}


def named(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource to be judged by its profile."""
    profile = {"name": "profile", "valueUri": "http://127.0.0.1:8000/fhir/StructureDefinition/hallpass-patient"}
    listed = [{"name": "resource", "resource": resource}, profile]
    return {"resourceType": "Parameters", "parameter": listed}


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def posted(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


async def held(scene: Scene, work: Any) -> tuple[Any, float]:
    """What the work comes to, and how much longer the loop stood still than when nothing was asked."""
    async with watching() as idle:
        await asyncio.sleep(0.3)
    began = time.monotonic()
    async with watching() as busy:
        answer = await work
    assert time.monotonic() - began < ANSWERED
    print(f"{answer.status_code} idle {idle.longest:.3f} busy {busy.longest:.3f} {time.monotonic() - began:.1f}s")
    assert answer.status_code in (200, 201, 413, 422, 429), answer.text[:500]
    return answer, busy.longest - idle.longest


def form(questions: int) -> dict[str, Any]:
    """A form with a group that can be answered again and again, of so many questions, which can make Observations."""
    code = {"code": [{"system": "urn:x", "code": "c"}]}
    asked = [{"linkId": f"q{n}", "type": "string", "text": "x", **code} for n in range(questions)]
    extracted = [{"url": EXTRACTED, "valueBoolean": True}]
    group = {"linkId": "g", "type": "group", "repeats": True, "item": asked}
    return {"resourceType": "Questionnaire", "status": "active", "url": FORM, "extension": extracted, "item": [group]}


def answers(groups: int, student: str) -> dict[str, Any]:
    """Answers to the group, so many times none: each is judged by every question of it."""
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": FORM,
        "subject": {"reference": f"Patient/{student}"},
        "item": [{"linkId": "g"}] * groups,
    }


def sent(**given: Any) -> dict[str, Any]:
    """Parameters by name."""
    kinds = {"subject": "valueReference", "local": "valueBoolean"}
    listed = [{"name": (k := name.replace("_", "-")), kinds.get(k, "resource"): v} for name, v in given.items()]
    return {"resourceType": "Parameters", "parameter": listed}


SENT = {
    "answers to be extracted": (
        "/QuestionnaireResponse/$extract",
        sent(questionnaire_response=answers(9_000, str(uuid4())), questionnaire=form(1_500)),
    ),
    "create": ("/Patient", large(5_000)),
    "create of the largest": ("/Patient", large(90_000)),
    "validate": ("/Patient/$validate", large(90_000)),
    "validate by profile": ("/Patient/$validate", named(large(6_000))),
    "a bad one": ("/Patient", large(20_000) | {"identifier": [{"nix": n} for n in range(200_000)]}),
    "match": ("/Patient/$match", large(6_000)),
    "nothing but strings": ("/Patient", {"resourceType": "Patient", "x": [""] * 1_500_000}),
    "a large string": ("/Patient", build.patient("S", photo=[{"contentType": "image/png", "data": "A" * 4_000_000}])),
    "parameters": (
        f"/Patient/{uuid4()}/$explain-access",
        {"resourceType": "Patient", "parameter": [{"name": "x"}] * 200_000},
    ),
    "a transaction": ("", bundle("transaction", *[posted(patient()) for _ in range(200)])),
    "a large entry": ("", bundle("batch", posted(large(50_000)))),
}


@pytest.mark.parametrize("name", list(SENT))
async def test_the_event_loop_goes_on_while_a_body_is_worked_on(scene: Scene, name: str) -> None:
    path, body = SENT[name]
    content = orjson.dumps(body)  # now, so that it is the server alone that is measured
    _, stall = await held(scene, scene.district.post(path, content=content, headers=FHIR))
    assert stall < MORE_SECONDS


async def test_the_event_loop_goes_on_while_a_large_record_is_patched(scene: Scene) -> None:
    written = await scene.district.create(large(5_000))
    url = f"/Patient/{written['id']}"
    patches = {
        "application/fhir+json": operations(1_000),
        "application/json-patch+json": [{"op": "move", "from": "/identifier", "path": "/identifier"}] * 1_000,
        "application/merge-patch+json": {"identifier": large(30_000)["identifier"]},
    }
    for kind, patch in patches.items():
        content = orjson.dumps(patch)
        request = scene.district._send("PATCH", url, content=content, headers={"Content-Type": kind})
        _, stall = await held(scene, request)
        assert stall < MORE_SECONDS, kind


async def test_the_event_loop_goes_on_while_a_form_is_begun(scene: Scene) -> None:
    given = sent(subject={"reference": f"Patient/{scene.student['id']}"}, questionnaire=form(1_500))
    content = orjson.dumps(given)
    _, stall = await held(scene, scene.district.post("/Questionnaire/$populate", content=content, headers=FHIR))
    assert stall < MORE_SECONDS


async def test_the_event_loop_goes_on_while_answers_are_judged_by_their_form(scene: Scene) -> None:
    await scene.district.create(form(1_500))
    content = orjson.dumps(answers(9_000, scene.student["id"]))
    _, stall = await held(scene, scene.district.post("/QuestionnaireResponse", content=content, headers=FHIR))
    assert stall < MORE_SECONDS


async def test_the_event_loop_goes_on_while_it_is_said_how_releases_stand(scene: Scene) -> None:
    """Every release of a student is weighed for every record of it."""
    student = scene.student
    visits = [posted(build.encounter(student)) for _ in range(600)]
    assert (await scene.district.post("", bundle("transaction", *visits))).status_code == 200
    for _ in range(12):
        await scene.release("Encounter")
    _, stall = await held(scene, scene.district.get(f"/Patient/{student['id']}/$consent-status"))
    assert stall < MORE_SECONDS


async def test_the_event_loop_goes_on_while_referrals_are_counted(scene: Scene) -> None:
    referrals = [posted(build.referral(scene.student, note=[{"text": "x"}] * 80)) for _ in range(500)]
    for _ in range(4):
        assert (await scene.district.post("", bundle("transaction", *referrals))).status_code == 200
    path = f"/{scene.district.reference['reference']}/$referral-report?start=2020-01-01&end=2030-01-01"
    _, stall = await held(scene, scene.district.get(path))
    assert stall < MORE_SECONDS
