"""The worklist: where each referral stands, what is overdue, what waits for a signature. docs/guides/office.md"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest_asyncio

from app.office.worklist import is_overdue
from tests import build
from tests.office.people import hidden, signed_in
from tests.office.test_record import UUID, text
from tests.scene import FAMILY, Scene, ledger, set_scene
from tests.world import BASE, World


@pytest_asyncio.fixture(scope="module")
async def referred(world: World) -> Scene:
    """A referral that was sent to the clinic, which no release shows yet."""
    scene = await set_scene(world)
    parties = scene.district.reference, scene.clinic.reference
    task = build.task(scene.student, scene.records["ServiceRequest"], *parties)
    scene.records["sent"] = await scene.district.create(task)
    return scene


async def test_the_counselor_sees_what_waits_for_whose_signature_and_what_is_overdue(referred: Scene) -> None:
    person = await signed_in(referred.world, referred.district, "counselor")
    page = text((await person.get("/office/referrals")).text)
    waiting, made = page.index("Waiting for a signature"), page.index("Made here")
    assert f"{FAMILY} : counseling" in page[waiting:made]
    assert "No release is drafted." in page[waiting:made]
    assert "waits for an answer" in page[made:]
    assert "overdue" not in page
    assert not UUID.search(page)


async def test_the_intake_of_a_partner_sees_a_referral_from_the_release_on_and_the_ledger_says_who_looked(
    referred: Scene,
) -> None:
    person = await signed_in(referred.world, referred.clinic, "partner-intake", name="Inge Vogel")
    before = (await person.get("/office/referrals")).text
    assert FAMILY not in before
    assert "Waiting for a signature" not in before
    assert await ledger(referred.world, referred.clinic) == []
    await referred.release("Patient", "ServiceRequest")
    page = text((await person.get("/office/referrals")).text)
    assert FAMILY in page
    assert "waits for an answer" in page
    assert {row[0] for row in await ledger(referred.world, referred.clinic)} == {"Patient", "ServiceRequest", "Task"}


async def test_the_intake_declines_a_referral_with_a_reason_that_the_school_reads(world: World) -> None:
    scene = await set_scene(world, "Patient", "ServiceRequest")
    parties = scene.district.reference, scene.clinic.reference
    sent = await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"], *parties))
    path = f"/office/referrals/{sent['id']}"
    counselor = await signed_in(world, scene.district, "counselor")
    schools = await counselor.get(path)
    assert FAMILY in schools.text
    assert "Your answer" not in schools.text
    form = {**hidden(schools, "/office/leave"), "action": "accept", "version": "1"}
    assert (await counselor.http.post(f"{BASE}{path}", data=form)).status_code == 403
    intake = await signed_in(world, scene.clinic, "partner-intake")
    page = await intake.get(path)
    assert not UUID.search(text(page.text))
    short = await intake.send(page, path, action="decline", text="We are full.")
    assert short.status_code == 422
    assert (await scene.district.get(f"/Task/{sent['id']}")).json()["status"] == "requested"
    done = await intake.send(page, path, action="decline", reason="no-capacity", text="We are full.")
    assert done.status_code == 200
    assert "We are full." in (await counselor.get(path)).text
    assert (await scene.district.get(f"/Task/{sent['id']}")).json()["status"] == "rejected"
    again = await intake.send(page, path, action="accept")
    assert again.status_code == 412
    assert "Look at it again" in again.text


async def test_a_referral_that_no_release_shows_is_the_same_page_as_none(world: World) -> None:
    scene = await set_scene(world)
    parties = scene.district.reference, scene.clinic.reference
    sent = await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"], *parties))
    intake = await signed_in(world, scene.clinic, "partner-intake")
    pages = [await intake.get(f"/office/referrals/{i}") for i in (sent["id"], "00000000-0000-4000-8000-000000000000")]
    assert {p.status_code for p in pages} == {404}
    assert len({p.text for p in pages}) == 1


async def test_who_has_no_referrals_in_their_role_has_no_such_page(referred: Scene) -> None:
    for role in ("privacy-officer", "front-office"):
        person = await signed_in(referred.world, referred.district, role)
        assert "/office/referrals" not in (await person.get("/office")).text
        assert (await person.get("/office/referrals")).status_code == 403


async def test_a_stranger_sees_none_of_it(referred: Scene) -> None:
    person = await signed_in(referred.world, referred.stranger, "counselor")
    assert FAMILY not in (await person.get("/office/referrals")).text


def test_an_open_task_is_overdue_when_nothing_was_done_for_longer_than_its_priority_has_it() -> None:
    now = datetime(2026, 10, 20, tzinfo=UTC)
    days = {"urgent": 3, "routine": 14}

    def overdue(ago: int, **more: str) -> bool:
        return is_overdue({"meta": {"lastUpdated": (now - timedelta(days=ago)).isoformat()}, **more}, days, now)

    assert not overdue(14)
    assert overdue(15)
    assert overdue(4, priority="urgent")
    assert not overdue(99, priority="stat")
