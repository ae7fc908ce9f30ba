"""A transaction stores its versions together, and asks once what holds for all of its entries.

docs/decisions/0061-writes-together.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio
from sqlalchemy import URL

from app.db.driver import on_driver
from app.db.engine import Database
from tests import build
from tests.api.asking import key, patient, refused
from tests.api.test_bundles import bundle, entry, statuses
from tests.world import Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(database: URL) -> AsyncIterator[World]:
    """A server with one connection, whose statements can be counted."""
    async with open_world(Database(database, pool_size=1)) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """One member for all: each test makes students of its own."""
    return await world.member("District")


async def statements(world: World, act: Callable[[], Awaitable[Any]]) -> int:
    """How many statements the server's connection runs meanwhile."""
    seen: list[str] = []
    async with world.db.engine.connect() as connection:
        raw = on_driver(connection)
    with raw.query_logger(lambda record: seen.append(record.query)):
        await act()
    return len(seen)


async def test_a_transaction_of_many_creates_takes_no_more_statements_than_one_of_two(
    world: World, district: Member
) -> None:
    child = await district.create(patient())

    async def create(many: int) -> None:
        entries = [entry("POST", "Encounter", build.encounter(child)) for _ in range(many)]
        assert set(statuses(await district.post("", bundle("transaction", *entries)))) == {"201"}

    await create(2)
    assert await statements(world, lambda: create(20)) == await statements(world, lambda: create(2)) <= 8


async def test_a_roster_of_many_students_takes_no_more_statements_than_one_of_two(
    world: World, district: Member
) -> None:
    """New ones, the same again, and each with another birth date."""

    async def push(children: list[dict[str, Any]], status: str) -> None:
        entries = [entry("PUT", f"Patient?{key(c)}", c) for c in children]
        assert set(statuses(await district.post("", bundle("transaction", *entries)))) == {status}

    async def all_of(many: int) -> list[int]:
        children = [patient() for _ in range(many)]
        older = [{**c, "birthDate": "2013-01-01"} for c in children]
        return [
            await statements(world, lambda: push(children, "201")),
            await statements(world, lambda: push(children, "200")),
            await statements(world, lambda: push(older, "200")),
        ]

    await all_of(2)
    assert await all_of(20) == await all_of(2)


async def test_what_an_earlier_entry_gives_a_condition_to_find_is_found(district: Member) -> None:
    """The first takes the second's identifier: they write one record, and that is refused."""
    one, other = await district.create(patient()), await district.create(patient())
    both = {**one, "identifier": [*one["identifier"], {"system": "urn:test:new", "value": other["id"]}]}
    answer = await district.post(
        "",
        bundle(
            "transaction",
            entry("PUT", f"Patient/{one['id']}", both),
            entry("PUT", f"Patient?identifier=urn:test:new|{other['id']}", {**both, "active": True}),
        ),
    )
    refused(answer, 422, "processing", "Bundle.entry[1]")


async def test_each_student_of_a_transaction_is_found_by_its_own_terms(district: Member) -> None:
    children = [{**patient(), "name": [{"family": f"Together{n}"}]} for n in range(5)]
    answer = await district.post("", bundle("transaction", *(entry("POST", "Patient", c) for c in children)))
    assert set(statuses(answer)) == {"201"}
    for n, child in enumerate(children):
        (found,) = await district.ids(f"/Patient?family=Together{n}")
        assert await district.ids(f"/Patient?{key(child)}") == [found]
