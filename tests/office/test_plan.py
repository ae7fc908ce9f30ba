"""The plan of support as a page: whole for the school's counselor, and for a partner's intake what was released."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.referral.codes import REVIEW_DATE
from tests import build
from tests.office.people import signed_in
from tests.office.test_record import text
from tests.scene import FAMILY, Scene, as_owner, set_scene
from tests.world import World

NONE = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture(scope="module")
async def planned(world: World) -> Scene:
    """A plan with a goal and a team; the clinic sees the student, the plan and the goal."""
    scene = await set_scene(world, "Patient", "CarePlan", "Goal")
    about = {"subject": build.ref(scene.student)}
    made: list[dict[str, Any]] = [
        {
            "resourceType": "CarePlan",
            "status": "active",
            "intent": "plan",
            "title": "Plan <script>1</script>",
            "period": {"start": "2026-09-14"},
            "extension": [{"url": REVIEW_DATE, "valueDate": "2026-12-10"}],
        },
        {"resourceType": "Goal", "lifecycleStatus": "on-hold", "description": {"text": "In class each day"}},
        {"resourceType": "CareTeam", "status": "active", "participant": [{"role": [{"text": "Mentor"}]}]},
    ]
    for body in made:
        scene.records[body["resourceType"]] = await scene.district.create({**body, **about})
    return scene


def path(scene: Scene) -> str:
    """The page."""
    return f"/office/students/{scene.student['id']}/plan"


async def test_a_counselor_reads_goals_services_team_and_the_day_of_the_review(planned: Scene) -> None:
    person = await signed_in(planned.world, planned.district, "counselor")
    page = await person.get(path(planned))
    told = text(page.text)
    for expected in ("In class each day", "on hold", "Mentor", "December 10, 2026", "September 14, 2026", "Born"):
        assert expected in told
    assert "Services and referrals" in told
    assert "<script>" not in page.text
    assert path(planned) in (await person.get(path(planned).removesuffix("/plan"))).text
    rows = await as_owner(
        planned.world,
        "SELECT detail FROM hallpass.event WHERE client = :client AND detail LIKE 'plan of support%'",
        client=person.staff.client,
    )
    assert [r.detail for r in rows] == [f"plan of support: Patient/{planned.student['id']}"]


async def test_a_partners_intake_finds_it_by_the_students_name_and_reads_what_was_released(planned: Scene) -> None:
    person = await signed_in(planned.world, planned.clinic, "partner-intake", "Ina Intake")
    first = await person.get("/office")
    assert path(planned) in (await person.send(first, "/office", name=FAMILY)).text
    told = text((await person.get(path(planned))).text)
    assert "In class each day" in told
    assert "Mentor" not in told
    assert "does not allow you to pass it on" in told
    rows = await as_owner(
        planned.world,
        "SELECT DISTINCT type FROM hallpass.disclosure WHERE agent->>'subject_name' = 'Ina Intake'"
        " AND interaction = 'support-plan' ORDER BY type",
    )
    assert [r.type for r in rows] == ["CarePlan", "Goal", "Patient"]


@pytest.mark.parametrize("role", ["front-office", "privacy-officer", "operator"])
async def test_a_role_without_it_is_refused(planned: Scene, role: str) -> None:
    person = await signed_in(planned.world, planned.district, role)
    page = await person.get(path(planned))
    assert page.status_code == 403
    assert FAMILY not in page.text
    assert "In class each day" not in page.text


async def test_a_student_who_is_not_seen_has_no_page_as_one_who_does_not_exist(planned: Scene) -> None:
    person = await signed_in(planned.world, planned.stranger, "partner-intake")
    hidden, none = await person.get(path(planned)), await person.get(f"/office/students/{NONE}/plan")
    assert hidden.status_code == none.status_code == 404
    assert hidden.text == none.text
