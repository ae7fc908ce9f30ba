"""One client uses up its own share of the server, never another's. https://www.rfc-editor.org/rfc/rfc6585#section-4"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import URL

from app.db import engine
from app.db.engine import Database
from app.errors import HallpassError
from app.limits.stored import StoredBytes
from tests import build
from tests.api.asking import key, patient, refused
from tests.api.test_timeouts import held
from tests.scene import Scene, set_scene
from tests.world import BASE, World, assertion, open_world

REQUESTS = 20


@pytest_asyncio.fixture(scope="module")
async def world(database: URL) -> AsyncIterator[World]:
    """A network whose statements may not take long."""
    async with open_world(Database(database, statement_timeout_ms=3_000), client_requests=REQUESTS) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A clinic that sees a student's visits."""
    return await set_scene(world, "Patient", "Encounter")


async def test_a_client_whose_writes_all_wait_keeps_nobody_else_waiting(scene: Scene) -> None:
    student = scene.student
    visit = build.encounter(student)
    hurry = {"If-None-Exist": f"identifier=urn:x|1&subject=Patient/{student['id']}"}
    async with held(scene.world, student["id"]):
        waiting = [
            asyncio.create_task(scene.district.post("/Encounter", visit, headers=hurry)) for _ in range(2 * REQUESTS)
        ]
        await asyncio.sleep(0.5)
        async with asyncio.timeout(2):
            health = await scene.world.http.get(f"{BASE}/health")
            other = await scene.stranger.get("/Patient")
            directory = await scene.clinic.get("/Organization?_count=1")
        answers = await asyncio.gather(*waiting)
    assert [r.status_code for r in (health, other, directory)] == [200, 200, 200]
    found = Counter(r.status_code for r in answers)
    assert set(found) <= {429, 503}
    assert found[429] >= REQUESTS
    for answer in answers:
        refused(answer, answer.status_code, "throttled" if answer.status_code == 429 else "transient")
        assert int(answer.headers["Retry-After"]) >= 1
    assert (await scene.district.get(f"/Patient/{student['id']}")).status_code == 200


async def test_a_pool_without_a_free_connection_is_a_503_and_health_asks_on_its_own(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "POOL_SECONDS", 0.2)
    async with open_world(Database(database, pool_size=2)) as world:
        member = await world.member("District")
        written = await member.create(patient())
        async with world.db.begin(), world.db.begin():
            health = await world.http.get(f"{BASE}/health")
            answers = [
                await member.get("/Patient?_count=1"),
                await member.get(f"/Patient/{written['id']}"),
                await member.put(f"/Patient?{key(written)}", patient()),
                await member.post("", {"resourceType": "Bundle", "type": "batch", "entry": []}),
            ]
        assert health.status_code == 200
        for answer in answers[:3]:
            refused(answer, 503, "transient")
            assert answer.headers["Retry-After"]


@pytest_asyncio.fixture(scope="module")
async def slow(database: URL) -> AsyncIterator[World]:
    """A network of small rates."""
    async with open_world(Database(database), client_rate=2, address_rate=2, login_rate=1) as found:
        yield found


async def test_a_client_that_asks_too_often_is_told_to_slow_down_and_no_other_is(slow: World) -> None:
    one, other = await slow.member("One"), await slow.member("Other")
    answers = await asyncio.gather(*(one.get("/Patient?_count=1") for _ in range(30)))
    found = Counter(r.status_code for r in answers)
    assert found[200] >= 20
    assert found[429] >= 5
    late = next(r for r in answers if r.status_code == 429)
    refused(late, 429, "throttled")
    assert int(late.headers["Retry-After"]) >= 1
    assert (await other.get("/Patient?_count=1")).status_code == 200


async def test_nobody_uses_up_a_clients_rate_with_a_token_that_is_not_its_own(slow: World) -> None:
    """What is not proved counts against the address, which the client's own good token does not need."""
    member = await slow.member("Victim")
    await member.get("/Patient?_count=1")
    good = member.headers["Authorization"]
    forged = good[:-6] + ("AAAAAA" if not good.endswith("AAAAAA") else "BBBBBB")
    for headers in ({"Authorization": forged}, {}):
        asked = (slow.http.get(f"{BASE}/fhir/Patient", headers=headers) for _ in range(60))
        answers = await asyncio.gather(*asked)
        assert {r.status_code for r in answers} <= {401, 429}
        refused(next(r for r in answers if r.status_code == 429), 429, "throttled")
    assert (await member.get("/Patient?_count=1")).status_code == 200


async def login(world: World, client: str, signed: str) -> httpx.Response:
    """A token request."""
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "scope": "system/*.rs", "client_assertion_type": kind}
    return await world.http.post(f"{BASE}/auth/token", data={**form, "client_assertion": signed, "client_id": client})


async def test_logins_are_limited_by_client_and_failed_ones_by_address(database: URL) -> None:
    async with open_world(Database(database), login_rate=1, address_rate=3) as world:
        one, other = await world.member("One"), await world.member("Other")
        logins = (login(world, one.client_id, assertion(one.client_id, one.key)) for _ in range(20))
        answers = await asyncio.gather(*logins)
        assert {r.status_code for r in answers} == {200, 429}
        late = next(r for r in answers if r.status_code == 429)
        assert late.json()["error"] == "slow_down"
        assert int(late.headers["Retry-After"]) >= 1
        good = await login(world, other.client_id, assertion(other.client_id, other.key))
        assert good.status_code == 200
        failing = (login(world, one.client_id, assertion(one.client_id, other.key)) for _ in range(60))
        bad = await asyncio.gather(*failing)
        assert {r.status_code for r in bad} == {400, 429}
        for path in ("introspect", "revoke"):
            asked = (world.http.post(f"{BASE}/auth/{path}", data={"token": "x"}) for _ in range(10))
            assert {r.json()["error"] for r in await asyncio.gather(*asked)} >= {"slow_down"}


async def test_a_client_that_fills_the_disk_is_stopped_and_no_other_is(database: URL) -> None:
    async with open_world(Database(database), client_daily_bytes=1_000) as world:
        one, other = await world.member("One"), await world.member("Other")
        answers = [await one.post("/Patient", patient()) for _ in range(8)]
        assert answers[0].status_code == 201
        refused(answers[-1], 429, "throttled")
        assert int(answers[-1].headers["Retry-After"]) > 1
        assert (await one.get("/Patient?_count=1")).status_code == 200
        assert (await other.post("/Patient", patient())).status_code == 201


async def test_keys_of_requests_that_store_nothing_fill_no_disk_either(database: URL) -> None:
    nothing = {"resourceType": "Bundle", "type": "transaction"}
    async with open_world(Database(database), client_daily_bytes=1_000) as world:
        one = await world.member("One")
        answers = [await one.post("", nothing, headers={"Idempotency-Key": f"key-{n}"}) for n in range(8)]
        assert answers[0].status_code == 200
        refused(answers[-1], 429, "throttled")
        assert (await one.post("", nothing)).status_code == 200


async def test_what_a_client_stored_counts_in_every_process_and_after_a_restart(database: URL) -> None:
    async with open_world(Database(database), client_daily_bytes=1_000) as first:
        one = await first.member("One")
        while (await one.post("/Patient", patient())).status_code == 201:
            pass
    async with open_world(Database(database), client_daily_bytes=1_000) as again:
        one.http = again.http
        refused(await one.post("/Patient", patient()), 429, "throttled")
        other = await again.member("Other")
        assert (await other.post("/Patient", patient())).status_code == 201


async def test_what_could_not_be_added_up_is_added_next_time() -> None:
    stored = StoredBytes(100)
    stored.count("one", 60)
    assert stored.telling() == {"one": 60}
    stored.count("one", 10)
    stored.untold()
    assert stored.telling() == {"one": 70}
    stored.told({"one": 90, "other": 100})
    stored.count("one", 10)
    for client in ("one", "other"):
        with pytest.raises(HallpassError, match="100 bytes"):
            stored.count(client, 1)
