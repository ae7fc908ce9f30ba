"""A counselor refers the student, and nobody outside sees it. https://hl7.org/fhir/R4/servicerequest.html"""

from __future__ import annotations

from dataclasses import dataclass

from app.demo.api import Json, reference
from app.demo.families import Family
from app.demo.resources import COUNSELING, VISION, referral, task
from app.demo.steps.scene import Scene


@dataclass(frozen=True, slots=True)
class Referrals:
    """The referral that this is about, its Task, and another referral of the same student."""

    request: Json
    task: Json
    other: Json


async def refer(scene: Scene, family: Family) -> Referrals:
    """Step 3."""
    t, district, clinic = scene.telling, scene.district, scene.clinic
    t.step("3. A counselor refers the student to the clinic; no release is signed")
    request = await district.create(referral("referral-1", family.student, COUNSELING, clinic.member.reference))
    other = await district.create(referral("referral-2", family.student, VISION, clinic.member.reference))
    progress = await district.create(task("task-1", request, district.member.reference))
    for resource in (request, other, progress):
        scene.remember(resource)
    t.say(
        f"{district.member.name} stores two referrals to {clinic.member.name}, for counseling and for a vision check,"
    )
    t.say("and a Task to follow the first. It is about the student like any other record: whoever is named in it,")
    t.say("nobody outside sees it before there is a signature.")
    for kind in ("ServiceRequest", "Task", "Patient"):
        page = await scene.search(clinic, kind)
        t.hold(f"The clinic finds no {kind}.", page["total"] == 0 and "entry" not in page, page)
    for resource in (request, other, progress, family.student):
        await scene.hidden(clinic, reference(resource))
    await scene.hidden(clinic, f"{reference(request)}/_history")
    await scene.strangers_see_nothing()
    return Referrals(request, progress, other)
