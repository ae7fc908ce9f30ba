"""Conditional reads. https://hl7.org/fhir/R4/http.html#cread"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A referral of which the clinic sees the second version."""
    scene = await set_scene(world, "ServiceRequest")
    referral = scene.records["ServiceRequest"]
    scene.records["ServiceRequest"] = await scene.district.save({**referral, "priority": "urgent"})
    return scene


SAME = ['W/"2"', '"2"', "2", 'W/"1", W/"2"', "1,2", "*"]
OTHER = ['W/"1"', '"3"', "22", 'W/"1", W/"3"']


@pytest.mark.parametrize("tag", SAME)
@pytest.mark.parametrize("below", ["", "/_history/2"])
async def test_who_names_the_version_is_told_that_it_has_it(scene: Scene, tag: str, below: str) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}{below}"
    response = await scene.district.get(path, headers={"If-None-Match": tag})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == 'W/"2"'
    assert "Last-Modified" in response.headers


@pytest.mark.parametrize("tag", [*SAME[:-1], *OTHER])
async def test_what_left_under_a_release_is_known_by_its_whole_tag_alone(scene: Scene, tag: str) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    given = (await scene.clinic.get(path)).headers["ETag"]
    assert (await scene.clinic.get(path, headers={"If-None-Match": tag})).status_code == 200
    assert (await scene.clinic.get(path, headers={"If-None-Match": f'"0", {given}'})).status_code == 304


async def test_a_304_does_not_hide_that_a_record_leaves_under_another_consent_now(world: World) -> None:
    """Nor under another version of it. The record itself has not changed."""
    scene = await set_scene(world, "Encounter")
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    (consent,) = await scene.clinic.ids("/Consent")
    tags = [(await scene.clinic.get(path)).headers["ETag"]]
    held = (await scene.district.get(f"/Consent/{consent}")).json()
    sooner = held["provision"] | {"period": held["provision"]["period"] | {"end": "2027-06-29"}}
    held = await scene.district.save(held | {"provision": sooner})
    for _ in range(2):
        read = await scene.clinic.get(path, headers={"If-None-Match": ", ".join(tags)})
        assert read.status_code == 200
        tags.append(read.headers["ETag"])
        assert (await scene.clinic.get(path, headers={"If-None-Match": tags[-1]})).status_code == 304
        new = {k: v for k, v in held.items() if k not in ("id", "meta")}
        await scene.district.create(new | {"dateTime": "2026-06-01"})
        await scene.district.save(held | {"status": "inactive"})
    assert len({*tags}) == len(tags)
    date = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert (await scene.clinic.get(path, headers={"If-Modified-Since": date})).status_code == 200


async def test_the_tag_of_what_left_under_a_release_is_the_one_of_a_batchs_entry(scene: Scene) -> None:
    path = f"ServiceRequest/{scene.records['ServiceRequest']['id']}"
    given = (await scene.clinic.get(f"/{path}")).headers["ETag"]
    asked = [{"request": {"method": "GET", "url": path, "ifNoneMatch": tag}} for tag in ('W/"2"', given)]
    answer = await scene.clinic.post("", {"resourceType": "Bundle", "type": "batch", "entry": asked})
    found = [(e["response"]["status"][:3], e["response"]["etag"]) for e in answer.json()["entry"]]
    assert found == [("200", given), ("304", given)]


@pytest.mark.parametrize("tag", OTHER)
async def test_who_names_another_version_gets_the_resource(scene: Scene, tag: str) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    response = await scene.clinic.get(path, headers={"If-None-Match": tag})
    assert (response.status_code, response.json()["meta"]["versionId"]) == (200, "2")


async def test_a_304_is_on_the_ledger_as_a_200_is(scene: Scene) -> None:
    """It tells the caller that what it has is still so."""
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    given = (await scene.clinic.get(path)).headers["ETag"]
    for version, status in ((given, 304), ("1", 200)):
        before = len(await ledger(scene.world, scene.clinic))
        assert (await scene.clinic.get(path, headers={"If-None-Match": version})).status_code == status
        assert len(await ledger(scene.world, scene.clinic)) == before + 1


@pytest.mark.parametrize(("days", "status"), [(1, 304), (-1, 200)])
async def test_a_date_counts_where_no_tag_is_named(scene: Scene, days: int, status: int) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    date = format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)
    assert (await scene.district.get(path, headers={"If-Modified-Since": date})).status_code == status
    both = {"If-Modified-Since": date, "If-None-Match": "1"}
    assert (await scene.district.get(path, headers=both)).status_code == 200


async def test_the_date_that_the_server_gave_is_one_that_it_knows(scene: Scene) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    date = (await scene.district.get(path)).headers["Last-Modified"]
    assert (await scene.district.get(path, headers={"If-Modified-Since": date})).status_code == 304


async def test_an_unreadable_date_is_no_condition_and_an_unreadable_tag_is_a_400(scene: Scene) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    assert (await scene.clinic.get(path, headers={"If-Modified-Since": "yesterday"})).status_code == 200
    assert (await scene.clinic.get(path, headers={"If-None-Match": "W/2 !"})).status_code == 400


async def test_a_condition_tells_nothing_of_what_is_hidden(scene: Scene) -> None:
    visit = scene.records["Encounter"]["id"]
    absent = await scene.clinic.get("/Encounter/00000000-0000-4000-8000-000000000000", headers={"If-None-Match": "*"})
    for headers in ({"If-None-Match": "*"}, {"If-None-Match": "1"}):
        hidden = await scene.clinic.get(f"/Encounter/{visit}", headers=headers)
        assert (hidden.status_code, hidden.content) == (404, absent.content)


@pytest.mark.parametrize(("tag", "status"), [('W/"1", W/"2"', 200), ("*", 200), ("7", 412), ("!", 400)])
async def test_if_match_takes_lists_and_any(scene: Scene, tag: str, status: int) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    stored = (await scene.district.get(path)).json()
    response = await scene.district.put(path, stored, headers={"If-Match": tag})
    assert response.status_code == status


async def test_a_read_refuses_parameters_that_it_does_not_know(scene: Scene) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}?_ellements=status"
    refused = await scene.district.get(path)
    assert (refused.status_code, "_ellements" in refused.text) == (400, True)
    assert (await scene.district.get(path, headers={"Prefer": "handling=lenient"})).status_code == 200
    assert (await scene.district.put(path, build.referral(scene.student))).status_code == 400
    assert (await scene.district.delete(path)).status_code == 400
