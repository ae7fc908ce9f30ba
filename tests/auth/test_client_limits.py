"""A client with limits of its own: in force in every process within seconds, for it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.auth import client_limits
from app.db.engine import Database, owner_transaction
from app.errors import HallpassError
from app.limits.limits import Limits, Own
from app.settings import Settings
from tests.world import BASE, World, assertion, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    async with open_world(db) as found:
        yield found


async def test_a_client_beyond_its_own_rate_is_told_when_to_come_again_and_another_is_not(
    world: World, db: Database
) -> None:
    one, other = await world.member("One"), await world.member("Other")
    limits = Limits(Settings(), 10)
    async with owner_transaction(db.owner) as connection:
        await client_limits.put(connection, one.client_id, Own(rate=1))
    await client_limits.follow(db, limits)
    for _ in range(10):
        limits.count(one.client_id)
    with pytest.raises(HallpassError) as refused:
        limits.count(one.client_id)
    assert (refused.value.status, int(refused.value.headers["Retry-After"]) >= 1) == (429, True)
    for _ in range(100):
        limits.count(other.client_id)


async def test_a_client_that_asks_for_too_many_tokens_is_slowed_down_at_the_token_endpoint(
    world: World, db: Database
) -> None:
    member = await world.member("Hasty")
    async with owner_transaction(db.owner) as connection:
        await client_limits.put(connection, member.client_id, Own(logins=1))
    async with open_world(db) as slowed:
        for _ in range(20):
            answer = await slowed.http.post(
                f"{BASE}/auth/token",
                data={
                    "grant_type": "client_credentials",
                    "scope": "system/*.rs",
                    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    "client_assertion": assertion(member.client_id, member.key),
                },
            )
            if answer.status_code != 200:
                break
        assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (429, True)


async def test_a_limit_of_requests_at_once_is_the_clients_own(world: World, db: Database) -> None:
    member = await world.member("Narrow")
    limits = Limits(Settings(client_running=8, client_requests=8), 10)
    async with owner_transaction(db.owner) as connection:
        await client_limits.put(connection, member.client_id, Own(running=1))
    await client_limits.follow(db, limits)
    await limits.enter({}, member.client_id)
    with pytest.raises(HallpassError) as refused:
        await limits.enter({}, member.client_id)
    assert refused.value.status == 429


async def test_a_limit_for_a_client_that_there_is_not_is_refused(db: Database) -> None:
    with pytest.raises(HallpassError, match="no client"):
        async with owner_transaction(db.owner) as connection:
            await client_limits.put(connection, "nobody", Own(rate=1))
