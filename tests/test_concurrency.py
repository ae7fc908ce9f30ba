"""What happens at the same moment comes out as if it had happened one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.caller import lock_disclosure
from app.db.engine import Database, owner_transaction
from app.db.login import make_group
from tests import build
from tests.scene import as_owner, set_scene
from tests.world import Member, World, open_world

MANY = 20


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """Who pushes."""
    return await world.member("District")


def patient(**more: Any) -> dict[str, Any]:
    """A student like no other."""
    return build.patient(f"S-{uuid4().hex}", **more)


def key(resource: dict[str, Any]) -> str:
    """The condition that finds a student."""
    return f"identifier=urn:test:student|{resource['identifier'][0]['value']}"


@pytest.mark.parametrize("how", ["update", "create", "both", "bundles"])
async def test_many_pushes_of_one_student_make_one_patient(district: Member, how: str) -> None:
    sent = patient()

    async def push(n: int) -> int:
        if how == "bundles":
            full_url = f"urn:uuid:{uuid4()}"
            entries = [
                {"fullUrl": full_url, "resource": sent, "request": {"method": "PUT", "url": f"Patient?{key(sent)}"}},
            ]
            return (
                await district.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
            ).status_code
        if how == "update" or (how == "both" and n % 2):
            return (await district.put(f"/Patient?{key(sent)}", sent)).status_code
        return (await district.post("/Patient", sent, headers={"If-None-Exist": key(sent)})).status_code

    answers = await asyncio.gather(*(push(n) for n in range(MANY)))
    assert set(answers) <= {200, 201}
    assert how == "bundles" or answers.count(201) == 1
    (found,) = (await district.get(f"/Patient?{key(sent)}")).json()["entry"]
    assert found["resource"]["meta"]["versionId"] == "1"


async def test_many_updates_at_once_make_an_unbroken_row_of_versions(district: Member) -> None:
    made = await district.create(patient())
    path = f"/Patient/{made['id']}"
    cities = [f"City {n}" for n in range(MANY)]
    answers = await asyncio.gather(*(district.put(path, {**made, "address": [{"city": c}]}) for c in cities))
    assert {a.status_code for a in answers} == {200}
    history = (await district.get(f"{path}/_history?_count=100")).json()["entry"]
    assert [e["resource"]["meta"]["versionId"] for e in history] == [str(n) for n in range(MANY + 1, 0, -1)]
    assert {e["resource"]["address"][0]["city"] for e in history[:-1]} == set(cities)
    moments = [e["resource"]["meta"]["lastUpdated"] for e in history]
    assert moments == sorted(moments, reverse=True)


async def test_of_many_updates_of_one_version_just_one_goes_through(district: Member) -> None:
    made = await district.create(patient())
    path, match = f"/Patient/{made['id']}", {"If-Match": 'W/"1"'}
    answers = await asyncio.gather(
        *(district.put(path, {**made, "address": [{"city": str(n)}]}, headers=match) for n in range(MANY))
    )
    assert sorted(a.status_code for a in answers) == [200] + [412] * (MANY - 1)
    assert (await district.get(f"{path}/_history")).json()["total"] == 2


async def test_of_many_deletes_and_updates_each_is_there_or_is_not(district: Member) -> None:
    made = await district.create(patient())
    path = f"/Patient/{made['id']}"
    answers = await asyncio.gather(
        *(district.delete(path) if n % 2 else district.put(path, {**made, "active": True}) for n in range(10))
    )
    assert {a.status_code for a in answers} <= {200, 204}
    versions = (await district.get(f"{path}/_history")).json()
    assert versions["total"] == len(versions["entry"])
    assert (await district.get(path)).status_code == (410 if "resource" not in versions["entry"][0] else 200)


async def test_a_release_misses_nothing_that_is_written_while_it_is_signed(world: World) -> None:
    scene = await set_scene(world)

    async def write(n: int) -> str:
        await asyncio.sleep(n * 0.005)
        return str((await scene.district.create(build.referral(scene.student)))["id"])

    async def sign() -> None:
        await asyncio.sleep(0.05)
        await scene.release("ServiceRequest")

    *written, _ = await asyncio.gather(*(write(n) for n in range(MANY)), sign())
    seen = await scene.clinic.ids("/ServiceRequest?_count=100")
    assert set(seen) == {*written, scene.records["ServiceRequest"]["id"]}


async def test_a_change_of_a_record_waits_for_who_is_just_given_it(world: World) -> None:
    """So that what is written and what is given have an order: it may be labeled now."""
    district = await world.member("District")
    student = await district.create(patient())
    visit = await district.create(build.encounter(student))
    engine = create_async_engine(world.db.owner)
    async with engine.connect() as reader:
        await lock_disclosure(reader, [(UUID(student["id"]), district.organization)])
        assert (await asyncio.wait_for(district.create(build.encounter(student)), 30))["id"]
        writing = asyncio.create_task(district.save({**visit, "status": "cancelled"}))
        while not writing.done():
            if (await as_owner(world, "SELECT count(*) FROM pg_locks WHERE NOT granted"))[0][0]:
                break
        assert not writing.done()
        await reader.rollback()
    await engine.dispose()
    assert (await writing)["id"]


async def test_nothing_is_read_after_the_answer_to_a_revocation_and_the_ledger_agrees(world: World) -> None:
    scene = await set_scene(world, "Patient", "ServiceRequest")
    release = next(e["resource"] for e in (await scene.clinic.get("/Consent?status=active")).json()["entry"])
    held = (await scene.district.get(f"/Consent/{release['id']}")).json()
    loop = asyncio.get_running_loop()
    revoked_at = float("inf")
    seen: list[tuple[float, bool]] = []
    referral = scene.records["ServiceRequest"]["id"]
    ways = (f"/ServiceRequest/{referral}", "/ServiceRequest", f"/ServiceRequest/{referral}/_history", "/Patient")

    async def read(path: str) -> None:
        while loop.time() < revoked_at + 0.2 or not any(s > revoked_at for s, _ in seen):
            started = loop.time()
            response = await scene.clinic.get(path)
            assert response.status_code in (200, 404), response.text
            seen.append((started, b'"subject"' in response.content or b"birthDate" in response.content))

    async def revoke() -> None:
        nonlocal revoked_at
        await asyncio.sleep(0.3)
        response = await scene.district.put(f"/Consent/{held['id']}", {**held, "status": "inactive"})
        revoked_at = loop.time()
        assert response.status_code == 200

    await asyncio.gather(*(read(p) for p in ways), revoke())
    assert any(found for started, found in seen if started < revoked_at)
    assert not [started for started, found in seen if started > revoked_at and found]
    assert [s for s, _ in seen if s > revoked_at]
    late = await as_owner(
        world,
        "SELECT count(*) FROM hallpass.disclosure d JOIN hallpass.resource r ON r.id = d.consent AND r.version = 2"
        " WHERE d.consent = :id AND d.at > r.updated",
        id=held["id"],
    )
    assert late[0][0] == 0


@pytest.mark.parametrize("how", ["condition", "id", "subject"])
async def test_transactions_over_the_same_students_in_opposite_order_all_go_through(district: Member, how: str) -> None:
    """They would wait for each other in a circle; the database would undo one after the other, a second each."""
    students = [await district.create(patient()) for _ in range(8)]

    def entry(student: dict[str, Any], n: int) -> dict[str, Any]:
        if how == "subject":
            return {"resource": build.encounter(student), "request": {"method": "POST", "url": "Encounter"}}
        url = f"Patient?{key(student)}" if how == "condition" else f"Patient/{student['id']}"
        changed = {**student, "address": [{"city": f"City {n}"}]}
        return {"resource": changed, "request": {"method": "PUT", "url": url}}

    async def push(n: int) -> set[str]:
        entries = [entry(s, n) for s in (students if n % 2 else students[::-1])]
        response = await district.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert response.status_code == 200, response.text
        return {e["response"]["status"] for e in response.json()["entry"]}

    answers = await asyncio.gather(*(push(n) for n in range(10)))
    assert set().union(*answers) == {"201 Created" if how == "subject" else "200 OK"}
    if how != "subject":
        cities = {(await district.get(f"/Patient/{s['id']}")).json()["address"][0]["city"] for s in students}
        assert len(cities) == 1, "the last transaction wrote all of them"


async def test_readers_and_writers_of_one_student_all_come_through(world: World) -> None:
    scene = await set_scene(world, "Patient", "ServiceRequest", "Encounter")
    visits = [build.encounter(scene.student) for _ in range(10)]
    answers = await asyncio.gather(
        *(scene.district.post("/Encounter", v) for v in visits),
        *(scene.clinic.post("/Encounter", v) for v in visits),
        *(scene.clinic.get("/Encounter?_include=Encounter:patient") for _ in range(10)),
        *(scene.release("Patient", "Encounter") for _ in range(3)),
    )
    assert {a.status_code for a in answers if not isinstance(a, dict)} == {200, 201}
    assert (await scene.clinic.get("/Encounter")).json()["total"] == 21


async def test_a_store_that_is_all_taken_answers_503_and_then_serves_again(database: URL, world: World) -> None:
    """More requests than connections wait their turn; none is a fault."""
    small = Database(database, pool_size=2)
    async with open_world(small) as narrow:
        member = await narrow.member("Waiting")
        answers = await asyncio.gather(*(member.post("/Patient", patient()) for _ in range(40)))
        assert {a.status_code for a in answers} <= {201, 503}
        assert (await member.get("/Patient?_summary=count")).json()["total"] == sum(
            a.status_code == 201 for a in answers
        )


async def test_several_processes_make_the_apps_role_at_the_same_time(server: URL) -> None:
    """It belongs to the server, and not to one database of it."""

    async def make() -> None:
        async with owner_transaction(server.set(database="postgres")) as connection:
            await make_group(connection)

    await asyncio.gather(*(make() for _ in range(8)))
