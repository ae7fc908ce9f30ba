"""What is expunged under law is nowhere any more; the ledger says that it was, who received it and why it went."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.db.caller import Write, lock_writes
from app.db.engine import Database, owner_transaction
from app.errors import HallpassError
from app.exchange.expunging import expunge, survey
from app.exchange.verify import Verifier
from app.objects import Objects
from assurance.feed.follower import Follower
from tests.api.asking import refused
from tests.api.bulk.exports import fetched, kick_off, work
from tests.scene import FAMILY, Scene, as_owner, ledger, set_scene
from tests.witness.restoring import dump
from tests.world import EVERYTHING, open_world

WHY = ("Order 24-117 of the district court", "Records officer, letter of 2026-11-02")
BIRTH = "2012-07-04"


@pytest_asyncio.fixture
async def scene(db: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    """A student whose name is in each of the district's records, of which the clinic received some."""
    async with open_world(db, export_store=str(tmp_path / "store")) as world:
        found = await set_scene(world, "Encounter", "Patient", "ServiceRequest")
        for name in ("Encounter", "ServiceRequest"):
            record = found.records[name]
            subject = {**record["subject"], "display": f"Ana {FAMILY}"}
            found.records[name] = await found.district.save({**record, "subject": subject})
        yield found


async def expunged(scene: Scene, name: str) -> None:
    await expunge(scene.world.operator, name, UUID(scene.records[name]["id"]), *WHY)


async def dumped(scene: Scene, file: Path) -> str:
    """Everything that the database holds, as text; what bytes hold too."""
    await dump(scene.world.db.owner, file, "plain")
    return await asyncio.to_thread(file.read_text)


def holds(dumped: str, word: str) -> bool:
    return word.lower() in dumped.lower() or word.encode().hex() in dumped


async def verified(scene: Scene) -> list[str]:
    return [f"{d.what} {d.where}" async for d in Verifier(scene.world.db, scene.world.settings).run()]


async def test_the_students_name_is_nowhere_in_the_database_and_the_ledger_stays_whole(
    scene: Scene, tmp_path: Path
) -> None:
    student = scene.student["id"]
    read = await scene.clinic.get(f"/Patient/{student}")
    assert read.status_code == 200
    assert (await scene.clinic.get(f"/Patient?family={FAMILY}")).json()["total"] == 1
    await scene.district.delete(f"/Group/{scene.records['Group']['id']}")
    await as_owner(scene.world, "DELETE FROM hallpass.resource WHERE type = 'Group'")
    before = await ledger(scene.world, scene.clinic)
    assert holds(await dumped(scene, tmp_path / "before"), FAMILY)
    await expunged(scene, "Patient")
    after = await dumped(scene, tmp_path / "after")
    assert not holds(after, FAMILY)
    assert not holds(after, scene.student["identifier"][0]["value"])
    assert await ledger(scene.world, scene.clinic) == before
    assert await verified(scene) == []


async def test_its_custodian_reads_that_it_is_gone_and_nobody_else_that_it_was(scene: Scene) -> None:
    for name in ("Patient", "Encounter", "ServiceRequest"):
        assert (await scene.clinic.get(f"/{name}/{scene.records[name]['id']}")).status_code == 200
    await expunged(scene, "Patient")
    for name in ("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Task", "Consent"):
        path = f"/{name}/{scene.records[name]['id']}"
        for version in ("", "/_history/1"):
            refused(await scene.district.get(path + version), 410, "deleted")
            refused(await scene.clinic.get(path + version), 404, "not-found")
            refused(await scene.stranger.get(path + version), 404, "not-found")
        assert (await scene.clinic.get(f"{path}/_history")).status_code == 404
        history = (await scene.district.get(f"{path}/_history")).json()
        assert not any("resource" in entry for entry in history["entry"])
    assert (await scene.district.get("/Patient")).json()["total"] == 0


async def test_one_record_goes_under_a_release_that_stands_and_its_recipient_finds_it_absent(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    assert (await scene.clinic.get(path)).status_code == 200
    await expunged(scene, "Encounter")
    refused(await scene.clinic.get(path), 404, "not-found")
    refused(await scene.district.get(path), 410, "deleted")
    assert (await scene.clinic.get("/Encounter?_summary=count")).json()["total"] == 0
    assert (await scene.clinic.get(f"/Patient/{scene.student['id']}")).status_code == 200
    assert await verified(scene) == []


async def test_broken_glass_does_not_find_it(scene: Scene) -> None:
    hospital = await scene.world.member("Hospital", purposes=("TREAT", "BTG"), emergency=True)
    await scene.world.login(hospital, f"{EVERYTHING} hallpass/emergency", purpose_of_use="BTG")
    glass = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "identifier", "valueIdentifier": scene.student["identifier"][0]},
            {"name": "reason", "valueString": "unconscious in the emergency room"},
        ],
    }
    assert (await hospital.post("/Patient/$break-glass", glass)).status_code == 200
    path = f"/Encounter/{scene.records['Encounter']['id']}"
    assert (await hospital.get(path)).status_code == 200
    await expunged(scene, "Encounter")
    refused(await hospital.get(path), 404, "not-found")


async def test_who_follows_a_feed_is_told_that_it_was_withdrawn(scene: Scene) -> None:
    encounter, follower = f"Encounter/{scene.records['Encounter']['id']}", Follower(scene.clinic, "Encounter")
    await follower.poll()
    assert encounter in follower.held
    before = follower.since
    await expunged(scene, "Patient")
    page = (await scene.clinic.get(f"/_history?_type=Encounter&_since={before}")).json()
    (told,) = [e for e in page["entry"] if e["fullUrl"].endswith(encounter)]
    assert (told["request"]["method"], "resource" in told) == ("DELETE", False)
    await follower.poll()
    assert follower.held == {}


async def test_it_stays_expunged_whatever_its_custodian_sends(scene: Scene) -> None:
    record = scene.records["Encounter"]
    await expunged(scene, "Encounter")
    refused(await scene.district.put(f"/Encounter/{record['id']}", record), 410, "deleted")
    assert (await scene.district.delete(f"/Encounter/{record['id']}")).status_code == 204


async def test_that_it_was_why_and_who_asked_is_on_record_for_its_custodian_alone(scene: Scene) -> None:
    await expunged(scene, "Patient")
    events = (await scene.district.get("/AuditEvent?_count=200")).json()
    told = [e["resource"].get("outcomeDesc", "") for e in events["entry"]]
    assert any(WHY[0] in t and f"Patient/{scene.student['id']} expunged" in t for t in told)
    others = (await scene.clinic.get("/AuditEvent?_count=200")).text
    assert WHY[0] not in others
    rows = await as_owner(scene.world, "SELECT type, authority, by FROM hallpass.expunged ORDER BY type")
    assert {(r.authority, r.by) for r in rows} == {WHY}
    assert {"Patient", "Consent", "Encounter"} <= {r.type for r in rows}


async def test_a_file_of_an_export_has_it_no_more_and_the_export_store_lets_it_go(scene: Scene, tmp_path: Path) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export")
    await work(scene.world)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    store = Objects.of(scene.world.settings)
    await expunge(scene.world.operator, "Patient", UUID(scene.student["id"]), *WHY, objects=store)
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert {r["resourceType"] for r in (await fetched(scene.clinic, status)).resources} <= {"Organization"}


async def test_another_students_queries_stay_in_the_security_log(scene: Scene) -> None:
    other = f"{FAMILY}son"
    await scene.clinic.get(f"/Patient?family={other}")
    await expunged(scene, "Patient")
    rows = await as_owner(scene.world, "SELECT detail FROM hallpass.event WHERE kind = 'query'")
    assert any(other in r.detail for r in rows)


async def test_a_query_that_is_asked_meanwhile_leaves_no_name_either(scene: Scene) -> None:
    """The log is read before anybody has to wait; what was asked since is looked through again."""
    student, district = UUID(scene.student["id"]), scene.district.organization
    async with owner_transaction(scene.world.db.owner) as connection:
        await lock_writes(connection, [Write(student, district, student, "index")])
        going = asyncio.create_task(expunged(scene, "Patient"))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not (await as_owner(scene.world, waiting))[0][0]:
            assert not going.done()
            await asyncio.sleep(0.05)
        assert (await scene.clinic.get(f"/Patient?family={FAMILY}&_summary=count")).json()["total"] == 1
        assert await asked(scene)
    await going
    assert not await asked(scene)


async def asked(scene: Scene) -> list[str]:
    """The texts of the security log with the student's name."""
    rows = await as_owner(scene.world, "SELECT detail FROM hallpass.event WHERE kind = 'query'")
    return [r.detail for r in rows if re.search(rf"{FAMILY}\b", r.detail)]


async def test_what_no_student_has_is_not_expunged(scene: Scene) -> None:
    async with owner_transaction(scene.world.db.owner) as connection:
        for name, own_id in (("Group", UUID(scene.records["Group"]["id"])), ("Patient", uuid4()), ("Thing", uuid4())):
            with pytest.raises(HallpassError):
                await survey(connection, name, own_id)


async def test_verify_finds_content_that_came_back(scene: Scene) -> None:
    await expunged(scene, "Encounter")
    record = f"Encounter/{scene.records['Encounter']['id']}"
    await as_owner(
        scene.world,
        f"UPDATE hallpass.resource SET body = '{{\"a\": 1}}' WHERE id = '{record.partition('/')[2]}' AND version = 1",
    )
    assert f"what was expunged and has content, or the reverse {record}" in await verified(scene)
