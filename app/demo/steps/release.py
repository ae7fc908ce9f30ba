"""A guardian signs; only what is complete counts; and what it names, and no more, appears to the clinic.
https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from app.demo import releases
from app.demo.api import Json, reference
from app.demo.families import Family, full_name
from app.demo.steps.referral import Referrals
from app.demo.steps.scene import Scene, references

MISSING = {
    "Consent.dateTime",
    "Consent.source",
    "Consent.organization",
    "Consent.performer",
    "Consent.provision",
    "Consent.provision.actor",
    "Consent.provision.purpose",
    "Consent.provision.period.end",
}
"""What a Consent lacks that names only its laws, its student and `permit`."""


async def sign(scene: Scene, family: Family, referrals: Referrals) -> Json:
    """Step 4; answers the district's release."""
    t, district = scene.telling, scene.district
    t.step("4. A guardian signs a release")
    t.say("Somebody at the district files the form before it is filled in, and marks it active.")
    refused = await district.send("POST", "Consent", releases.unfinished(family.student))
    t.detail([f"{district.member.name}: POST Consent  ->  {refused.status_code}, refused. It lacks:"])
    issues = refused.json().get("issue", [])
    t.detail(f"  {', '.join(i['expression']):<30} {i['details']['text']}" for i in issues)
    named = {e for i in issues for e in i["expression"]}
    t.hold(
        "It is refused with everything that it lacks.", refused.status_code == 422 and named == MISSING, named ^ MISSING
    )
    t.hold("Nothing of it was stored.", (await scene.search(district, "Consent"))["total"] == 0)

    t.say(f"{full_name(family.signer)} signs: the counseling referral with its student and the family's contacts,")
    t.say(f"to {scene.clinic.member.name}, for treatment, for a year.")
    draft = releases.for_clinic("release-1", family, referrals.request, district.member, scene.clinic.member)
    answer = await district.send("POST", "Consent", draft)
    t.heard(district, "POST", "Consent", answer)
    t.hold("The complete release is accepted.", answer.status_code == 201, answer.text)
    release: Json = scene.remember(answer.json())
    await scene.strangers_see_nothing()
    return release


async def appear(scene: Scene, family: Family, referrals: Referrals) -> Json:
    """Step 5; answers the Task, which the clinic owns now."""
    t, clinic, request = scene.telling, scene.clinic, referrals.request
    t.step("5. The clinic finds what was released")
    asked = {**referrals.task, "status": "requested", "owner": clinic.member.reference}
    progress = await scene.district.save(asked)
    t.say(f"{scene.district.member.name} sends the Task: it is requested, and {clinic.member.name} owns it.")
    page = await scene.search(clinic, "ServiceRequest?_include=ServiceRequest:patient")
    t.hold(
        "The clinic finds the one referral with its student.",
        references(page) == [reference(request), reference(family.student)] and page["total"] == 1,
        references(page),
    )
    labels = [[x["code"] for x in e["resource"]["meta"].get("security", [])] for e in page["entry"]]
    t.hold("Each is marked NORDSCLCD: not to be passed on without consent.", all("NORDSCLCD" in x for x in labels))
    t.say("The student's other referral is still not there:")
    await scene.hidden(clinic, reference(referrals.other))
    tasks = await scene.search(clinic, "Task?status=requested")
    t.hold("The clinic finds the Task.", references(tasks) == [reference(progress)], references(tasks))
    await scene.strangers_see_nothing()
    return progress
