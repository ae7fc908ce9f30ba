"""A commit that the synchronous standby does not confirm: bounded in time, and never answered as done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import URL, text

from app.db import embedded
from app.db.engine import Database, owner_transaction
from app.errors import HallpassError, Kind
from tests.databases import execute, rows
from tests.running import Running, network_of, serving
from tests.world import World

SECONDS = 1.0


@pytest_asyncio.fixture(scope="module")
async def running() -> AsyncIterator[Running]:
    """A server whose PostgreSQL, its own, waits for a standby that is not there."""
    with serving(alone=True, HALLPASS_STATEMENT_TIMEOUT_MS=str(int(SECONDS * 1000))) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def owner(running: Running) -> URL:
    return await asyncio.to_thread(embedded.start, running.data)


@pytest_asyncio.fixture(scope="module")
async def world(running: Running) -> AsyncIterator[World]:
    async with network_of(running) as found:
        yield found


@pytest_asyncio.fixture
async def dead_standby(owner: URL, world: World) -> AsyncIterator[None]:
    """Meanwhile each commit waits for a standby that never comes."""
    await standby(owner, "absent")
    yield
    await standby(owner, "")


async def standby(owner: URL, name: str) -> None:
    connection_url = owner.set(database="postgres")
    for statement in (
        f"ALTER SYSTEM SET synchronous_standby_names = '{name}'",
        "SELECT pg_reload_conf()",
    ):
        await execute(connection_url, statement)
    for _ in range(100):
        if (await rows(connection_url, "SHOW synchronous_standby_names"))[0][0] == name:
            await asyncio.sleep(0.2)  # until the others have read it too
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the setting was not read")


async def test_a_write_that_no_standby_confirms_is_answered_503_within_the_bound(
    world: World, owner: URL, running: Running
) -> None:
    member = await world.member("Cedar ISD")
    await standby(owner, "absent")
    try:
        started = time.monotonic()
        answer = await member.post("/Location", {"resourceType": "Location", "name": "Gym", "status": "active"})
        took = time.monotonic() - started
        assert (answer.status_code, "standby" in answer.text) == (503, True), answer.text
        assert took < SECONDS + 30
        assert await ready(running) == (503, "no standby")
    finally:
        await standby(owner, "")
    again = await member.post("/Location", {"resourceType": "Location", "name": "Gym", "status": "active"})
    assert again.status_code == 201
    assert await ready(running) == (200, "ok")


async def ready(running: Running) -> tuple[int, str]:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{running.port}/health/ready")
    return answer.status_code, answer.json()["status"]


@pytest.mark.usefixtures("dead_standby")
async def test_a_wait_that_an_administrator_calls_off_is_not_answered_as_done(owner: URL) -> None:
    db = Database(owner, statement_timeout_ms=60_000)
    writing = asyncio.create_task(write(db))
    await asyncio.sleep(0.5)
    waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    assert [list(r) for r in await rows(owner.set(database="postgres"), waiting)] == [[True]]
    with pytest.raises(HallpassError) as refused:
        await asyncio.wait_for(writing, 20)
    assert refused.value.kind is Kind.UNAVAILABLE
    await db.dispose()


async def write(db: Database) -> None:
    async with db.begin() as connection:
        await connection.execute(text("INSERT INTO hallpass.revoked_token VALUES (:t, now())"), {"t": uuid4().hex})


@pytest.mark.usefixtures("dead_standby")
async def test_a_command_that_no_standby_confirms_does_not_end_as_done(owner: URL) -> None:
    with pytest.raises(HallpassError) as refused:
        async with owner_transaction(owner, SECONDS) as connection:
            await connection.execute(text("INSERT INTO hallpass.revoked_token VALUES ('x', now())"))
    assert refused.value.kind is Kind.UNAVAILABLE
