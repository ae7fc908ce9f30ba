"""The worklist: where each referral stands, what is overdue, what waits for a signature. docs/guides/office.md"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest_asyncio

from app.office.worklist import is_overdue
from tests import build
from tests.office.people import signed_in
from tests.office.test_record import UUID, text
from tests.scene import FAMILY, Scene, ledger, set_scene
from tests.world import World


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
    person = await signed_in(referred.world, referred.clinic, "partner-intake", name="Ines Vogel")
    before = (await person.get("/office/referrals")).text
    assert FAMILY not in before
    assert "Waiting for a signature" not in before
    assert await ledger(referred.world, referred.clinic) == []
    await referred.release("Patient", "ServiceRequest")
    page = text((await person.get("/office/referrals")).text)
    assert FAMILY in page
    assert "waits for an answer" in page
    assert {row[0] for row in await ledger(referred.world, referred.clinic)} == {"Patient", "ServiceRequest", "Task"}


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
