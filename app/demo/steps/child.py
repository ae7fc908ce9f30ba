"""The story of one child: assessed, planned with her family, referred, served, and the goal achieved.

Each step checks what four parties see: the district, the clinic, and the second district and clinic, who see nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.assessments.shipped import SHIPPED
from app.demo import releases
from app.demo.api import Json, reference
from app.demo.families import Family, find_family, full_name
from app.demo.resources import OURS, encounter, outcome, referral, task
from app.demo.resources import day as on
from app.demo.steps.delivery import move
from app.demo.steps.scene import CHILD, Scene, references
from app.terminology.code_systems import system

SCREENING = next(f for f in SHIPPED if f["name"] == "AhcHrsnCore")
FOOD: Json = {"text": "Groceries for the weekend"}
ACHIEVED: Json = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/goal-achievement", "code": "achieved"}],
    "text": "Achieved",
}
OFTEN: Json = {"system": "http://loinc.org", "code": "LA28397-0", "display": "Often true"}


OUTCOME = "https://hallpass.example/fhir/StructureDefinition/outcome"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned for the student."""

    goal: Json
    plan: Json


async def tell(scene: Scene) -> None:
    """Steps 11 to 16, with another student than before."""
    family = await find_family(scene.district, skip=1)
    await _assess(scene, family)
    plan = await _plan(scene, family)
    request, progress = await _refer(scene, family, plan)
    await _serve(scene, request, progress)
    await _achieve(scene, family, plan)
    await _print(scene, family)


async def _assess(scene: Scene, family: Family) -> None:
    t, district = scene.telling, scene.district
    t.step(f"11. The district assesses {full_name(family.student)}")
    answers = {**_about(family), "resourceType": "QuestionnaireResponse", "questionnaire": SCREENING["url"]}
    answers |= {"status": "completed", "authored": on(), "item": [_answer({"valueString": "often"})]}
    refused = await district.send("POST", "QuestionnaireResponse", answers)
    t.heard(district, "POST", "QuestionnaireResponse", refused)
    t.hold("An answer that the form does not take is refused.", refused.status_code == 422, refused.text)
    filed = scene.remember(await district.create({**answers, "item": [_answer({"valueCoding": OFTEN})]}))
    found = await district.resource("GET", f"{reference(filed)}/$extract")
    for entry in found["entry"]:
        scene.remember(await district.create(entry["resource"]))
    t.hold("The answer is an Observation now.", (await _seen(scene, "Observation"))[0] == 1)
    await _clinic_sees(scene, set())


async def _plan(scene: Scene, family: Family) -> Plan:
    t, district = scene.telling, scene.district
    t.step("12. The district plans with the family")
    about = _about(family)
    condition = {**about, "resourceType": "Condition", "code": {"text": "Food insecurity"}, "recordedDate": on()}
    scene.remember(await district.create(condition))
    mother = {"reference": reference(family.signer)}
    goal = {**about, "resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "In class each day"}}
    stored = scene.remember(await district.create({**goal, "expressedBy": mother}))
    team = {**about, "resourceType": "CareTeam", "status": "active", "participant": [{"member": mother}]}
    scene.remember(await district.create(team))
    plan = {**about, "resourceType": "CarePlan", "status": "active", "intent": "plan", "title": "Plan of support"}
    plan |= {"period": {"start": on()}, "goal": [{"reference": reference(stored)}]}
    made = scene.remember(await district.create(plan))
    scene.remember(await district.create(_attendance(family, 82, on(-30))))
    t.say(f"{full_name(family.signer)} says what the family wants to reach, and the Goal says so.")
    await _clinic_sees(scene, set())
    return Plan(stored, made)


async def _refer(scene: Scene, family: Family, plan: Plan) -> tuple[Json, Json]:
    t, district, clinic = scene.telling, scene.district, scene.clinic.member
    t.step("13. The district refers, and the family shares the goal")
    request = scene.remember(await district.create(referral("food-1", family.student, FOOD, clinic.reference)))
    draft = scene.remember(await district.create(task("food-task-1", request, district.member.reference)))
    signed = releases.for_plan("release-3", family, [request, plan.goal, plan.plan], district.member, clinic)
    scene.remember(await district.create(signed))
    asked = await district.save({**draft, "status": "requested", "owner": clinic.reference})
    await _clinic_sees(scene, {reference(plan.goal), reference(plan.plan)})
    page = await scene.search(scene.clinic, "ServiceRequest")
    t.hold("The clinic finds the referral.", references(page) == [reference(request)], references(page))
    return request, asked


async def _serve(scene: Scene, request: Json, progress: Json) -> None:
    t, clinic = scene.telling, scene.clinic
    t.step("14. The clinic serves")
    await move(scene, progress, "accepted")
    visit = scene.remember(await clinic.create(encounter(request, clinic.member.reference)))
    await move(scene, progress, "completed", output=outcome(visit))
    current = await scene.district.resource("GET", reference(progress))
    t.hold("The district sees that the Task is completed.", current["status"] == "completed", current["status"])
    await scene.hidden(scene.district, reference(visit))
    await scene.strangers_see_nothing()


async def _achieve(scene: Scene, family: Family, plan: Plan) -> None:
    t, district = scene.telling, scene.district
    t.step("15. The goal is achieved")
    scene.remember(await district.create(_attendance(family, 96, on())))
    await district.save({**plan.goal, "lifecycleStatus": "completed", "achievementStatus": ACHIEVED})
    seen = await scene.clinic.resource("GET", reference(plan.goal))
    t.hold("The clinic sees that, too.", seen["achievementStatus"] == ACHIEVED, seen)
    await _clinic_sees(scene, {reference(plan.goal), reference(plan.plan)})


async def _print(scene: Scene, family: Family) -> None:
    t = scene.telling
    t.step("16. The plan is printed")
    path = f"{reference(family.student)}/$support-plan"
    whole, shared = [(await api.send("GET", path)).text for api in (scene.district, scene.clinic)]
    known = ("In class each day", "Achieved", "Food insecurity", "Often true", "+14")
    t.hold(
        "The district's has need, goal, service, and the change since the plan began.", all(w in whole for w in known)
    )
    t.hold(
        "The clinic's has the goal, and nothing that was not shared.",
        [w in shared for w in known] == [True] * 2 + [False] * 3,
    )
    for stranger in scene.strangers:
        await scene.hidden(stranger, path)
    await scene.strangers_see_nothing()


async def _clinic_sees(scene: Scene, wanted: set[str]) -> None:
    """Raise Difference unless the clinic finds these of the plan and no more, and the strangers nothing."""
    found = {r for kind in CHILD for r in (await _seen(scene, kind, clinic=True))[1]}
    told = ", ".join(sorted(r.partition("/")[0] for r in wanted)) or "nothing"
    scene.telling.hold(f"Of assessment and plan, {scene.clinic.member.name} sees: {told}.", found == wanted, found)
    await scene.strangers_see_nothing()


async def _seen(scene: Scene, kind: str, *, clinic: bool = False) -> tuple[int, list[str]]:
    page: dict[str, Any] = await (scene.clinic if clinic else scene.district).resource("GET", kind)
    return page["total"], references(page)


def _about(family: Family) -> Json:
    return {"subject": {"reference": reference(family.student)}}


def _answer(value: Json) -> Json:
    return {"linkId": "/88122-7", "answer": [value]}


def _attendance(family: Family, value: int, day: str) -> Json:
    code = {"system": system("student-measure"), "code": "attendance-rate", "display": "Attendance"}
    share = {"value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    own: Json = {
        "resourceType": "Observation",
        "status": "final",
        "meta": {"profile": [OUTCOME]},
        "identifier": [{"system": OURS, "value": f"rate-{value}"}],
    }
    return {**own, **_about(family), "code": {"coding": [code]}, "effectiveDateTime": day, "valueQuantity": share}
