"""Invariant 6: no member says anything in the directory for another, and nothing in it is about a student."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.consent import codes as consent
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, set_scene
from tests.world import World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """Three members."""
    return await set_scene(world)


ENTRIES = [
    ("HealthcareService", "providedBy", {"name": "Counseling"}),
    ("PractitionerRole", "organization", {}),
    ("Location", "managingOrganization", {"name": "Room 4"}),
]


@pytest.mark.parametrize(("kind", "element", "more"), ENTRIES)
async def test_an_entry_is_filed_by_the_organization_that_it_is_about(
    scene: Scene, kind: str, element: str, more: dict[str, Any]
) -> None:
    """Neither created nor changed to be another's, by whatever the other is known."""
    own = await scene.clinic.create({"resourceType": kind, element: scene.clinic.reference, **more})
    others = [
        scene.district.reference,
        {"identifier": {"system": "urn:npi", "value": "1"}},
        {"display": "The district"},
    ]
    for other in others:
        body = {"resourceType": kind, element: other, **more}
        refused(await scene.clinic.post(f"/{kind}", body), 403, "forbidden", f"{kind}.{element}")
        changed = {**own, element: other}
        refused(await scene.clinic.put(f"/{kind}/{own['id']}", changed), 403, "forbidden", f"{kind}.{element}")


async def test_an_affiliation_is_filed_by_one_of_those_that_it_is_between(scene: Scene) -> None:
    ends = {"organization": scene.district.reference, "participatingOrganization": scene.clinic.reference}
    body = {"resourceType": "OrganizationAffiliation", "active": True, **ends}
    for member in (scene.district, scene.clinic):
        await member.create(body)
    refused(await scene.stranger.post("/OrganizationAffiliation", body), 403, "forbidden")


async def test_an_organization_is_added_under_ones_own_and_the_rest_is_the_operators(scene: Scene) -> None:
    """What bears on who sees a member's records (its zone, its state) is not another member's to say."""
    body: dict[str, Any] = {"resourceType": "Organization", "name": "The district", "address": [{"state": "CA"}]}
    refused(await scene.clinic.post("/Organization", body), 403, "forbidden", "Organization.partOf")
    body["partOf"] = scene.district.reference
    refused(await scene.clinic.post("/Organization", body), 403, "forbidden", "Organization.partOf")
    entry = (await scene.clinic.get(f"/Organization/{scene.district.organization}")).json()
    answer = await scene.clinic.put(f"/Organization/{entry['id']}", {**entry, "address": [{"state": "CA"}]})
    assert answer.status_code == 403
    await scene.clinic.create({**body, "partOf": scene.clinic.reference})


async def test_a_place_carries_no_record(scene: Scene) -> None:
    """Every member would read it."""
    record = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "HIV positive: Ana"}}
    body = {"resourceType": "Location", "name": "Room 4", "contained": [record]}
    refused(await scene.clinic.post("/Location", body), 422, "business-rule", "Location.contained")


@pytest.mark.parametrize(
    "change",
    [
        {"address": [{"state": "TX"}]},
        {"extension": [{"url": consent.HONOR_EXTENSION, "valueBoolean": True}]},
        {"extension": [{"url": consent.TIME_ZONE_EXTENSION, "valueCode": "Asia/Tokyo"}]},
    ],
)
async def test_who_stands_above_a_member_does_not_change_who_sees_its_records(
    scene: Scene, change: dict[str, Any]
) -> None:
    """Neither its state, its choice nor its clock: that is the member's own. Its name may be set from above."""
    school = await scene.world.member(f"School {len(str(change))}", part_of=scene.district.organization)
    entry = (await scene.district.get(f"/Organization/{school.organization}")).json()
    refused(await scene.district.put(f"/Organization/{entry['id']}", {**entry, **change}), 403, "forbidden")
    renamed = await scene.district.save({**entry, "name": "Another name"})
    assert (await school.put(f"/Organization/{entry['id']}", {**renamed, **change})).status_code == 200
    classroom = await scene.district.create({"resourceType": "Organization", "name": "C", "partOf": school.reference})
    assert (await scene.district.put(f"/Organization/{classroom['id']}", {**classroom, **change})).status_code == 200


async def test_who_filed_a_version_is_on_it(scene: Scene) -> None:
    """The server says so, whatever the writer says; the same content again is no new version."""
    told = {"source": "urn:another"}
    for body in (
        build.patient("F-1", meta=told),
        {"resourceType": "Practitioner", "name": [{"family": "Reyes"}], "meta": told},
        build.encounter(scene.student, meta=told),
    ):
        stored = await scene.district.create(body)
        assert stored["meta"]["source"] == scene.district.reference["reference"]
        same = await scene.district.put(
            f"/{stored['resourceType']}/{stored['id']}", {**stored, "meta": {**stored["meta"], **told}}
        )
        assert same.headers["ETag"] == 'W/"1"'
    assert stored["id"] in await scene.district.ids(f"/Encounter?_source=Organization/{scene.district.organization}")
    school = await scene.world.member("School that files", part_of=scene.district.organization)
    own = await school.create(build.patient("F-2"))
    assert own["meta"]["source"] == school.reference["reference"]
    changed = await scene.district.save({**own, "gender": "female"})
    assert changed["meta"]["source"] == scene.district.reference["reference"]
