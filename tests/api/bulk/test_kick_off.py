"""Bulk export: one request of a client is under way, what is not understood is refused by name, and it can be canceled.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from app.exchange.bulk import export
from tests.api.bulk.exports import (
    STARTED,
    entries,
    fetched,
    kick_off,
    named,
    swept,
    work,
)
from tests.scene import FAMILY, Scene, as_owner
from tests.statements import Statements
from tests.world import BASE, World


async def test_one_client_has_one_export_under_way(world: World, scene: Scene) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export")
    again = await scene.clinic.get("/Patient/$export", headers=STARTED)
    assert again.status_code == 429
    assert int(again.headers["Retry-After"]) > 0
    poll = await scene.clinic.get(status)
    assert (poll.status_code, poll.headers["X-Progress"]) == (202, "waiting for a worker")
    assert (await scene.clinic.delete(status)).status_code == 202
    assert (await scene.clinic.get(status)).status_code == 404
    assert (await scene.clinic.get("/Patient/$export", headers=STARTED)).status_code == 202
    await work(world)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("_outputFormat=csv", "_outputFormat"),
        ("_since=yesterday", "_since"),
        ("_type=Spaceship", "Spaceship"),
        ("_typeFilter=Encounter", "_typeFilter"),
        ("_typeFilter=Encounter%3F_sort%3Ddate", "_sort"),
        ("_typeFilter=Encounter%3Fcolor%3Dred", "color"),
        ("_elements=Patient.color", "_elements"),
        ("includeAssociatedData=AllProvenance", "includeAssociatedData"),
        ("includeAssociatedData=LatestProvenanceResources&_typeFilter=Provenance%3Factivity%3Dx", "_typeFilter"),
        ("shade=red", "shade"),
        ("organizeOutputBy=School", "organizeOutputBy"),
        ("_since=2026-01-02T00:00:00Z&_until=2026-01-01T00:00:00Z", "_until"),
        ("_since=2026-01-01T00:00:00Z&_since=2026-01-02T00:00:00Z", "_since"),
        ("patient=Group/1", "patient"),
        ("&".join(["_typeFilter=Encounter%3Fstatus%3Dfinished"] * 21), "20"),
    ],
)
async def test_what_is_not_understood_is_refused_by_its_name(scene: Scene, query: str, word: str) -> None:
    answer = await scene.district.get(f"/Patient/$export?{query}", headers=STARTED)
    assert answer.status_code == 400
    assert word in answer.json()["issue"][0]["details"]["text"]


async def test_leniently_it_is_left_out_and_said(world: World, scene: Scene) -> None:
    path = "/Patient/$export?_type=Patient,Spaceship&includeAssociatedData=Latest"
    answer = await scene.district.get(path, headers={**STARTED, "Prefer": "respond-async, handling=lenient"})
    assert answer.status_code == 202
    await work(world)
    found = await fetched(scene.district, answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir"))
    (problems,) = [found.files[e["url"]] for e in found.manifest["error"]]
    told = str(problems)
    assert "Spaceship" in told
    assert "includeAssociatedData" in told


async def test_a_list_of_patients_costs_as_many_statements_whatever_its_length(world: World, scene: Scene) -> None:
    counted = []
    for number in (1, 40):
        asked = [scene.student["id"], *(str(uuid4()) for _ in range(number))]
        given = [{"name": "patient", "valueReference": {"reference": f"Patient/{id}"}} for id in asked]
        given += [{"name": "_type", "valueString": "Encounter"}]
        given += [{"name": "_typeFilter", "valueString": "Encounter?status=finished"}]
        body = {"resourceType": "Parameters", "parameter": given}
        answer = await scene.clinic.post("/Patient/$export", body, headers=STARTED)
        statements = Statements(world.db)
        await work(world)
        counted.append(len(statements.sent))
        found = await fetched(scene.clinic, answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir"))
        assert found.ids == named(scene, "Encounter")
        (problems,) = [found.files[e["url"]] for e in found.manifest["error"]]
        assert len(problems) == number
    assert counted[0] == counted[1] > 0


async def test_a_client_takes_room_for_so_many_exports_and_what_is_canceled_is_swept(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "KEPT", 2)
    monkeypatch.setattr(export, "SWEPT", 1)
    first = await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    refused = await scene.clinic.get("/Patient/$export", headers=STARTED)
    assert refused.status_code == 429
    assert "DELETE" in refused.json()["issue"][0]["details"]["text"]
    assert (await scene.clinic.delete(first)).status_code == 202
    assert (await scene.clinic.get("/Patient/$export", headers=STARTED)).status_code == 429
    await swept(world)
    assert (await scene.clinic.get("/Patient/$export", headers=STARTED)).status_code == 202
    await work(world)


async def test_an_export_that_cannot_be_chosen_fails_and_the_client_may_begin_again(world: World, scene: Scene) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export")
    (job,) = await as_owner(world, "DELETE FROM hallpass.job WHERE entrypoint = 'export' RETURNING payload")
    await export.fail(world.db, json.loads(bytes(job.payload)))
    assert (await scene.clinic.get(status)).status_code == 500
    assert (await scene.clinic.get("/Patient/$export", headers=STARTED)).status_code == 202
    await work(world)


async def test_the_requests_that_a_client_followed_last_are_remembered_and_no_more(world: World, scene: Scene) -> None:
    counted = """SELECT count(DISTINCT feed) AS n FROM hallpass.feed_entry
                 WHERE feed LIKE 'export %' AND reader LIKE :client || ' %'"""
    for n in range(13):
        status = await kick_off(scene.clinic, f"/Patient/$export?_typeFilter=Encounter%3Fstatus%3Dfinished,s{n}")
        await work(world)
        await scene.clinic.delete(status)
        await swept(world)
    (found,) = await as_owner(world, counted, client=scene.clinic.client_id)
    assert found.n == 10


async def test_the_manifest_names_the_request_by_the_services_own_address(world: World, scene: Scene) -> None:
    path = "/Patient/$export?_type=Patient"
    answer = await scene.clinic.get(path, headers={**STARTED, "Host": "evil.example.org"})
    await work(world)
    found = await fetched(scene.clinic, answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir"))
    assert found.manifest["request"] == f"{BASE}/fhir{path}"


async def test_a_client_disabled_before_its_export_is_chosen_gets_nothing(world: World, scene: Scene) -> None:
    await kick_off(scene.clinic, "/Patient/$export")
    await as_owner(world, "UPDATE hallpass.client SET disabled = now() WHERE id = :id", id=scene.clinic.client_id)
    with pytest.raises(Exception, match="token"):
        await work(world)
    assert FAMILY not in str(await entries(world, scene.clinic))
