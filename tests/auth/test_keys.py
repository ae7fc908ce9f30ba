"""The server's signing keys: one at a time, each with its time, shared by all processes."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from sqlalchemy import text

from app.auth.jose import flaw, public
from app.auth.keys import LIFE, REFRESH, SLACK, Keys
from app.db.engine import Database
from app.keyring import Keyring
from tests.auth.support import Clock

SECONDS = 300


@pytest_asyncio.fixture(autouse=True)
async def no_keys(db: Database) -> None:
    async with db.begin() as connection:
        await connection.execute(text("DELETE FROM hallpass.signing_key"))


KEYRING = Keyring([bytes(32)])


def process(db: Database, clock: Clock) -> Keys:
    return Keys(db, clock, KEYRING, token_seconds=SECONDS)


async def rows(db: Database) -> int:
    async with db.begin() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM hallpass.signing_key")) or 0)


async def test_processes_that_start_together_sign_with_one_key(db: Database) -> None:
    clock = Clock()
    found = await asyncio.gather(*(process(db, clock).current() for _ in range(8)))
    assert len({k["kid"] for k in found}) == 1
    assert await rows(db) == 1


async def test_a_key_outlives_the_process_that_made_it(db: Database) -> None:
    clock = Clock()
    assert await process(db, clock).current() == await process(db, clock).current()


async def test_a_key_made_by_another_process_is_found_at_once(db: Database) -> None:
    clock = Clock()
    one, two = process(db, clock), process(db, clock)
    await one.published()
    made = await two.current()
    assert await one.find(made["kid"]) == public(made)


async def test_a_kid_that_is_none_of_ours_is_not_found(db: Database) -> None:
    keys = process(db, Clock())
    await keys.current()
    for kid in ("", "k", "A" * 43, "\x00" * 43):
        assert await keys.find(kid) is None


async def test_a_rotated_key_verifies_until_its_last_token_is_over_and_signs_no_more(db: Database) -> None:
    clock = Clock()
    keys = process(db, clock)
    old = await keys.current()
    assert await keys.rotate() == (await keys.current())["kid"] != old["kid"]
    clock.now += REFRESH + SECONDS
    for reader in (keys, process(db, clock)):
        assert await reader.find(old["kid"]) == public(old)
    clock.now += SLACK
    for reader in (keys, process(db, clock)):
        assert await reader.find(old["kid"]) is None


async def test_another_process_signs_with_the_new_key_soon_after_a_rotation(db: Database) -> None:
    clock = Clock()
    one, two = process(db, clock), process(db, clock)
    await two.current()
    new = await one.rotate()
    clock.now += REFRESH
    assert (await two.current())["kid"] == new


async def test_rotations_at_the_same_time_leave_one_key_that_signs(db: Database) -> None:
    clock = Clock()
    await asyncio.gather(*(process(db, clock).rotate() for _ in range(4)))
    signing = {(await process(db, clock).current())["kid"] for _ in range(3)}
    assert len(signing) == 1


async def test_a_key_retires_by_itself_and_its_tokens_run_out(db: Database) -> None:
    clock = Clock()
    keys = process(db, clock)
    old = await keys.current()
    clock.now += LIFE - 1
    assert await keys.current() == old
    clock.now += 1
    assert (await keys.current())["kid"] != old["kid"]
    assert await keys.find(old["kid"]) == public(old)
    clock.now += SECONDS + REFRESH + SLACK
    assert await keys.find(old["kid"]) is None


async def test_the_published_keys_are_the_public_parts_of_those_that_verify(db: Database) -> None:
    clock = Clock()
    keys = process(db, clock)
    old = await keys.current()
    await keys.rotate()
    new = await keys.current()
    published = (await keys.published())["keys"]
    assert sorted(k["kid"] for k in published) == sorted([old["kid"], new["kid"]])
    assert [flaw(k) for k in published] == [None, None]
    clock.now += SECONDS + REFRESH + SLACK
    assert (await keys.published())["keys"] == [public(new)]


async def test_a_key_that_expires_between_two_readings_is_published_no_more(db: Database) -> None:
    clock = Clock()
    keys = process(db, clock)
    await keys.current()
    await keys.rotate()
    clock.now += SECONDS + REFRESH + SLACK - 1
    assert len((await keys.published())["keys"]) == 2
    clock.now += 1
    assert len((await keys.published())["keys"]) == 1


async def test_a_key_without_its_times_is_none(db: Database) -> None:
    clock = Clock()
    old = await process(db, clock).current()
    async with db.begin() as connection:
        await connection.execute(text("UPDATE hallpass.signing_key SET retires = NULL"))
    fresh = process(db, clock)
    assert await fresh.find(old["kid"]) is None
    assert (await fresh.current())["kid"] != old["kid"]
