"""The other referral waits for a signature, and is declined; and in the end, what came of the referrals.
https://hl7.org/fhir/R4/measurereport.html
"""

from __future__ import annotations

from pathlib import Path

from app.demo import releases
from app.demo.api import Json, reference
from app.demo.families import Family
from app.demo.resources import task
from app.demo.steps.referral import Referrals
from app.demo.steps.scene import Scene
from app.referral import codes as c
from app.report.table import draw, rows

FULL = {
    "coding": [{"system": c.STATUS_REASON, "code": "no-capacity", "display": c.STATUS_REASONS["no-capacity"]}],
    "text": "No appointment before spring",
}


async def decline(scene: Scene, family: Family, referrals: Referrals) -> Json:
    """Step 7; answers the release of the other referral, which has ended by then."""
    t, district, clinic = scene.telling, scene.district, scene.clinic
    t.step("7. The other referral waits for a signature, and is declined")
    asked = task("task-2", referrals.other, district.member.reference)
    other = scene.remember(await district.create({**asked, "status": "requested", "owner": clinic.member.reference}))
    waits = await _waiting(scene)
    t.hold("The district sees which referral waits for a release.", waits == [reference(referrals.other)], waits)
    draft = releases.for_clinic("release-3", family, referrals.other, district.member, clinic.member)
    signed = scene.remember(await district.create(draft))
    waits = await _waiting(scene)
    t.hold("A release is signed for it too, and nothing waits any more.", waits == [], waits)

    t.say(f"{clinic.member.name} has no room. It declines, at first without a reason:")
    current = await clinic.resource("GET", reference(other))
    for more, status in (({}, 422), ({"statusReason": FULL}, 200)):
        answer = await clinic.send("PUT", reference(other), {**current, "status": "rejected", **more})
        t.heard(clinic, "PUT", reference(other), answer)
        fact = "It takes a coded reason." if status == 422 else "With one it is declined."
        t.hold(fact, answer.status_code == status, answer.text)
    answer = await clinic.send("PUT", reference(other), {**current, "status": "accepted"})
    t.heard(clinic, "PUT", reference(other), answer)
    t.hold("Declined is final: nobody takes it up again.", answer.status_code == 409, answer.text)
    heard = await district.resource("GET", reference(other))
    t.hold("The district hears of it, with the reason.", heard["statusReason"]["text"] == FULL["text"], heard)
    ended: Json = await district.save({**signed, "status": "inactive"})
    t.say("There is nothing left to share for that referral, so the district ends its release.")
    await scene.hidden(clinic, reference(referrals.other))
    await scene.strangers_see_nothing()
    return ended


async def report(scene: Scene) -> None:
    """The last step."""
    t, district = scene.telling, scene.district
    t.step("17. The district asks what came of its referrals")
    path = f"{district.member.reference['reference']}/$referral-report"
    found = await district.resource("GET", path)
    figures = rows(found)
    t.detail(f"{name:<70} {number:>10} {share:>5}" for name, number, share in figures)
    numbers = {name: number for name, number, _ in figures}
    told = [numbers[name] for name in ("Referrals made", "Reached a service", "Declined by all providers asked")]
    t.hold("Three referrals were made: two were served, one was declined.", told == ["3", "2", "1"], told)
    t.hold("All three loops are closed.", numbers["Loop closed"] == "3", numbers)
    picture = scene.picture or scene.stage.folder / "referrals.svg"
    names = {district.member.reference["reference"]: district.member.name}
    _draw(scene, found, names, picture)


def _draw(scene: Scene, found: Json, names: dict[str, str], picture: Path) -> None:
    draw(found, names, picture)
    kept = "" if scene.picture else " `hallpass demo --picture FILE` keeps it."
    scene.telling.hold(f"It is drawn, too.{kept}", picture.stat().st_size > 0)


async def _waiting(scene: Scene) -> list[str]:
    """The referrals that wait for a release."""
    answer = await scene.district.send("GET", "ServiceRequest/$awaiting-release")
    listed = answer.json().get("parameter", [])
    found = [p["valueReference"]["reference"] for r in listed for p in r.get("part", []) if p["name"] == "request"]
    said = f"{scene.district.member.name}: GET ServiceRequest/$awaiting-release"
    scene.telling.detail([f"{said}  ->  {answer.status_code} {len(found)} found"])
    return found
