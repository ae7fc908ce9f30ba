"""What is long over is forgotten."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.auth.keys import LIFE
from app.auth.prune import EVERY, LOCK, MARGIN
from tests.auth.support import NOW, World

HOUR = MARGIN.total_seconds()


async def counts(world: World) -> list[int]:
    async with world.db.begin() as connection:
        tables = ("assertion", "revoked_token", "signing_key")
        return [int(await connection.scalar(text(f"SELECT count(*) FROM hallpass.{t}")) or 0) for t in tables]


async def test_assertions_revocations_and_keys_are_forgotten_when_long_over_and_not_before(world: World) -> None:
    client = await world.register()
    token = await world.auth.tokens.read(await world.token(client))
    await world.auth.tokens.revoke(token)
    assert await counts(world) == [1, 1, 1]
    world.clock.now = NOW + HOUR
    await world.auth.pruner.tick()
    assert await counts(world) == [1, 1, 1]
    world.clock.now = NOW + HOUR + 600
    await world.auth.pruner.tick()
    assert await counts(world) == [0, 0, 1]
    world.clock.now = NOW + LIFE + HOUR + 600
    await world.auth.pruner.tick()
    assert await counts(world) == [0, 0, 0]


async def old_assertion(world: World) -> None:
    statement = text("INSERT INTO hallpass.assertion VALUES ('old', gen_random_uuid(), '2000-01-01')")
    async with world.db.begin() as connection:
        await connection.execute(statement)


async def test_pruning_is_done_once_in_a_while(world: World) -> None:
    await world.auth.pruner.tick()
    before = await counts(world)
    await old_assertion(world)
    world.clock.now += EVERY - 1
    await world.auth.pruner.tick()
    assert await counts(world) != before
    world.clock.now += 1
    await world.auth.pruner.tick()
    assert await counts(world) == before


async def test_the_token_endpoint_prunes(world: World) -> None:
    client = await world.register()
    before = (await counts(world))[0]
    await old_assertion(world)
    await world.token(client)
    assert (await counts(world))[0] == before + 1


async def test_of_two_processes_one_prunes(world: World) -> None:
    await world.auth.pruner.tick()
    before = await counts(world)
    await old_assertion(world)
    async with world.db.begin() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        await World(world.db, world.owner).auth.pruner.tick()
        assert await counts(world) != before
    await World(world.db, world.owner).auth.pruner.tick()
    assert await counts(world) == before
