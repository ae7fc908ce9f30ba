"""Releases in the office: who sees what now, drafts before they are signed, and ending one. docs/guides/office.md"""

from __future__ import annotations

import pytest_asyncio

from tests import build
from tests.office.people import Person, hidden, signed_in
from tests.office.test_record import UUID, text
from tests.scene import FAMILY, Scene, set_scene
from tests.world import BASE, World

NONE = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture
async def fresh(world: World) -> Scene:
    """A student of its own, with one release to the clinic."""
    scene = await set_scene(world)
    scene.records["release"] = await scene.release("Patient", "ServiceRequest")
    return scene


async def officer(scene: Scene) -> Person:
    """The district's privacy officer."""
    return await signed_in(scene.world, scene.district, "privacy-officer")


async def test_the_students_page_says_who_sees_what_now_and_who_signed_for_it(fresh: Scene) -> None:
    page = text((await (await officer(fresh)).get(f"/office/students/{fresh.student['id']}")).text)
    assert "Release signed by Luz Rivera (mother) on September 15, 2026" in page
    assert "In effect" in page
    assert ".." not in page
    assert "sees: name, birth date and contact, referrals" in page
    assert not UUID.search(page)


async def test_a_release_that_is_ended_in_the_office_shows_the_partner_nothing_from_then_on(fresh: Scene) -> None:
    person = await officer(fresh)
    assert await fresh.clinic.ids("/Patient") == [fresh.student["id"]]
    path = f"/office/releases/{fresh.records['release']['id']}"
    page = await person.get(path)
    assert "End this release" in page.text
    unsure = await person.send(page, f"{path}/end")
    assert unsure.status_code == 422
    assert await fresh.clinic.ids("/Patient") == [fresh.student["id"]]
    ended = await person.send(page, f"{path}/end", sure="yes")
    assert ended.status_code == 200
    assert "End this release" not in ended.text
    assert "ended" in text(ended.text)
    assert await fresh.clinic.ids("/Patient") == []
    status = (await fresh.district.get(f"/Consent/{fresh.records['release']['id']}")).json()["status"]
    assert status == "inactive"


async def test_a_release_is_ended_by_its_page_alone(fresh: Scene) -> None:
    person = await officer(fresh)
    path = f"{BASE}/office/releases/{fresh.records['release']['id']}/end"
    assert (await person.http.post(path, data={"sure": "yes", "version": "1"})).status_code == 403
    assert await fresh.clinic.ids("/Patient") == [fresh.student["id"]]


async def test_a_release_that_changed_meanwhile_is_looked_at_again_before_it_ends(fresh: Scene) -> None:
    person = await officer(fresh)
    path = f"/office/releases/{fresh.records['release']['id']}"
    page = await person.get(path)
    provision = {**fresh.records["release"]["provision"], "period": {"start": "2026-09-15", "end": "2027-05-30"}}
    await fresh.district.save({**fresh.records["release"], "provision": provision})
    answer = await person.send(page, f"{path}/end", sure="yes")
    assert answer.status_code == 412
    assert "Look at it again" in answer.text
    assert await fresh.clinic.ids("/Patient") == [fresh.student["id"]]


async def test_who_may_not_write_releases_sees_them_and_cannot_end_them(fresh: Scene) -> None:
    path = f"/office/releases/{fresh.records['release']['id']}"
    for role in ("front-office", "counselor"):
        person = await signed_in(fresh.world, fresh.district, role)
        page = await person.get(path)
        assert page.status_code == 200
        assert "End this release" not in page.text
        form = {**hidden(page, "/office/leave"), "sure": "yes", "version": "1"}
        assert (await person.http.post(f"{BASE}{path}/end", data=form)).status_code == 403
    assert await fresh.clinic.ids("/Patient") == [fresh.student["id"]]


async def test_a_draft_says_what_it_lacks_and_what_it_would_open(fresh: Scene) -> None:
    draft = build.consent(
        fresh.student,
        fresh.records["RelatedPerson"],
        fresh.district.reference,
        fresh.clinic.reference,
        classes=("Encounter",),
        status="proposed",
    )
    del draft["sourceAttachment"]
    saved = await fresh.district.create(draft)
    page = text((await (await officer(fresh)).get(f"/office/releases/{saved['id']}")).text)
    assert "waits for a signature" in page
    assert "What is missing" in page
    assert "sees visits" in page
    assert "does not see referrals" in page
    assert not UUID.search(page)


async def test_the_lists_have_the_members_own_releases_and_say_which_end_soon(fresh: Scene) -> None:
    ends = {"provision": {"period": {"start": "2026-09-15", "end": "2026-10-01"}}}
    await fresh.release("Encounter", **ends)
    person = await officer(fresh)
    for path in ("/office/releases", f"/office/students/{fresh.student['id']}/releases"):
        page = text((await person.get(path)).text)
        assert FAMILY in page
        assert page.index("October 1, 2026 soon or over") < page.index("June 30, 2027")
        assert not UUID.search(page)


async def test_another_members_student_and_release_are_the_same_page_as_none(fresh: Scene) -> None:
    for member in (fresh.clinic, fresh.stranger):
        person = await signed_in(fresh.world, member, "privacy-officer")
        for path, known in (
            ("/office/students/{}", fresh.student["id"]),
            ("/office/students/{}/releases", fresh.student["id"]),
            ("/office/releases/{}", fresh.records["release"]["id"]),
        ):
            pages = [await person.get(path.format(i)) for i in (known, NONE, "x")]
            assert {p.status_code for p in pages} == {404}, path
            assert len({p.text for p in pages}) == 1
        form = {**hidden(await person.get("/office"), "/office/leave"), "sure": "yes", "version": "1"}
        end = f"{BASE}/office/releases/{fresh.records['release']['id']}/end"
        assert (await person.http.post(end, data=form)).status_code == 404
        assert FAMILY not in (await person.get("/office/releases")).text


async def test_an_emergency_waits_for_its_review_and_is_reviewed_once(world: World) -> None:
    scene = await set_scene(world)
    clinic = await world.member("Night clinic", purposes=("BTG", "TREAT"), emergency=True)
    await world.agree(scene.district, clinic)
    await world.login(clinic, "system/*.cruds hallpass/emergency", purpose_of_use="BTG")
    parts = [
        {"name": "identifier", "valueIdentifier": scene.student["identifier"][0]},
        {"name": "reason", "valueString": "Found <b>asleep</b> on the stairs."},
    ]
    broken = await clinic.post("/Patient/$break-glass", {"resourceType": "Parameters", "parameter": parts})
    assert broken.status_code == 200, broken.text
    person = await officer(scene)
    page = await person.get("/office/emergencies")
    assert "Found &lt;b&gt;asleep&lt;/b&gt;" in page.text
    assert "Night clinic" in page.text
    done = await person.send(page, "/office/emergencies", note="It was needed.")
    assert "Nothing waits." in done.text
    assert "It was needed." in done.text
    assert (await person.send(page, "/office/emergencies", note="Again.")).status_code == 409
    other = await signed_in(world, scene.stranger, "privacy-officer")
    assert "Night clinic" not in (await other.get("/office/emergencies")).text
    front = await signed_in(world, scene.district, "front-office")
    assert (await front.get("/office/emergencies")).status_code == 403
