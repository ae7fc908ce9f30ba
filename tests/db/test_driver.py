"""However a transaction on the driver ends, the pool's connections are outside of any, and they answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import URL, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.db.driver import PreparedQuery, fetch, on_driver, scalar
from app.db.engine import Database, sqlstate
from app.errors import HallpassError, Kind

_PID = PreparedQuery(text("SELECT pg_backend_pid()"))
_SLEEP = PreparedQuery(text("SELECT pg_sleep(30)"))
_SUM = PreparedQuery(text("SELECT CAST(:one AS integer) + CAST(:other AS integer) AS sum"))
_WRONG = PreparedQuery(text("DO $$ BEGIN RAISE division_by_zero USING DETAIL = 'Quill' || 'feather'; END $$"))
_SET = PreparedQuery(text("SELECT set_config('hallpass.client', :to, true)"))
_GET = PreparedQuery(text("SELECT current_setting('hallpass.client')"))
_OPEN = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename LIKE 'hallpass\\_app%' AND state <> 'idle'
""")
_KILL = text("""
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND usename LIKE 'hallpass\\_app%'
""")


@pytest_asyncio.fixture
async def db(database: URL) -> AsyncIterator[Database]:
    """A pool of one connection, so that whoever comes next gets that one."""
    found = Database(database, pool_size=1)
    yield found
    await found.dispose()


async def as_owner(db: Database, statement: Any) -> Any:
    """The first column of what a statement answers to the owner."""
    engine = create_async_engine(db.owner)
    async with engine.begin() as connection:
        found = await connection.scalar(statement)
    await engine.dispose()
    return found


async def pid(db: Database) -> int:
    """The server's process behind the pool's connection, which is outside of any transaction."""
    assert await as_owner(db, _OPEN) == 0
    async with db.engine.connect() as connection:
        assert not on_driver(connection).is_in_transaction()
    async with db.begin() as connection:
        return int(await scalar(connection, _PID))


async def test_both_ways_of_running_a_statement_are_in_one_transaction(db: Database) -> None:
    async with db.begin() as connection:
        await connection.execute(text("SET LOCAL hallpass.client = 'one'"))
        seen = await scalar(connection, _GET)
        found = await fetch(connection, _SUM, {"one": 1, "other": 2})
        assert (seen, found[0].sum, found[0][0]) == ("one", 3, 3)
    async with db.begin() as connection:
        assert await connection.scalar(text("SELECT current_setting('hallpass.client')")) == ""


async def test_a_statement_never_runs_outside_of_a_transaction(db: Database) -> None:
    """It would commit by itself, and the locks that it took would be gone."""
    async with db.engine.connect() as connection:
        with pytest.raises(RuntimeError, match="outside of a transaction"):
            await fetch(connection, _PID)


async def test_a_transaction_of_sqlalchemys_may_begin_with_a_statement_for_the_driver(db: Database) -> None:
    """The operator's are such: the first statement begins it, and the second is in it."""
    engine = create_async_engine(db.owner)
    async with engine.begin() as connection:
        assert [await scalar(connection, _SET, {"to": "one"}), await scalar(connection, _GET)] == ["one", "one"]
        assert on_driver(connection).is_in_transaction()
    await engine.dispose()


async def test_a_statement_does_not_run_without_each_of_its_values(db: Database) -> None:
    async with db.begin() as connection:
        with pytest.raises(KeyError):
            await fetch(connection, _SUM, {"one": 1})


async def test_values_go_as_their_types_say(db: Database) -> None:
    value = PreparedQuery(text("SELECT jsonb_typeof(:v)").bindparams(bindparam("v", type_=JSONB(none_as_null=True))))
    async with db.begin() as connection:
        found = [await scalar(connection, value, {"v": v}) for v in ({"a": 1}, "text", None)]
    assert found == ["object", "string", None]


async def test_a_failed_statement_is_told_as_by_sqlalchemy_and_leaves_nothing_open(db: Database) -> None:
    before = await pid(db)
    with pytest.raises(DBAPIError) as caught:
        async with db.begin() as connection:
            await fetch(connection, _WRONG)
    assert sqlstate(caught.value) == "22012"
    assert caught.value.orig is not None
    assert isinstance(caught.value.orig.__cause__, asyncpg.DivisionByZeroError)
    assert "Quillfeather" not in str(caught.value)  # the detail of an error may quote a row
    assert await pid(db) == before


async def test_a_value_that_cannot_be_sent_is_no_sign_of_a_lost_connection(db: Database) -> None:
    before = await pid(db)
    with pytest.raises(DBAPIError) as caught:
        async with db.begin() as connection:
            await fetch(connection, _SUM, {"one": "Quillfeather", "other": 2})
    assert caught.value.params is None
    assert await pid(db) == before


async def test_a_failure_that_is_passed_over_is_not_taken_for_a_commit(db: Database) -> None:
    before = await pid(db)

    async def careless() -> None:
        async with db.begin() as connection:
            with contextlib.suppress(DBAPIError):
                await fetch(connection, _WRONG)

    with pytest.raises(RuntimeError, match="rolled back"):
        await careless()
    assert await pid(db) == before


async def test_whatever_else_goes_wrong_leaves_nothing_open(db: Database) -> None:
    before = await pid(db)
    with pytest.raises(KeyError):
        async with db.begin():
            raise KeyError
    assert await pid(db) == before


async def sleeping(connection: AsyncConnection) -> None:
    """In the middle of a statement."""
    await fetch(connection, _SLEEP)


async def between(_connection: AsyncConnection) -> None:
    """After one statement and before the next."""
    await asyncio.sleep(30)


@pytest.mark.parametrize("work", [sleeping, between])
async def test_who_goes_away_leaves_nothing_open(db: Database, work: Any) -> None:
    """The connection is thrown away: where it stood cannot be known. The server is told to stop as well."""
    before, began = await pid(db), asyncio.Event()

    async def serve() -> None:
        async with db.begin() as connection:
            began.set()
            await work(connection)

    serving = asyncio.create_task(serve())
    await began.wait()
    await asyncio.sleep(0.1)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert await asyncio.wait_for(pid(db), 30) != before


async def test_who_goes_away_at_whatever_moment_leaves_nothing_open(db: Database) -> None:
    """In the middle of BEGIN, of a statement, of COMMIT, or before or after them."""
    moments = 0

    async def serve() -> None:
        async with db.begin() as connection:
            await fetch(connection, _PID)

    ended = False
    while not ended:
        await pid(db)
        serving, moments = asyncio.create_task(serve()), moments + 1
        for _ in range(moments):
            await asyncio.sleep(0)
        ended = serving.done()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        assert await asyncio.wait_for(as_owner(db, _OPEN), 30) == 0
    assert moments > 5


async def test_a_connection_that_comes_back_in_a_transaction_is_thrown_away(db: Database) -> None:
    before = await pid(db)
    async with db.engine.connect() as connection:
        await on_driver(connection).execute("BEGIN")
    assert await pid(db) != before


@pytest.mark.parametrize("statements", [1, 0])
async def test_a_connection_lost_in_a_transaction_is_a_503_and_is_replaced(db: Database, statements: int) -> None:
    """Found out by a statement, and by the commit: then too it is not known whether anything was stored."""
    before = await pid(db)

    async def serve() -> None:
        async with db.begin() as connection:
            await as_owner(db, _KILL)
            for _ in range(statements):
                await fetch(connection, _PID)

    with pytest.raises(HallpassError) as caught:
        await serve()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert await pid(db) != before


async def test_the_first_who_finds_a_connection_lost_throws_away_all(database: URL) -> None:
    """The server went away while nobody asked: one is told so, and not everybody once."""
    db = Database(database, pool_size=3)

    async def ask() -> int:
        async with db.begin() as connection:
            await asyncio.sleep(0.1)
            return int(await scalar(connection, _PID))

    assert len(set(await asyncio.gather(ask(), ask(), ask()))) == 3
    await as_owner(db, _KILL)
    with pytest.raises(HallpassError) as caught:
        await ask()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert len(set(await asyncio.gather(ask(), ask(), ask()))) == 3
    await db.dispose()
