"""Reads by id go through together, in one statement, and each as if it were alone."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import clients
from app.auth.authenticate import ASSERTION_TYPE
from app.auth.service import Auth
from app.caller import Caller
from app.db.engine import Database
from app.exchange.read_batcher import CONCURRENT_STATEMENTS, ReadBatcher, ReadRequest, ReadResult
from tests import build
from tests.scene import Scene, as_owner, ledger, set_scene
from tests.statements import Statements
from tests.world import BASE, Member, World, assertion, open_world

LEDGER_SHUT = "LOCK TABLE hallpass.batch IN SHARE MODE"
"""While another transaction holds this, what is disclosed waits to be entered."""


ENDING = "SELECT pg_advisory_xact_lock(hallpass.release_key(CAST(:student AS uuid), CAST(:custodian AS uuid)))"
"""What a write that may end a release holds."""


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """The clinic may see the student and the referral; the stranger nothing."""
    async with open_world(db) as world:
        yield await set_scene(world, "Patient", "ServiceRequest")


@pytest_asyncio.fixture(scope="module")
async def sent(scene: Scene) -> Statements:
    """The statements of the application."""
    found = Statements(scene.world.db)
    await scene.world.db.dispose()  # so that it hears every connection
    return found


def long_way_round(sent: Statements) -> list[str]:
    """What goes the long way: the statements of transactions that serve one request."""
    return [s for s in sent.sent if "hallpass.read(" not in s]


@asynccontextmanager
async def holding(world: World, statement: str, **values: object) -> AsyncIterator[None]:
    """Another transaction holds a lock meanwhile, and lets go of it after a moment."""
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)
        yield
        await asyncio.sleep(0.3)
    await engine.dispose()


async def test_a_read_takes_no_transaction_of_its_own(scene: Scene, sent: Statements) -> None:
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    for member in (scene.clinic, scene.district):
        await member.get(path)  # the token is looked up the first time
    sent.clear()
    for member in (scene.clinic, scene.district):
        assert (await member.get(path)).status_code == 200
        assert (await member.get(f"{path}/_history/1")).status_code == 200
    for absent in (f"/Patient/{uuid4()}", f"/Encounter/{scene.records['Encounter']['id']}"):
        assert (await scene.clinic.get(absent)).status_code == 404
    assert sent.sent
    assert long_way_round(sent) == []


@asynccontextmanager
async def long_way(world: World) -> AsyncIterator[None]:
    """The statement for many fails meanwhile, and each read goes by itself."""
    rename = "ALTER FUNCTION hallpass.{} RENAME TO {}"
    await as_owner(world, rename.format("read", "read_away"))
    try:
        yield
    finally:
        await as_owner(world, rename.format("read_away", "read"))


async def test_the_long_way_comes_to_the_same(scene: Scene, sent: Statements) -> None:
    """A statement for many that failed answers nobody: each goes by itself, as if it had come alone."""
    referral = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    asked = [
        (path + query, headers)
        for path in (referral, f"{referral}/_history/1", f"{referral}/_history/2", f"/Patient/{uuid4()}")
        for query in ("", "?_summary=text")
        for headers in ({}, {"If-None-Match": "1"})
    ]

    async def answers() -> list[tuple[int, bytes, str | None]]:
        found = [await scene.clinic.get(path, headers=headers) for path, headers in asked]
        return [(f.status_code, f.content, f.headers.get("ETag")) for f in found]

    before = len(await ledger(scene.world, scene.clinic))
    together = await answers()
    entered = [e[3] for e in (await ledger(scene.world, scene.clinic))[before:]]
    async with long_way(scene.world):
        sent.clear()
        assert await answers() == together
    assert long_way_round(sent)
    assert [e[3] for e in (await ledger(scene.world, scene.clinic))[before + len(entered) :]] == entered
    assert entered == ["read"] * 4 + ["vread"] * 4


async def test_an_entry_is_of_the_request_that_the_log_names(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    assert (await scene.clinic.get(path)).status_code == 200
    async with long_way(scene.world):
        assert (await scene.clinic.get(path)).status_code == 200
    rows = await as_owner(scene.world, "SELECT request FROM hallpass.disclosure ORDER BY at DESC LIMIT 2")
    assert [str(row.request) in caplog.text for row in rows] == [True, True]


async def test_many_callers_at_once_get_each_its_own_answer_and_entry(scene: Scene) -> None:
    seen, hidden = scene.records["ServiceRequest"]["id"], scene.records["Encounter"]["id"]
    asked = [
        (member, path, status)
        for member, path, status in (
            (scene.clinic, f"/ServiceRequest/{seen}", 200),
            (scene.clinic, f"/Encounter/{hidden}", 404),
            (scene.stranger, f"/ServiceRequest/{seen}", 404),
            (scene.district, f"/Encounter/{hidden}", 200),
        )
        for _ in range(20)
    ]
    before = len(await ledger(scene.world, scene.clinic))
    answers = await asyncio.gather(*(member.get(path) for member, path, _ in asked))
    assert [a.status_code for a in answers] == [status for *_, status in asked]
    assert len(await ledger(scene.world, scene.clinic)) == before + 20
    assert await ledger(scene.world, scene.stranger) == []
    labels = [str(a.json().get("meta", {}).get("security")) for a in answers]
    assert ["NORDSCLCD" in found for found in labels] == [member is scene.clinic and s == 200 for member, _, s in asked]


async def _caller(world: World, member: Member) -> Caller:
    """Who the member's token says it is."""
    token = member.headers["Authorization"].partition(" ")[2]
    return (await Auth.create(world.db, world.settings).tokens.read(token)).caller


async def _together(
    read_batcher: ReadBatcher, *read_requests: ReadRequest
) -> list[tuple[UUID | None, bool, bool, bool]]:
    """What comes of asks that go through in one statement: id, and whether own, out and alone."""
    read_batcher._draining = CONCURRENT_STATEMENTS  # so that none begins a turn by itself
    waiting = [asyncio.create_task(read_batcher.read(read_request)) for read_request in read_requests]
    await asyncio.sleep(0)
    read_batcher._draining = 1
    await read_batcher._drain()
    assert read_batcher._draining == 0
    return [(p.row.id if p.row else None, p.own, p.out, p.alone) for p in await asyncio.gather(*waiting)]


async def test_of_one_statement_each_who_waited_gets_its_own_answer(scene: Scene) -> None:
    """One whose token was revoked is out, and one whose student is being written goes alone."""
    world = scene.world
    read_batcher = ReadBatcher(world.db, world.settings)
    shut_out = await world.client_of(scene.clinic.organization, scopes="system/*.rs", purposes=("TREAT",))
    district, clinic, stranger, gone = [
        await _caller(world, member) for member in (scene.district, scene.clinic, scene.stranger, shut_out)
    ]
    await as_owner(world, "INSERT INTO hallpass.revoked_token VALUES (:jti, now() + interval '1 h')", jti=gone.token)
    other = UUID((await scene.district.create(build.patient("S-other")))["id"])
    referral = UUID(scene.records["ServiceRequest"]["id"])

    def read_request(caller: Caller, type_name: str, resource_id: UUID) -> ReadRequest:
        return ReadRequest(caller, type_name, resource_id, None, "read", uuid4())

    found = await _together(
        read_batcher,
        read_request(clinic, "ServiceRequest", referral),
        read_request(gone, "ServiceRequest", referral),
        read_request(district, "Patient", other),
        read_request(stranger, "ServiceRequest", referral),
    )
    nothing = (None, False, False, False)
    assert found == [(referral, False, False, False), (None, False, True, False), (other, True, False, False), nothing]
    ((purposes,),) = await as_owner(
        world, "SELECT purposes FROM hallpass.disclosure WHERE id = :id ORDER BY at DESC LIMIT 1", id=referral
    )
    assert purposes == ["TREAT"]
    async with holding(world, ENDING, student=scene.student["id"], custodian=scene.district.organization):
        read_requests = read_request(district, "Patient", other), read_request(clinic, "ServiceRequest", referral)
        assert await _together(read_batcher, *read_requests) == [
            (other, True, False, False),
            (None, False, False, True),
        ]


async def test_two_statements_are_under_way_at_once_and_no_more(scene: Scene) -> None:
    world = scene.world
    read_batcher = ReadBatcher(world.db, world.settings)
    clinic, district = await _caller(world, scene.clinic), await _caller(world, scene.district)
    referral, student = UUID(scene.records["ServiceRequest"]["id"]), UUID(scene.student["id"])

    def read() -> asyncio.Task[ReadResult]:
        return asyncio.create_task(
            read_batcher.read(ReadRequest(clinic, "ServiceRequest", referral, None, "read", uuid4()))
        )

    async with holding(world, LEDGER_SHUT):
        waiting = [read()]
        await asyncio.sleep(0.1)
        own = ReadRequest(district, "Patient", student, None, "read", uuid4())
        assert (await asyncio.wait_for(read_batcher.read(own), 30)).own
        for _ in range(3):
            waiting.append(read())
            await asyncio.sleep(0.1)
        assert len(read_batcher._tasks) == CONCURRENT_STATEMENTS
        assert not any(w.done() for w in waiting)
    assert [(await w).row is not None for w in waiting] == [True] * 4
    assert read_batcher._draining == 0


async def test_a_disabled_client_among_others_is_refused_alone(scene: Scene) -> None:
    world, clinic = scene.world, scene.clinic
    gone = await world.client_of(clinic.organization, scopes="system/*.rs", purposes=("TREAT",), emergency=False)
    path = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    assert (await gone.get(path)).status_code == 200
    await as_owner(world, "UPDATE hallpass.client SET disabled = now() WHERE id = :id", id=gone.client_id)
    answers = await asyncio.gather(gone.get(path), clinic.get(path), scene.district.get(path))
    assert [a.status_code for a in answers] == [401, 200, 200]


@pytest.mark.parametrize(
    "lock",
    [
        ENDING,
        "SELECT pg_advisory_xact_lock(hallpass.agreement_key(CAST(:custodian AS uuid), CAST(:recipient AS uuid)))",
        "SELECT pg_advisory_xact_lock(hallpass.place_key(CAST(:custodian AS uuid)))",
    ],
)
async def test_a_write_under_way_holds_up_the_reads_that_it_may_end_and_no_other(scene: Scene, lock: str) -> None:
    one = scene.records["ServiceRequest"]["id"]
    named = {"student": scene.student["id"], "custodian": scene.district.organization}
    named |= {"recipient": scene.clinic.organization}
    async with holding(scene.world, lock, **{k: v for k, v in named.items() if f":{k}" in lock}):
        waiting = [asyncio.create_task(scene.clinic.get(f"/ServiceRequest{p}")) for p in (f"/{one}", f"?_id={one}")]
        await asyncio.sleep(0.8)  # longer than a caller is let try again
        assert not any(w.done() for w in waiting)
        absent = await asyncio.wait_for(scene.clinic.get(f"/Patient/{uuid4()}"), 30)
        assert absent.status_code == 404
    assert [(await w).status_code for w in waiting] == [200, 200]


async def test_a_page_that_waits_for_a_write_holds_nothing_that_the_write_takes_next(scene: Scene) -> None:
    """Both take the students' locks in one order, so that neither waits for the other in a circle."""
    student = await scene.district.create(build.patient("S-second"))
    mother = await scene.district.create(build.guardian(student))
    second = await scene.district.create(build.referral(student))
    parties = (scene.district.reference, scene.clinic.reference)
    await scene.district.create(build.consent(student, mother, *parties, classes=("ServiceRequest",)))
    both = f"/ServiceRequest?_id={scene.records['ServiceRequest']['id']},{second['id']}"
    assert len(await scene.clinic.ids(both)) == 2
    ordered = await as_owner(
        scene.world,
        "SELECT s FROM unnest(CAST(:students AS uuid[])) s ORDER BY hallpass.release_key(s, :custodian)",
        students=[scene.student["id"], student["id"]],
        custodian=scene.district.organization,
    )
    (low,), (high,) = ordered
    custodian = scene.district.organization
    async with holding(scene.world, ENDING, student=low, custodian=custodian):
        waiting = asyncio.create_task(scene.clinic.get(both))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        async with asyncio.timeout(0.5), holding(scene.world, ENDING, student=high, custodian=custodian):
            pass
    assert len((await waiting).json()["entry"]) == 2


@pytest.mark.parametrize("what", ["an agreement", "a token", "a client"])
async def test_what_shuts_a_caller_out_waits_for_what_it_is_being_given(scene: Scene, what: str) -> None:
    """So that the two have an order: what was under way is on the ledger before, and nothing comes after."""
    world = scene.world
    other = await world.member("Gone soon")
    await world.agree(scene.district, other)
    agreements = await scene.district.get(f"/OrganizationAffiliation?participating-organization={other.organization}")
    agreement = agreements.json()["entry"][0]["resource"]

    async def shut_out() -> None:
        if what == "an agreement":
            await scene.district.save({**agreement, "active": False})
        elif what == "a token":
            token = other.headers["Authorization"].partition(" ")[2]
            form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(other.client_id, other.key)}
            answer = await world.http.post(f"{BASE}/auth/revoke", data={**form, "token": token})
            assert answer.status_code == 200
        else:
            engine = create_async_engine(world.db.owner)
            async with engine.begin() as connection:
                await clients.disable(connection, other.client_id, datetime.now(UTC))
            assert (await other.get(f"/Patient/{uuid4()}")).status_code == 401  # at once, whatever it is doing
            async with engine.begin() as connection:
                await clients.await_disclosures(connection, other.client_id)
            await engine.dispose()

    key = {
        "an agreement": "agreement_key(CAST(:district AS uuid), CAST(:other AS uuid))",
        "a token": "token_key(CAST(:token AS text))",
        "a client": "client_key(CAST(:client AS text))",
    }[what]
    named = {
        "district": scene.district.organization,
        "other": other.organization,
        "token": (await _caller(world, other)).token,
        "client": other.client_id,
    }
    used = {k: v for k, v in named.items() if f":{k} " in key}
    async with holding(world, f"SELECT pg_advisory_xact_lock_shared(hallpass.{key})", **used):
        waiting = asyncio.create_task(shut_out())
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await waiting


async def test_a_read_that_comes_as_two_statements_end_at_once_waits_for_nobody(scene: Scene) -> None:
    """Both are answered in one turn of the loop; of those who waited one asks again before it is over."""
    world = scene.world
    read_batcher = ReadBatcher(world.db, world.settings)
    token = scene.clinic.headers["Authorization"].partition(" ")[2]
    caller = (await Auth.create(world.db, world.settings).tokens.read(token)).caller
    referral = UUID(scene.records["ServiceRequest"]["id"])

    async def read(times: int) -> None:
        for _ in range(times):
            assert (await read_batcher.read(ReadRequest(caller, "ServiceRequest", referral, None, "read", uuid4()))).row

    let_go = threading.Event()
    with ThreadPoolExecutor(1) as elsewhere:
        held = threading.Event()
        holder = elsewhere.submit(asyncio.run, _until(world, LEDGER_SHUT, held, let_go))
        await asyncio.to_thread(held.wait)
        readers = [asyncio.create_task(read(2)), asyncio.create_task(asyncio.sleep(0.1))]
        await readers[1]
        readers.append(asyncio.create_task(read(1)))
        await asyncio.sleep(0.3)  # both statements wait to enter
        let_go.set()
        time.sleep(0.5)  # noqa: ASYNC251 - and have been answered when the loop looks again
        await asyncio.wait_for(asyncio.gather(*readers), 30)
        holder.result()


async def _until(world: World, statement: str, held: threading.Event, let_go: threading.Event) -> None:
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
        held.set()
        let_go.wait(60)
    await engine.dispose()
