"""The clinic delivers, and the district sees of it what the clinic has released in its turn.
https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from app.demo import releases
from app.demo.api import Json, reference
from app.demo.families import Family
from app.demo.resources import encounter, outcome
from app.demo.steps.scene import Scene, references


async def deliver(scene: Scene, family: Family, request: Json, task: Json, release: Json) -> Json:
    """Step 6; answers the Encounter."""
    t, district, clinic = scene.telling, scene.district, scene.clinic
    t.step("6. The clinic accepts, and holds a session")
    await move(scene, task, "accepted")
    visit = scene.remember(await clinic.create(encounter(request, clinic.member.reference)))
    t.say(f"{clinic.member.name} stores the session as an Encounter, based on the referral.")
    await move(scene, task, "completed", output=outcome(visit))
    await _moves(scene, task)
    t.say("The Encounter is the clinic's own record. The district knows its id from the Task, and sees no more of it:")
    await scene.hidden(district, reference(visit))
    page = await scene.search(district, "Encounter")
    t.hold("The district finds no Encounter.", page["total"] == 0, page["total"])
    await scene.strangers_see_nothing()

    t.say(f"{clinic.member.name} files a release of its own, on the evidence of the one that the district holds.")
    own = releases.for_district("release-2", family, visit, release, clinic.member, district.member)
    answer = await clinic.send("POST", "Consent", own)
    t.heard(clinic, "POST", "Consent", answer)
    t.hold("It is accepted.", answer.status_code == 201, answer.text)
    scene.remember(answer.json())
    page = await scene.search(district, "Encounter?_include=Encounter:based-on")
    wanted = [reference(visit), reference(request)]
    t.hold("Now the district finds the Encounter, with the referral that it is based on.", references(page) == wanted)
    await scene.strangers_see_nothing()
    return visit


async def move(scene: Scene, task: Json, status: str, **more: object) -> None:
    """The clinic reads the Task, and writes it back with another status."""
    current = await scene.clinic.resource("GET", reference(task))
    answer = await scene.clinic.send("PUT", reference(task), {**current, "status": status, **more})
    scene.telling.heard(scene.clinic, "PUT", reference(task), answer)
    scene.telling.hold(f"The clinic sets the Task to {status}.", answer.is_success, answer.text)


async def _moves(scene: Scene, task: Json) -> None:
    """The district follows the Task by its history."""
    page = await scene.search(scene.district, f"{reference(task)}/_history")
    versions = [e["resource"] for e in reversed(page.get("entry", []))]
    moves = [v["status"] for v in versions]
    scene.telling.detail(f"{v['meta']['lastUpdated']}  {v['status']}" for v in versions)
    scene.telling.hold(
        "The district sees each move of the Task, with its time.",
        moves == ["draft", "requested", "accepted", "completed"],
        moves,
    )
