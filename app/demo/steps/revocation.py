"""The release is revoked, and from then on nothing that it opened can be had. https://hl7.org/fhir/R4/http.html#paging"""

from __future__ import annotations

from app.demo.api import Json, next_link, reference
from app.demo.families import Family
from app.demo.steps.record import Row, released
from app.demo.steps.scene import Scene, references

KINDS = ("ServiceRequest", "Patient", "RelatedPerson")


async def revoke(scene: Scene, family: Family, request: Json, task: Json, release: Json, visit: Json) -> list[Row]:
    """Step 9; answers what the record of disclosures had under the release when it ended."""
    t, clinic = scene.telling, scene.clinic
    t.step("9. The release is revoked while the clinic holds a page link")
    first = await scene.search(clinic, "RelatedPerson?_count=1")
    link = next_link(first)
    t.hold(f"The clinic has read one contact of {len(family.contacts)}.", first["total"] == len(family.contacts))
    assert link is not None
    ended = await scene.district.save({**release, "status": "inactive"})
    given = await released(scene, family)
    t.say(f"{scene.district.member.name} ends the release: {reference(ended)} is {ended['status']}.")
    page = await scene.search(clinic, link)
    t.hold("The next page is empty.", page["total"] == 0 and "entry" not in page and next_link(page) is None, page)
    for kind in KINDS:
        page = await scene.search(clinic, kind)
        t.hold(f"The clinic finds no {kind}.", page["total"] == 0 and "entry" not in page, page)
    for resource in (request, family.student, family.signer):
        await scene.hidden(clinic, reference(resource))
        await scene.hidden(clinic, f"{reference(resource)}/_history")
        await scene.hidden(clinic, f"{reference(resource)}/_history/1")
    await _left(scene, task, release, visit)
    await scene.strangers_see_nothing()
    return given


async def _left(scene: Scene, task: Json, release: Json, visit: Json) -> None:
    """What the clinic keeps: its own record, and the form under which it had received the data."""
    await scene.hidden(scene.clinic, reference(task))
    own = [references(await scene.search(scene.clinic, kind)) for kind in ("Encounter", "Task")]
    form = await scene.clinic.resource("GET", reference(release))
    scene.telling.hold(
        "What the clinic keeps is its own Encounter, and the release, which says that it has ended.",
        own == [[reference(visit)], []] and form["status"] == "inactive",
        own,
    )
