"""Who received a student's records, by recipient and release. docs/guides/office.md"""

from __future__ import annotations

import re

import pytest

from tests.office.people import signed_in
from tests.office.test_record import UUID, text
from tests.scene import FAMILY, Scene, set_scene
from tests.world import World


async def test_each_recipient_is_listed_with_the_release_and_when(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    student = f"/office/students/{scene.student['id']}"
    assert f"{student}/recipients" in (await person.get(student)).text
    answer = await person.get(f"{student}/recipients")
    page = text(answer.text)
    assert FAMILY in page
    assert "Clinic" in page
    assert "a release" in page
    assert "treatment" in page
    (release,) = set(re.findall(r"/office/releases/[0-9a-f-]{36}", answer.text))
    assert "Clinic" in text((await person.get(release)).text)
    assert not UUID.search(page)


async def test_of_whom_nothing_left_the_page_says_so(world: World) -> None:
    scene = await set_scene(world)
    person = await signed_in(world, scene.district, "privacy-officer")
    page = await person.get(f"/office/students/{scene.student['id']}/recipients")
    assert "Nobody received any" in page.text


@pytest.mark.parametrize("role", ["counselor", "front-office"])
async def test_who_may_not_read_the_ledger_sees_no_recipients(scene: Scene, role: str) -> None:
    person = await signed_in(scene.world, scene.district, role)
    student = f"/office/students/{scene.student['id']}"
    assert (await person.get(f"{student}/recipients")).status_code == 403
    assert "recipients" not in (await person.get(student)).text


async def test_another_members_student_is_the_same_page_as_none(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.clinic, "privacy-officer")
    theirs = await person.get(f"/office/students/{scene.student['id']}/recipients")
    none = await person.get("/office/students/00000000-0000-4000-8000-000000000000/recipients")
    assert theirs.status_code == none.status_code == 404
    assert text(theirs.text) == text(none.text)
