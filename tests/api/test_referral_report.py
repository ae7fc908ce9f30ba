"""Organization/[id]/$referral-report: what came of referrals, over what the caller sees. docs/guides/reports.md"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.referral import codes as c
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, ledger, set_scene
from tests.world import Member, World

PERIOD = "start=2026-01-01&end=2026-12-31"
FULL = {"coding": [{"system": c.STATUS_REASON, "code": "no-capacity"}], "text": "full"}
FOOD = {"coding": [{"system": "https://hallpass.example/fhir/CodeSystem/service-category", "code": "food"}]}


async def report(member: Member, about: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The groups of the report by code."""
    response = await member.get(f"/{about['reference']}/$referral-report?{PERIOD}")
    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["resourceType"], body["reporter"]) == ("MeasureReport", about)
    return {g["code"]["coding"][0]["code"]: g for g in body["group"]}


def count(group: dict[str, Any]) -> tuple[int, int]:
    """Numerator and denominator."""
    found = {p["code"]["coding"][0]["code"]: p["count"] for p in group["population"]}
    return found["numerator"], found["denominator"]


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """Three referrals: one that the clinic serves, one that it declines, and one that waits for a release."""
    scene = await set_scene(world, "Patient", "ServiceRequest")
    for name in ("Task", "Encounter"):
        assert (await scene.district.delete(f"/{name}/{scene.records[name]['id']}")).status_code == 204
    for status, more in (("completed", {"output": [{"type": {"text": "r"}, "valueString": "met"}]}), ("rejected", {})):
        referral = scene.records["ServiceRequest"]
        if status == "rejected":
            referral = await scene.district.create(
                build.referral(scene.student, scene.clinic.reference, category=[FOOD])
            )
        parties = scene.district.reference, scene.clinic.reference
        task = await scene.district.create(build.task(scene.student, referral, *parties))
        if status == "completed":
            task = await scene.clinic.save({**task, "status": "accepted"})
        await scene.clinic.save({**task, "status": status, "statusReason": FULL, **more})
    return scene


async def test_a_district_sees_what_came_of_its_referrals_by_each_dimension(scene: Scene) -> None:
    await scene.district.create(build.referral(scene.student, scene.clinic.reference, priority="urgent"))
    groups = await report(scene.district, scene.district.reference)
    assert {code: count(groups[code])[0] for code in ("made", "accepted", "declined", "reached", "closed", "open")} == {
        "made": 3, "accepted": 1, "declined": 1, "reached": 1, "closed": 2, "open": 1,
    }  # fmt: skip
    assert count(groups["overdue"]) == (1, 3)
    rows = {
        s["code"][0]["text"]: {x["value"]["text"]: x for x in s["stratum"]} for s in groups["declined"]["stratifier"]
    }
    assert count(rows["reason"]["no-capacity"]) == (1, 3)
    assert count(rows["category"]["food"]) == (1, 1)
    assert rows["month"].keys() == {"2026-09"}
    assert rows["provider"].keys() == {scene.clinic.reference["reference"]}
    assert "value" in groups["days-from-referral-median"]["measureScore"]


async def test_a_provider_sees_what_it_may_see_and_that_is_on_the_ledger(scene: Scene) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    groups = await report(scene.clinic, scene.clinic.reference)
    assert count(groups["made"])[0] == 2
    told = {row[0] for row in (await ledger(scene.world, scene.clinic))[before:]}
    assert told == {"ServiceRequest", "Task"}


async def test_a_visit_counts_for_the_school_once_the_provider_has_released_it(scene: Scene) -> None:
    referral = await scene.district.create(build.referral(scene.student, scene.clinic.reference))
    own = await scene.clinic.create(build.encounter(scene.student, basedOn=[build.ref(referral)]))
    assert count((await report(scene.district, scene.district.reference))["reached"])[0] == 1
    mother = scene.records["RelatedPerson"]
    await scene.district.create(
        build.consent(
            scene.student, mother, scene.district.reference, scene.clinic.reference, classes=("RelatedPerson",)
        )
    )
    parties = scene.clinic.reference, scene.district.reference
    await scene.clinic.create(build.consent(scene.student, mother, *parties, classes=("Encounter",)))
    assert count((await report(scene.district, scene.district.reference))["reached"])[0] == 2
    assert own["id"] in {str(row[1]) for row in await ledger(scene.world, scene.district)}


async def test_a_reason_that_the_scopes_do_not_let_a_client_read_dates_no_need(scene: Scene) -> None:
    """A figure is made of what the client could read by itself."""
    onset = {"resourceType": "Condition", "subject": build.ref(scene.student), "onsetDateTime": "2026-08-01"}
    need, referral = await scene.district.create(onset), scene.records["ServiceRequest"]
    await scene.district.save({**referral, "reasonReference": [build.ref(need)]})
    scopes = "system/Organization.r system/ServiceRequest.s system/Task.s system/Encounter.s"
    for more, dated in ((" system/Condition.r", True), ("", False)):
        client = await scene.world.client_of(scene.district.organization, scopes=scopes + more, purposes=("TREAT",))
        groups = await report(client, scene.district.reference)
        assert ("measureScore" in groups["days-from-need-median"]) == dated


async def test_to_a_stranger_there_is_nothing_to_report(scene: Scene) -> None:
    groups = await report(scene.stranger, scene.district.reference)
    assert count(groups["made"]) == (0, 0)
    refused(await scene.stranger.get("/Organization/none/$referral-report"), 404, "not-found")


async def test_a_period_is_two_days_in_order(scene: Scene) -> None:
    path = f"/{scene.district.reference['reference']}/$referral-report"
    refused(await scene.district.get(f"{path}?start=2026-09"), 400, "invalid")
    refused(await scene.district.get(f"{path}?start=2026-09-02&end=2026-09-01"), 400, "invalid")


async def test_the_counts_for_the_county_are_the_districts_own_and_without_small_ones(scene: Scene) -> None:
    for n in range(12):
        student = await scene.district.create(build.patient(f"S-c{n}", address=[{"postalCode": "73334-1234"}]))
        await scene.district.create(build.referral(student, category=[FOOD], authoredOn="2026-09-10"))
    path = f"/{scene.district.reference['reference']}/$community-report"
    refused(await scene.clinic.get(f"{path}?month=2026-09"), 403, "forbidden")
    response = await scene.district.get(f"{path}?month=2026-09")
    assert response.status_code == 200, response.text
    groups = {g["code"]["coding"][0]["code"]: g for g in response.json()["group"]}
    (stratum,) = groups["referrals"]["stratifier"][0]["stratum"]
    assert [c["value"]["text"] for c in stratum["component"]] == ["food", "73334"]
    assert (stratum["measureScore"]["value"], groups["referrals"]["measureScore"]["value"]) == (10, 10)
    refused(await scene.stranger.get(f"{path}?month=2026-09"), 403, "forbidden")
    refused(await scene.district.get(f"{path}?month=2026-13"), 400, "invalid")
    refused(await scene.district.get(f"{path}?month=2099-01"), 422, "business-rule")


async def test_a_month_is_published_once_and_read_by_those_with_whom_there_is_an_agreement(scene: Scene) -> None:
    path = f"/{scene.district.reference['reference']}/$community-report?month=2026-07"
    first = await scene.district.get(path)
    assert first.status_code == 200, first.text
    for n in range(12):
        student = await scene.district.create(build.patient(f"S-l{n}", address=[{"postalCode": "73334"}]))
        await scene.district.create(build.referral(student, category=[FOOD], authoredOn="2026-07-10"))
    assert (await scene.district.get(path)).content == first.content, "a late child changes nothing"
    assert (await scene.clinic.get(path)).content == first.content
    refused(await scene.stranger.get(path), 403, "forbidden")


async def test_the_share_of_a_part_is_the_same_in_the_whole_and_by_itself_whatever_comes_later(world: World) -> None:
    district = await world.member("District")
    school = await world.member("School", part_of=district.organization)
    await world.agree(district, await world.member("County"))

    async def refer(first: int, last: int) -> None:
        for n in range(first, last):
            student = await school.create(build.patient(f"S-{n}", address=[{"postalCode": "73334"}]))
            await school.create(build.referral(student, category=[FOOD], authoredOn="2026-06-10"))

    async def made(about: Member) -> int:
        path = f"/{about.reference['reference']}/$community-report?month=2026-06"
        return int((await district.get(path)).json()["group"][1]["measureScore"]["value"])

    await refer(0, 12)
    assert await made(district) == 10
    await refer(12, 30)
    assert await made(school) == 10


async def test_nothing_is_published_without_an_agreement(scene: Scene) -> None:
    path = f"/{scene.stranger.reference['reference']}/$community-report?month=2026-04"
    refused(await scene.stranger.get(path), 403, "forbidden")


async def test_the_counts_of_the_whole_without_those_of_its_parts_give_back_no_small_one(world: World) -> None:
    """A school of five referrals publishes nothing, and what its district publishes is the same without them."""
    district = await world.member("District")
    school = await world.member("School", part_of=district.organization)
    other = await world.member("Other school", part_of=district.organization)
    await world.agree(district, await world.member("County"))
    for member, referrals in ((district, 12), (school, 5), (other, 11)):
        for n in range(referrals):
            student = await member.create(build.patient(f"S-{n}", address=[{"postalCode": "73334"}]))
            await member.create(build.referral(student, category=[FOOD], authoredOn="2026-09-10"))
    told = {
        name: (await member.get(f"/{about.reference['reference']}/$community-report?month=2026-09")).json()
        for name, member, about in (
            ("whole", district, district),
            ("school", school, school),
            ("other", other, other),
            ("school, by the whole", district, school),
        )
    }
    made = {name: document["group"][1]["measureScore"]["value"] for name, document in told.items()}
    assert made == {"whole": 20, "school": 0, "other": 10, "school, by the whole": 0}
