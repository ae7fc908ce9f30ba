"""The ledger of an earlier version, chained by student, comes onto sheets; one that is not whole does not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from app.consent.gate.verify import Verifier
from app.settings import Settings
from app.store import migrate as schema
from app.store.engine import Database
from tests.store.earlier import database_at, rows
from tests.world import BASE

CHAINED = """
    WITH drawn AS (
        SELECT md5('student/' || g)::uuid AS shard, k AS n, md5(k::text)::uuid AS request,
               md5(g || '/' || k)::uuid AS id, timestamptz '2026-03-01T12:00Z' + k * interval '1 day' AS at
        FROM generate_series(1, 3) g, generate_series(1, 4) k
    ), linked AS (
        SELECT *, hallpass.linked(NULL, hallpass.entry_hash(shard, at, request, id, 1, 'Patient', 'search', shard,
            shard, request, 'client', NULL, '{TREAT}', 'party', NULL, NULL, NULL))
            OVER (PARTITION BY shard ORDER BY n ROWS UNBOUNDED PRECEDING) AS link FROM drawn
    ), ends AS (INSERT INTO hallpass.chain SELECT shard, n, link FROM linked WHERE n = 4)
    INSERT INTO hallpass.disclosure (shard, at, request, id, version, type, interaction, student, custodian, recipient,
        client, purposes, basis, n, link)
    SELECT shard, at, request, id, 1, 'Patient', 'search', shard, shard, request, 'client', '{TREAT}', 'party', n, link
    FROM linked
"""
"""Four days on each of which three students' records went out at one moment."""


@pytest_asyncio.fixture
async def before(server: URL) -> AsyncIterator[URL]:
    """A database of the version before, with a ledger."""
    async with database_at(
        server, "0007", "SELECT hallpass.partition_ledger('2026-01-01', '2026-12-31')", CHAINED
    ) as url:
        yield url


async def test_what_was_entered_before_is_on_sheets_and_a_change_of_it_is_found(before: URL) -> None:
    said = "SELECT shard, at, request, id, client FROM hallpass.disclosure ORDER BY shard, at"
    entries = await rows(before, said)
    assert await schema.migrate(before) == ("0007", "0008")
    assert await rows(before, said) == entries
    sheets = await rows(before, "SELECT lane, n, entries FROM hallpass.sheet ORDER BY n")
    assert [tuple(s) for s in sheets] == [(0, n, 3) for n in range(1, 5)]
    verifier = Verifier(Database(before), Settings(base_url=BASE))
    cites_nothing = "a ledger entry that cites what is not there"  # there are no records beside this ledger
    assert {d.what async for d in verifier.run()} == {cites_nothing}
    await rows(before, "UPDATE hallpass.disclosure SET client = 'another' WHERE sheet = 2")
    found = [(d.what, d.where) async for d in verifier.run() if d.what != cites_nothing]
    assert found == [("a ledger entry that was changed", "lane 0, sheet 2")]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE hallpass.disclosure SET client = 'another' WHERE n = 2",
        "DELETE FROM hallpass.disclosure WHERE n = 2",
        "DELETE FROM hallpass.disclosure WHERE n = 4",
        "DELETE FROM hallpass.chain",
    ],
)
async def test_a_ledger_that_is_not_whole_is_not_sealed_anew(before: URL, tampering: str) -> None:
    await rows(before, tampering)
    with pytest.raises(DBAPIError, match="The ledger is not whole"):
        await schema.migrate(before)
    assert [r["version_num"] for r in await rows(before, "SELECT version_num FROM hallpass.alembic_version")] == [
        "0007"
    ]
