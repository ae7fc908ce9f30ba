"""Invariant 4: what is disclosed is on the ledger with the release it rests on, or it does not leave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from tests import build
from tests.scene import FAMILY, Scene, as_owner, entered, ledger, set_scene
from tests.world import World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic may see the student and the referral, which has two versions."""
    found = await set_scene(world, "Patient", "ServiceRequest")
    referral = found.records["ServiceRequest"]
    found.records["ServiceRequest"] = await found.district.save({**referral, "priority": "urgent"})
    return found


def reads(scene: Scene) -> dict[str, Any]:
    """Each way to read: what is sent, and which versions it discloses, by type."""
    student, referral = scene.student["id"], scene.records["ServiceRequest"]["id"]
    clinic = scene.clinic
    entry = {"request": {"method": "GET", "url": f"ServiceRequest/{referral}"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    included = f"_id={referral}&_include=ServiceRequest:patient"
    return {
        "read": (lambda: clinic.get(f"/Patient/{student}"), [("Patient", 1)], "read"),
        "vread": (lambda: clinic.get(f"/ServiceRequest/{referral}/_history/1"), [("ServiceRequest", 1)], "vread"),
        "history": (
            lambda: clinic.get(f"/ServiceRequest/{referral}/_history"),
            [("ServiceRequest", 1), ("ServiceRequest", 2)],
            "history",
        ),
        "history page": (
            lambda: clinic.get(f"/ServiceRequest/{referral}/_history?_count=1"),
            [("ServiceRequest", 2)],
            "history",
        ),
        "search": (lambda: clinic.get("/Patient"), [("Patient", 1)], "search"),
        "search by form": (
            lambda: clinic.post("/Patient/_search", content=f"_id={student}", headers=FORM),
            [("Patient", 1)],
            "search",
        ),
        "search with include": (
            lambda: clinic.get(f"/ServiceRequest?{included}"),
            [("Patient", 1), ("ServiceRequest", 2)],
            "search",
        ),
        "search with revinclude": (
            lambda: clinic.get(f"/Patient?_id={student}&_revinclude=ServiceRequest:patient"),
            [("Patient", 1), ("ServiceRequest", 2)],
            "search",
        ),
        "batch": (lambda: clinic.post("", bundle), [("ServiceRequest", 2)], "read"),
        "transaction": (
            lambda: clinic.post("", {**bundle, "type": "transaction"}),
            [("ServiceRequest", 2)],
            "transaction",
        ),
    }


WAYS = (
    "read", "vread", "history", "history page", "search", "search by form", "search with include",
    "search with revinclude", "batch", "transaction",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_each_interaction_enters_just_its_versions_with_the_consent_and_its_version(
    scene: Scene, way: str
) -> None:
    send, versions, interaction = reads(scene)[way]
    before = len(await ledger(scene.world, scene.clinic))
    response = await send()
    assert response.status_code == 200, response.text
    assert FAMILY in response.text or "ServiceRequest" in response.text
    entered = (await ledger(scene.world, scene.clinic))[before:]
    assert sorted((type_name, version) for type_name, _, version, *_ in entered) == versions
    consent = UUID(await release_id(scene))
    assert {e[3:] for e in entered} == {(interaction, consent, 1)}
    assert {str(e[1]) for e in entered} <= {scene.student["id"], scene.records["ServiceRequest"]["id"]}


async def release_id(scene: Scene) -> str:
    """The id of the clinic's release."""
    rows = await as_owner(scene.world, "SELECT consent FROM hallpass.release WHERE recipients @> ARRAY[:org]::uuid[]",
                          org=scene.clinic.organization)  # fmt: skip
    return str(rows[0].consent)


COMMIT = "58030"
"""What comes up when the commit itself cannot be written, after the rows have been read."""


@asynccontextmanager
async def failing(world: World, how: str) -> AsyncIterator[None]:
    """The ledger cannot be written meanwhile."""
    if how == "no right":
        await as_owner(world, "REVOKE EXECUTE ON FUNCTION hallpass.disclose FROM hallpass_app")
    else:
        await as_owner(
            world,
            "CREATE FUNCTION hallpass.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{how}'; END $$",
            "CREATE TRIGGER full_disk BEFORE INSERT ON hallpass.disclosure"
            " FOR EACH STATEMENT EXECUTE FUNCTION hallpass.full_disk()"
            if how != COMMIT
            else "CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON hallpass.disclosure DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION hallpass.full_disk()",
        )
    try:
        yield
    finally:
        await as_owner(
            world,
            "GRANT EXECUTE ON FUNCTION hallpass.disclose TO hallpass_app",
            "DROP TRIGGER IF EXISTS full_disk ON hallpass.disclosure",
            "DROP FUNCTION IF EXISTS hallpass.full_disk",
        )


def is_refused(response: httpx.Response) -> None:
    """A 503 that says to try again, and nothing of a record."""
    assert response.status_code == 503, response.text
    assert response.headers["Retry-After"]
    assert response.json()["issue"][0]["code"] == "transient"
    assert FAMILY not in response.text


@pytest.mark.parametrize("how", ["no right", "P0001", "53100", "55P03", "57014", COMMIT])
async def test_when_the_ledger_cannot_be_written_nothing_leaves(scene: Scene, how: str) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    async with failing(scene.world, how):
        for way in WAYS:
            is_refused(await reads(scene)[way][0]())
        assert (await scene.district.get(f"/Patient/{scene.student['id']}")).status_code == 200
        assert (await scene.district.get("/Patient")).json()["total"] == 1
    assert len(await ledger(scene.world, scene.clinic)) == before
    assert (await scene.clinic.get(f"/Patient/{scene.student['id']}")).status_code == 200


async def test_a_ledger_that_asks_to_try_again_is_tried_again(scene: Scene) -> None:
    """The first entry of a transaction may be one that another's came in between of."""
    await as_owner(
        scene.world,
        "CREATE SEQUENCE public.tries",
        "GRANT USAGE ON public.tries TO PUBLIC",
        "CREATE FUNCTION public.once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN IF"
        " nextval('public.tries') = 1 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$",
        "CREATE TRIGGER once BEFORE INSERT ON hallpass.disclosure FOR EACH STATEMENT EXECUTE FUNCTION public.once()",
    )
    try:
        assert (await scene.clinic.get("/Patient")).json()["total"] == 1
        assert (await as_owner(scene.world, "SELECT last_value FROM public.tries"))[0][0] > 1
    finally:
        await as_owner(
            scene.world,
            "DROP TRIGGER once ON hallpass.disclosure",
            "DROP FUNCTION public.once",
            "DROP SEQUENCE public.tries",
        )


async def test_a_partys_write_is_undone_when_what_it_would_be_shown_cannot_be_entered(scene: Scene) -> None:
    task = await scene.district.create(
        build.task(scene.student, scene.records["ServiceRequest"], scene.district.reference, scene.clinic.reference)
    )
    async with failing(scene.world, "no right"):
        is_refused(await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": "accepted"}))
    assert (await scene.district.get(f"/Task/{task['id']}")).json()["status"] == "requested"


async def test_what_is_refused_or_empty_enters_nothing(scene: Scene) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    hidden = scene.records["Encounter"]["id"]
    for path in (f"/Encounter/{hidden}", f"/Encounter/{hidden}/_history", "/Encounter", "/Patient?_summary=count"):
        await scene.clinic.get(path)
    await scene.clinic.get("/Patient?nothing=known")
    assert len(await ledger(scene.world, scene.clinic)) == before


async def test_the_entry_cites_the_version_of_the_consent_that_was_in_force(scene: Scene) -> None:
    path = f"/Consent/{await release_id(scene)}"
    release = (await scene.district.get(path)).json()
    nearer = {**release["provision"]["period"], "end": "2027-05-31"}
    await scene.district.save({**release, "provision": {**release["provision"], "period": nearer}})
    await scene.clinic.get(f"/Patient/{scene.student['id']}")
    assert (await ledger(scene.world, scene.clinic))[-1][4:] == (UUID(release["id"]), 2)


async def test_a_custodian_reading_its_own_discloses_nothing(scene: Scene) -> None:
    for record in scene.records.values():
        await scene.district.get(f"/{record['resourceType']}/{record['id']}")
    assert await ledger(scene.world, scene.district) == []


async def test_a_server_set_to_commit_without_waiting_for_the_disk_waits_for_the_ledger(scene: Scene) -> None:
    async with entered(scene.world, scene.clinic) as connection:
        await connection.execute(text("SET LOCAL synchronous_commit = off"))
        nobodys = "NULL, '{}', '{}', '{}', '{}', '{}', '{}', ARRAY[gen_random_uuid()], '{}', '{}'"
        await connection.execute(text(f"SELECT hallpass.disclose({nobodys})"))
        assert await connection.scalar(text("SHOW synchronous_commit")) == "on"


async def test_whether_a_patch_would_fit_is_not_told_of_what_another_organization_holds(scene: Scene) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    answers = set()
    for guess in (FAMILY, "Somebody"):
        body = [{"op": "test", "path": "/name/0/family", "value": guess}]
        response = await scene.clinic._send(
            "PATCH", f"/Patient/{scene.student['id']}", content=json.dumps(body),
            headers={"Content-Type": "application/json-patch+json"},
        )  # fmt: skip
        answers.add((response.status_code, response.content))
    assert len(answers) == 1
    assert len(await ledger(scene.world, scene.clinic)) == before


async def test_one_version_twice_in_a_bundle_is_entered_twice_though_the_clock_stands_still(scene: Scene) -> None:
    entry = {"request": {"method": "GET", "url": f"Patient/{scene.student['id']}"}}
    clock = "CREATE OR REPLACE FUNCTION hallpass.instant() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT {} $$"
    await as_owner(scene.world, clock.format("'2026-10-01T12:00:00Z'::timestamptz"))
    try:
        before = len(await ledger(scene.world, scene.clinic))
        answer = await scene.clinic.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry, entry]})
        assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["200", "200"]
        assert len(await ledger(scene.world, scene.clinic)) == before + 2
    finally:
        await as_owner(scene.world, clock.format("clock_timestamp()"))
