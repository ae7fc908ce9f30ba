"""Who saw this child's record and why: found by name, told in words, and told to those who hold the record."""

from __future__ import annotations

import re

import pytest

from tests import build
from tests.office.people import signed_in
from tests.scene import FAMILY, Scene, as_owner, ledger
from tests.world import BASE

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}")


def text(page: str) -> str:
    """What a person sees of a page: no tags, and so no addresses."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def test_the_record_is_two_steps_away_and_says_in_words_who_got_what_why_and_who_signed(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    found = await person.send(await person.get("/office"), "/office", name="quill ana")
    (link,) = re.findall(rf'href="(/office/students/{scene.student["id"]}[^"]*)"', found.text)
    page = await person.get(f"/office/students/{scene.student['id']}/record")
    assert link.startswith("/office/students/")
    seen = text(page.text)
    for part in (FAMILY, "born May 2, 2014", "Clinic", "treatment", "referrals", "name, birth date and contact"):
        assert part in seen
    assert "Release signed by Luz Rivera (mother) on September 15, 2026" in seen
    assert not UUID.search(seen)


async def test_times_are_those_of_the_members_own_clocks(scene: Scene) -> None:
    world = scene.world
    district = await world.member("Zone ISD", zone="America/Chicago")
    clinic = await world.member("Zone clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient("Z-1"))
    mother = await district.create(build.guardian(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference, classes=("Patient",)))
    await clinic.ids("/Patient")
    ((told,),) = await as_owner(
        world,
        "SELECT to_char(max(at) AT TIME ZONE 'America/Chicago', 'FMHH12:MI') FROM hallpass.disclosure"
        " WHERE recipient = :r AND student IS NOT NULL",
        r=clinic.organization,
    )
    person = await signed_in(world, district, "privacy-officer")
    page = (await person.get(f"/office/students/{student['id']}/record")).text
    assert re.search(rf", {told} [ap]\.m\.", page)
    assert "America/Chicago" in page


async def test_the_period_is_the_one_that_was_asked_for(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    path = f"/office/students/{scene.student['id']}/record"
    page = await person.get(f"{path}?start=2020-01-01&end=2020-01-31")
    assert "Nothing was given to anyone in this period." in page.text
    assert "January 1, 2020 to January 31, 2020" in text(page.text)
    wrong = await person.get(f"{path}?start=yesterday")
    assert wrong.status_code == 400
    assert "year, month and day" in wrong.text


async def test_the_copy_for_a_parent_says_nothing_of_care_that_the_minor_controls(scene: Scene) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"}
    secret = build.encounter(scene.student, meta={"security": [label]})
    await scene.district.create(secret)
    await as_owner(
        scene.world,
        "INSERT INTO hallpass.disclosure SELECT compartment, at, gen_random_uuid(), e.id, 1, 'Encounter', interaction,"
        " student, custodian, recipient, client, agent, purposes, basis, consent, consent_version, reason, chain, batch"
        " FROM hallpass.disclosure d CROSS JOIN (SELECT id FROM hallpass.resource WHERE type = 'Encounter' AND"
        " labels @> '{42CFRPart2}' AND compartment = :c) e WHERE d.compartment = :c AND d.type = 'Patient' LIMIT 1",
        c=scene.student["id"],
    )
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    path = f"/office/students/{scene.student['id']}/record"
    parents, whole = (await person.get(path)).text, (await person.get(f"{path}?for=student")).text
    assert "visits" in whole
    assert "visits" not in parents
    assert "controls" not in parents


async def test_another_members_student_is_the_same_page_as_none(scene: Scene) -> None:
    for member in (scene.clinic, scene.stranger):
        person = await signed_in(scene.world, member, "privacy-officer")
        pages = [
            await person.get(f"/office/students/{i}/record")
            for i in (scene.student["id"], "00000000-0000-4000-8000-000000000000", "x")
        ]
        assert {p.status_code for p in pages} == {404}
        assert len({p.text for p in pages}) == 1
        found = await person.send(await person.get("/office"), "/office", name=FAMILY)
        assert "No students found" in text(found.text)


@pytest.mark.parametrize("role", ["counselor", "front-office", "partner-intake"])
async def test_the_record_is_for_the_privacy_officer_alone(scene: Scene, role: str) -> None:
    person = await signed_in(scene.world, scene.district, role)
    page = await person.get(f"/office/students/{scene.student['id']}/record")
    assert page.status_code == 403
    assert "Clinic" not in page.text


async def test_names_and_what_is_typed_are_text_and_never_markup(scene: Scene) -> None:
    evil = '<script>alert("1")</script>\'"><b>'
    student = await scene.district.create(build.patient("X-77", name=[{"family": evil, "given": ["Bo"]}]))
    person = await signed_in(scene.world, scene.district, "privacy-officer", name=evil)
    found = await person.send(await person.get("/office"), "/office", name="X-77")
    record = await person.get(f"/office/students/{student['id']}/record")
    typed = await person.send(found, "/office", name=evil)
    for page in (found, record, typed):
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        assert "<b>" not in page.text


async def test_what_staff_look_at_is_noted_with_who_looked(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    assert (await person.get(f"/office/students/{scene.student['id']}/record")).status_code == 200
    found = (await scene.district.get("/AuditEvent?subtype=access&_count=200")).json()["entry"]
    mine = [e["resource"] for e in found if person.staff.client in str(e)]
    assert f"record of disclosures: Patient/{scene.student['id']}" in {e["outcomeDesc"] for e in mine}
    assert person.staff.client not in (await scene.stranger.get("/AuditEvent?_count=200")).text


async def test_who_sees_anothers_student_in_the_office_is_on_its_ledger_by_name(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.clinic, "partner-intake", name="Inge Vogel")
    before = len(await ledger(scene.world, scene.clinic))
    found = await person.send(await person.get("/office"), "/office", name=FAMILY)
    assert "1 student found" in text(found.text)
    assert len(await ledger(scene.world, scene.clinic)) == before + 1
    officer = await signed_in(scene.world, scene.district, "privacy-officer")
    page = text((await officer.get(f"/office/students/{scene.student['id']}/record")).text)
    assert "Inge Vogel, Intake of a partner" in page


async def test_a_path_that_is_not_served_tells_nothing(scene: Scene) -> None:
    answer = await (await signed_in(scene.world, scene.district, "counselor")).http.get(f"{BASE}/office/none")
    assert answer.status_code == 404
