"""A caseload: who has one sees the students of it, and any other student as one that does not exist.

'Limited access to authorized support staff': 34 CFR 99.31(a)(1)(ii). docs/guides/office.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from app.errors import HallpassError, Kind
from app.office import staff as registry
from app.office.roles import ROLES
from app.office.routes import office_router
from app.office.students import MOST
from tests import build
from tests.office.people import Person, hidden, hire, signed_in
from tests.scene import Scene, set_scene
from tests.world import BASE, World

Json = dict[str, Any]
INSIDE, OUTSIDE = "Insidefamily", "Outsidefamily"
NONE = "00000000-0000-4000-8000-000000000000"
PAST = {"start": "2020-01-01", "end": "2020-12-31"}
LIMITED = sorted(code for code, role in ROLES.items() if role.limited)


@dataclass
class Desk:
    """A district with a counselor in its directory, and one student of the counselor's."""

    scene: Scene
    counselor: Json
    inside: dict[str, Json]

    @property
    def caseload(self) -> list[str]:
        """By which a person is limited."""
        return [build.ref(self.counselor)["reference"]]

    async def person(self, role: str = "counselor") -> Person:
        """Somebody who is limited to the caseload."""
        return await signed_in(self.scene.world, self.scene.district, role, caseload=self.caseload)

    async def sees(self, person: Person, name: str) -> bool:
        """Whether a person finds a student by name."""
        found = await person.send(await person.get("/office"), "/office", name=name)
        return f"{name}</a>" in found.text

    async def team(self, student: Json, **more: Any) -> Json:
        """A team of a student's with the counselor in it."""
        participant = {"member": build.ref(self.counselor), **more.pop("participant", {})}
        body = {"resourceType": "CareTeam", "status": "active", "subject": build.ref(student)}
        return await self.scene.district.create({**body, "participant": [participant], **more})


async def student(scene: Scene, family: str, number: str) -> dict[str, Json]:
    """A student with everything that a page shows of one."""
    district, clinic = scene.district, scene.clinic
    found = {"Patient": await district.create(build.patient(number, name=[{"family": family, "given": ["Kim"]}]))}
    pupil = found["Patient"]
    found["RelatedPerson"] = await district.create(build.guardian(pupil))
    found["ServiceRequest"] = await district.create(build.referral(pupil, clinic.reference))
    found["Task"] = await district.create(
        build.task(pupil, found["ServiceRequest"], district.reference, clinic.reference)
    )
    parties = district.reference, clinic.reference
    found["Consent"] = await district.create(build.consent(pupil, found["RelatedPerson"], *parties))
    about = {"subject": build.ref(pupil), "resourceType": "CarePlan", "status": "active", "intent": "plan"}
    found["CarePlan"] = await district.create({**about, "title": f"Plan of {family}"})
    return found


@pytest_asyncio.fixture
async def desk(world: World) -> Desk:
    """The district, and the counselor's student."""
    scene = await set_scene(world)
    counselor = await scene.district.create({"resourceType": "Practitioner", "name": [{"family": "Counselor"}]})
    found = Desk(scene, counselor, await student(scene, INSIDE, "S-1"))
    await found.team(found.inside["Patient"])
    return found


def addresses(records: dict[str, Json]) -> list[str]:
    """Each page of the office, of these records."""
    ids = {"/students/": records["Patient"], "/releases/": records["Consent"], "/referrals/": records["Task"]}
    paths = sorted(r.path for r in office_router().routes if "GET" in r.methods)  # type: ignore[attr-defined]
    walked = [p for p in paths if "{link}" not in p and "{name}" not in p]
    return [p.replace("{id}", next((r["id"] for part, r in ids.items() if part in p), "")) for p in walked]


def shown(page: httpx.Response) -> tuple[int, str]:
    """What an answer is compared by."""
    return page.status_code, page.text


async def every_page(person: Person, records: dict[str, Json]) -> dict[str, tuple[int, str]]:
    """Each page, and what a search by name finds."""
    found = {path: shown(await person.get(path)) for path in addresses(records)}
    for name in ("Kim", INSIDE, OUTSIDE, "S-1", "S-2"):
        found[name] = shown(await person.send(await person.get("/office"), "/office", name=name))
    return found


@pytest.mark.parametrize("role", LIMITED)
async def test_no_page_changes_with_a_student_who_is_outside_of_the_caseload(desk: Desk, role: str) -> None:
    person = await desk.person(role)
    before = await every_page(person, desk.inside)
    assert INSIDE in before["Kim"][1]
    await student(desk.scene, OUTSIDE, "S-2")
    assert await every_page(person, desk.inside) == before


@pytest.mark.parametrize("role", LIMITED)
async def test_a_student_outside_is_answered_exactly_as_one_that_does_not_exist(desk: Desk, role: str) -> None:
    outside = await student(desk.scene, OUTSIDE, "S-2")
    other = await signed_in(desk.scene.world, desk.scene.district, role)
    person = await desk.person(role)
    seen = 0
    for path in addresses(outside):
        absent = path
        for record in outside.values():
            absent = absent.replace(record["id"], NONE)
        if absent != path:
            assert shown(await person.get(path)) == shown(await person.get(absent)), path
            seen += (await other.get(path)).status_code == 200
    assert seen >= 3


async def test_many_others_of_the_same_name_do_not_push_a_student_of_the_caseload_off_the_page(desk: Desk) -> None:
    person = await desk.person()
    for number in range(MOST + 1):
        other = build.patient(f"O-{number}", name=[{"family": "Aaa", "given": ["Kim"]}])
        await desk.scene.district.create(other)
    found = await person.send(await person.get("/office"), "/office", name="Kim")
    assert "1 student found" in found.text
    assert INSIDE in found.text
    assert "There are more than these" not in found.text


async def test_no_form_acts_on_a_student_who_is_outside(desk: Desk) -> None:
    outside = await student(desk.scene, OUTSIDE, "S-2")
    person = await desk.person()
    token = hidden(await person.get("/office"), "/office")["token"]
    clinic = str(desk.scene.clinic.organization)
    forms = {
        "/office/students/{}/refer": {"provider": clinic, "what": "x", "priority": "routine"},
        "/office/students/{}/draft": {},
        "/office/releases/{}/end": {"sure": "yes", "version": "1"},
        "/office/releases/{}/ask": {"version": "1"},
        "/office/referrals/{}": {"action": "accept", "version": "1"},
    }
    kinds = {"students": "Patient", "releases": "Consent", "referrals": "Task"}
    for path, fields in forms.items():
        record = outside[kinds[path.split("/")[2]]]
        sent = {"token": token, **fields}
        answers = [await person.http.post(BASE + path.format(i), data=sent) for i in (record["id"], NONE)]
        assert answers[0].status_code in (403, 404), path
        assert shown(answers[0]) == shown(answers[1]), path
    found = await desk.scene.district.ids(f"/ServiceRequest?subject=Patient/{outside['Patient']['id']}")
    assert found == [outside["ServiceRequest"]["id"]]


async def test_who_leaves_the_team_sees_the_student_no_more_from_the_next_page_on(desk: Desk) -> None:
    person = await desk.person()
    pupil = await student(desk.scene, OUTSIDE, "S-2")
    assert not await desk.sees(person, OUTSIDE)
    team = await desk.team(pupil["Patient"])
    assert await desk.sees(person, OUTSIDE)
    for ended in (
        {"status": "inactive"},
        {"period": PAST},
        {"participant": [{**team["participant"][0], "period": PAST}]},
        {"participant": [{"member": build.ref(desk.inside["RelatedPerson"])}]},
    ):
        now = (await desk.scene.district.get(f"/CareTeam/{team['id']}")).json()
        await desk.scene.district.save({**now, **ended})
        assert not await desk.sees(person, OUTSIDE), ended
        team = await desk.scene.district.save({**team, "id": now["id"]})
        assert await desk.sees(person, OUTSIDE)


async def test_a_group_is_a_caseload_for_as_long_as_the_student_is_in_it(desk: Desk) -> None:
    pupil = await student(desk.scene, OUTSIDE, "S-2")
    member = {"entity": build.ref(pupil["Patient"])}
    body = {"resourceType": "Group", "type": "person", "actual": True, "member": [member]}
    group = await desk.scene.district.create(body)
    caseload = [f"Group/{group['id']}"]
    person = await signed_in(desk.scene.world, desk.scene.district, "counselor", caseload=caseload)
    assert await desk.sees(person, OUTSIDE)
    assert not await desk.sees(person, INSIDE)
    for ended in (
        {"member": [{**member, "inactive": True}]},
        {"member": [{**member, "period": PAST}]},
        {"active": False},
    ):
        await desk.scene.district.save({**group, **ended})
        assert not await desk.sees(person, OUTSIDE), ended


async def test_nobody_elses_team_gives_a_student_away(desk: Desk) -> None:
    """A clinic that was released the student names the district's counselor in a team of its own."""
    pupil = await student(desk.scene, OUTSIDE, "S-2")
    body = {"resourceType": "CareTeam", "status": "active", "subject": build.ref(pupil["Patient"])}
    made = await desk.scene.clinic.post("/CareTeam", {**body, "participant": [{"member": build.ref(desk.counselor)}]})
    assert made.status_code == 201, made.text
    assert not await desk.sees(await desk.person(), OUTSIDE)


async def test_a_caseload_that_names_nobody_of_the_members_or_is_for_another_role_is_refused(desk: Desk) -> None:
    foreign = await desk.scene.clinic.create({"resourceType": "Practitioner", "name": [{"family": "Other"}]})
    for role, reference in (
        ("counselor", f"Practitioner/{NONE}"),
        ("counselor", build.ref(foreign)["reference"]),
        ("counselor", build.ref(desk.inside["Patient"])["reference"]),
        ("privacy-officer", desk.caseload[0]),
    ):
        with pytest.raises(HallpassError) as refused:
            await hire(desk.scene.world, desk.scene.district, role, caseload=[reference])
        assert refused.value.kind is Kind.UNPROCESSABLE


async def test_a_caseload_is_set_and_taken_away_while_the_person_is_signed_in(desk: Desk) -> None:
    await student(desk.scene, OUTSIDE, "S-2")
    person = await signed_in(desk.scene.world, desk.scene.district, "counselor")
    assert await desk.sees(person, OUTSIDE)
    engine = create_async_engine(desk.scene.world.db.owner)
    for caseload, expected in ((desk.caseload, False), (None, True)):
        async with engine.begin() as connection:
            await registry.limit(connection, person.staff, caseload)
        assert await desk.sees(person, OUTSIDE) is expected
    await engine.dispose()
