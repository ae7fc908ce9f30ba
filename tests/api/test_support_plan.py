"""Patient/$support-plan: a document over what the caller may see, with a narrative to read and print.

https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.consent.attributes import INLINE_LABEL
from app.consent.codes import ACT_CODE
from app.fhir.validation.plan import resource_model
from app.fhir.validation.validator import Validator
from app.terminology.code_systems import system
from tests import build
from tests.scene import FAMILY, Scene, set_scene
from tests.world import Member, World

Json = dict[str, Any]
INLINE = {"url": INLINE_LABEL, "valueCoding": {"system": ACT_CODE, "code": "PSY"}}
MEASURES = system("student-measure")


def measure(student: Json, value: float, day: str) -> Json:
    """Attendance as a district pushes it."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": MEASURES, "code": "attendance-rate", "display": "Attendance"}]},
        "subject": build.ref(student),
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    }


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A plan with a goal of the mother's, a team, and attendance that got better; the clinic sees plan and goal."""
    scene = await set_scene(world, "Patient", "CarePlan", "Goal", "ServiceRequest")
    student, mother = scene.student, scene.records["RelatedPerson"]
    about = {"subject": build.ref(student)}
    made: dict[str, Json] = {
        "CarePlan": {"status": "active", "intent": "plan", "title": "Plan <2026>", "period": {"start": "2026-09-14"}},
        "Goal": {
            "lifecycleStatus": "active",
            "description": {"text": "In class each day"},
            "expressedBy": build.ref(mother),
            "achievementStatus": {"text": "improving"},
        },
        "CareTeam": {"status": "active", "participant": [{"member": build.ref(mother), "role": [{"text": "Mother"}]}]},
        "Condition": {"code": {"text": "Food insecurity"}},
    }
    for name, body in made.items():
        scene.records[name] = await scene.district.create({"resourceType": name, **about, **body})
    for value, day in ((82, "2026-09-01"), (90, "2026-11-01"), (93.5, "2026-11-20")):
        scene.records[day] = await scene.district.create(measure(student, value, day))
    return scene


async def plan(member: Member, scene: Scene) -> Json:
    """The document."""
    answer = await member.get(f"/Patient/{scene.student['id']}/$support-plan")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def narrative(document: Json, title: str) -> str:
    """What a section says."""
    section = next(s for s in document["entry"][0]["resource"]["section"] if s["title"] == title)
    return str(section["text"]["div"])


async def test_the_custodian_gets_the_whole_plan_to_read(scene: Scene) -> None:
    document = await plan(scene.district, scene)
    assert "Plan &lt;2026&gt;" in narrative(document, "The plan and its review")
    assert "Food insecurity" in narrative(document, "Strengths and needs")
    assert "In class each day" in narrative(document, "Goals")
    assert "improving" in narrative(document, "Goals")
    assert "Mother" in narrative(document, "Team")


async def test_the_change_is_counted_from_the_day_on_which_the_plan_began(scene: Scene) -> None:
    said = narrative(await plan(scene.district, scene), "Outcomes")
    assert "82 % (2026-09-01)" in said
    assert "93.5 % (2026-11-20)" in said
    assert "+11.5" in said


async def test_it_is_a_valid_document_whose_entries_are_what_it_names(scene: Scene) -> None:
    document = await plan(scene.district, scene)
    model = resource_model("Composition")
    assert model is not None
    assert Validator(document["entry"][0]["resource"]).issues(model) == []
    assert {e["resource"]["resourceType"] for e in document["entry"]} >= {"Patient", "CarePlan", "Goal"}
    there = {e["fullUrl"].partition("/fhir/")[2] for e in document["entry"]}
    named = {e["reference"] for s in document["entry"][0]["resource"]["section"] for e in s.get("entry", [])}
    assert named <= there
    assert document == await plan(scene.district, scene)


async def test_a_recipient_gets_what_a_release_opens_and_no_trace_of_the_rest(scene: Scene) -> None:
    answer = await scene.clinic.get(f"/Patient/{scene.student['id']}/$support-plan")
    assert "In class each day" in answer.text
    hidden = [scene.records[k]["id"] for k in ("Condition", "CareTeam", "RelatedPerson", "2026-09-01")]
    assert not [h for h in ("Food insecurity", "Mother", "93.5", *hidden[:2], hidden[3]) if h in answer.text]
    assert (await scene.stranger.get(f"/Patient/{scene.student['id']}/$support-plan")).status_code == 404


async def test_its_narrative_has_the_labels_of_all_that_it_tells(scene: Scene) -> None:
    """It may be printed and filed by itself: what must not be passed on, or is restricted within, is so there too."""
    assert labels(await plan(scene.clinic, scene)) == {"NORDSCLCD"}
    assert labels(await plan(scene.district, scene)) == set()
    marked = {"note": [{"text": "Told in confidence", "extension": [INLINE]}]}
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Sleep"}, **marked}
    made = await scene.district.create({**goal, "subject": build.ref(scene.student)})
    assert labels(await plan(scene.district, scene)) == {"PSY"}
    assert labels(await plan(scene.clinic, scene)) == {"NORDSCLCD"}
    assert (await scene.district.delete(f"/Goal/{made['id']}")).status_code == 204


def labels(document: Json) -> set[str]:
    """The codes of the labels of the Composition."""
    return {x["code"] for x in document["entry"][0]["resource"].get("meta", {}).get("security", [])}


async def test_what_a_recipient_gets_is_on_the_ledger(scene: Scene) -> None:
    path = f"/AuditEvent?entity=Goal/{scene.records['Goal']['id']}"
    before = await scene.district.ids(path)
    assert FAMILY in (await scene.clinic.get(f"/Patient/{scene.student['id']}/$support-plan")).text
    assert len(await scene.district.ids(path)) == len(before) + 1
