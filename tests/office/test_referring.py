"""A counselor makes a referral by a form, with the room that each service has. docs/guides/office.md"""

from __future__ import annotations

from typing import Any

from app.search.own import CAPACITY, CAPACITY_CODES
from tests.office.people import signed_in
from tests.office.test_record import UUID, text
from tests.scene import FAMILY, Scene, set_scene
from tests.world import World


def service(scene: Scene, name: str, room: str) -> dict[str, Any]:
    """A service of the clinic's, and whether it has room."""
    concept = {"coding": [{"system": CAPACITY_CODES, "code": room}]}
    inner = [{"url": "capacityStatus", "valueCodeableConcept": concept}]
    return {
        "resourceType": "HealthcareService",
        "active": True,
        "name": name,
        "providedBy": scene.clinic.reference,
        "extension": [{"url": CAPACITY, "extension": inner}],
    }


async def test_a_referral_is_made_to_a_service_that_has_room_and_waits_for_the_release(world: World) -> None:
    scene = await set_scene(world)
    full = await scene.clinic.create(service(scene, "Night groups", "no-capacity"))
    open_ = await scene.clinic.create(service(scene, "Family counseling", "capacity"))
    counselor = await signed_in(world, scene.district, "counselor")
    path = f"/office/students/{scene.student['id']}/refer"
    page = await counselor.get(path)
    assert "Family counseling (has room)" in text(page.text)
    assert "Night groups (has no room)" in text(page.text)
    assert full["id"] in page.text
    chosen = f"{scene.clinic.organization}/{open_['id']}"
    wrong = await counselor.send(page, path, provider=chosen, priority="urgent")
    assert wrong.status_code == 422
    sent = {"provider": chosen, "priority": "urgent", "what": "Grief <b>counseling</b>", "why": "A loss."}
    made = await counselor.send(page, path, **sent)
    assert made.url.path == "/office/referrals"
    assert f"{FAMILY} : Grief &lt;b&gt;counseling&lt;/b&gt;" in text(made.text)
    assert "<b>" not in made.text
    assert "waits for an answer" in text(made.text)
    assert not UUID.search(text(made.text))
    assert await scene.clinic.ids("/Task") == []
    await scene.release("Patient", "ServiceRequest")
    (entry,) = (await scene.clinic.get("/ServiceRequest?priority=urgent")).json()["entry"]
    assert entry["resource"]["performer"] == [{**scene.clinic.reference, "display": "Family counseling"}]
    intake = await signed_in(world, scene.clinic, "partner-intake")
    assert "Grief" in (await intake.get("/office/referrals")).text


async def test_who_makes_no_referrals_in_their_role_or_holds_no_such_student_has_no_such_page(world: World) -> None:
    scene = await set_scene(world)
    path = f"/office/students/{scene.student['id']}/refer"
    for role in ("privacy-officer", "front-office"):
        assert (await (await signed_in(world, scene.district, role)).get(path)).status_code == 403
    stranger = await signed_in(world, scene.stranger, "counselor")
    assert (await stranger.get(path)).status_code == 404
