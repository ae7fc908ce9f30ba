"""Patient/$support-plan: a document over what the caller may see, with a narrative to read and print.

https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.consent.attributes import INLINE_LABEL
from app.consent.codes import ACT_CODE
from app.db.engine import Database
from app.fhir.validation.plan import resource_model
from app.fhir.validation.validator import Validator
from app.referral.codes import REVIEW_DATE
from app.terminology.code_systems import system
from tests import build
from tests.scene import FAMILY, Scene, set_scene
from tests.world import Member, World, open_world

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
        "CarePlan": {
            "status": "active",
            "intent": "plan",
            "title": "Plan <2026>",
            "period": {"start": "2026-09-14"},
            "extension": [{"url": REVIEW_DATE, "valueDate": "2026-12-10"}],
            "activity": [{"detail": {"status": "in-progress", "description": "Walks with a friend"}}],
        },
        "Goal": {
            "lifecycleStatus": "active",
            "description": {"text": "In class each day"},
            "expressedBy": build.ref(mother),
            "achievementStatus": {"text": "improving"},
            "statusDate": "2026-11-02",
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
    assert "improving (2026-11-02)" in narrative(document, "Goals")
    assert "Mother" in narrative(document, "Team")
    assert "2026-12-10" in narrative(document, "The plan and its review")


async def test_services_stand_in_it_with_their_state_whether_asked_for_done_or_only_planned(scene: Scene) -> None:
    about = {"subject": build.ref(scene.student)}
    lens = {"resourceType": "Procedure", "status": "completed", "code": {"text": "Glasses fitted"}, **about}
    await scene.district.create({**lens, "performedDateTime": "2026-10-01"})
    said = narrative(await plan(scene.district, scene), "Services and referrals")
    assert "<td>Glasses fitted</td><td></td><td>completed</td><td>2026-10-01</td>" in said
    assert "<td>Walks with a friend</td><td></td><td>in-progress</td>" in said
    visit, referral = scene.records["Encounter"], scene.records["ServiceRequest"]
    assert f"<td>{visit['status']}</td><td>{visit['period']['start'][:10]}" in said
    assert f"<td>{referral['status']}</td><td>{referral['authoredOn']}" in said


async def test_a_printed_page_says_whose_plan_it_is_and_as_of_when(scene: Scene) -> None:
    document = await plan(scene.clinic, scene)
    first = document["entry"][0]["resource"]
    assert f"<td>Ana {FAMILY}</td>" in first["text"]["div"]
    assert f"<td>{first['date'][:10]}</td>" in first["text"]["div"]
    assert first["subject"]["display"] == f"Ana {FAMILY}"
    author = first["author"][0].get("reference")
    assert author is None or author in {e["fullUrl"].partition("/fhir/")[2] for e in document["entry"]}


async def test_many_measures_leave_the_plan_in_its_place_and_what_is_left_out_is_said(db: Database) -> None:
    async with open_world(db, max_count=10) as world:
        scene = await set_scene(world)
        about = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "title": "The plan"}
        await scene.district.create({**about, "subject": build.ref(scene.student)})
        assert "Not whole" not in str(await plan(scene.district, scene))
        post = {"method": "POST", "url": "Observation"}
        entries = [{"resource": measure(scene.student, 90, "2026-11-01"), "request": post} for _ in range(11)]
        stored = await scene.district.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert stored.status_code == 200
        document = await plan(scene.district, scene)
        assert "The plan" in narrative(document, "The plan and its review")
        assert "Not whole" in document["entry"][0]["resource"]["text"]["div"]


async def test_how_a_goal_came_to_be_achieved_is_seen_over_time_by_whom_it_is_released_to(scene: Scene) -> None:
    about = {"resourceType": "Goal", "subject": build.ref(scene.student), "description": {"text": "Reads a book"}}
    goal = await scene.district.create({**about, "lifecycleStatus": "active", "achievementStatus": {"text": "none"}})
    for state in ("improving", "achieved"):
        goal = await scene.district.save({**goal, "achievementStatus": {"text": state}})
    for member in (scene.district, scene.clinic):
        told = (await member.get(f"/Goal/{goal['id']}/_history")).json()["entry"]
        assert [e["resource"]["achievementStatus"]["text"] for e in told] == ["achieved", "improving", "none"]
    assert (await scene.stranger.get(f"/Goal/{goal['id']}/_history")).status_code == 404
    assert (await scene.district.delete(f"/Goal/{goal['id']}")).status_code == 204


async def test_a_plan_is_found_by_the_day_of_its_review(scene: Scene) -> None:
    own = scene.records["CarePlan"]["id"]
    assert own in await scene.district.ids("/CarePlan?review-date=le2026-12-31")
    assert own not in await scene.district.ids("/CarePlan?review-date=lt2026-12-01")


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


async def test_an_organization_that_has_no_name_has_plans_as_well(world: World) -> None:
    scene = await set_scene(world)
    own = (await scene.district.get(f"/{scene.district.reference['reference']}")).json()
    del own["name"]
    await scene.district.save({**own, "identifier": [{"system": "urn:test:organization", "value": "one"}]})
    care = {"resourceType": "CareTeam", "subject": build.ref(scene.student), "status": "active"}
    await scene.district.create({**care, "managingOrganization": [scene.district.reference]})
    author = (await plan(scene.district, scene))["entry"][0]["resource"]["author"][0]
    assert author["reference"] == scene.district.reference["reference"]
