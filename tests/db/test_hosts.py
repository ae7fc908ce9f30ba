"""Of several hosts one that takes connections and says nothing keeps nobody from the others; one that froze is left."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import URL, text

from app.db import hosts
from app.db.address import open_engine, owner_url
from app.db.driver import PreparedQuery, fetch
from app.db.engine import Database
from app.errors import HallpassError, Kind


class Host:
    """The database behind an address of its own, which can freeze: it takes connections, and says nothing."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._flows = asyncio.Event()
        self._flows.set()
        self._running: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        """Its port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def freeze(self) -> None:
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def stop(self) -> None:
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_unix_connection(self._socket)
        self._writers += [writer, to]
        self._running |= {asyncio.create_task(self._pump(*pair)) for pair in ((reader, to), (there, writer))}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                await self._flows.wait()
                writer.write(part)
                await writer.drain()
        writer.close()


@pytest_asyncio.fixture
async def two(database: URL, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[URL, Host]]:
    """A database at two addresses, and the first of them."""
    monkeypatch.setattr(hosts, "PATIENCE", 0.2)
    monkeypatch.setattr(hosts, "PROBE_SECONDS", 0.5)
    if "host" not in database.query:
        pytest.skip("the server is not on this machine's socket")
    socket = f"{database.query['host']}/.s.PGSQL.{database.query.get('port', 5432)}"
    first, second = Host(socket), Host(socket)
    places = [f"127.0.0.1:{await host.start()}" for host in (first, second)]
    login = f"{database.username}:{database.password or ''}"
    yield owner_url(f"postgresql://{login}@{','.join(places)}/{database.database}?connect_timeout=20"), first
    first.thaw()
    for host in (first, second):
        await host.stop()


async def test_a_host_that_says_nothing_keeps_nobody_from_the_next(two: tuple[URL, Host]) -> None:
    url, first = two
    first.freeze()
    started = time.monotonic()
    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await engine.dispose()
    assert time.monotonic() - started < 15


async def test_what_waits_for_a_host_that_froze_is_answered_503_and_goes_on_elsewhere(two: tuple[URL, Host]) -> None:
    url, first = two
    db, places = Database(url, pool_size=1), url.query["host"]
    alone = Database(url.set(host="127.0.0.1", port=int(places[0].split(":")[1])).difference_update_query(["host"]))

    async def asks(of: Database) -> object:
        async with asyncio.timeout(15), of.begin() as connection:
            return await connection.scalar(text("SELECT 1"))

    assert await asks(alone) == 1
    first.freeze()
    with pytest.raises(HallpassError) as told:
        await asks(alone)
    assert told.value.kind is Kind.UNAVAILABLE
    with suppress(HallpassError):  # where its connection was that host's
        await asks(db)
    assert await asks(db) == 1
    for each in (db, alone):
        await each.dispose()


async def test_who_comes_back_to_a_connection_that_was_given_up_meanwhile_is_answered_503(
    two: tuple[URL, Host],
) -> None:
    url, first = two
    place = url.query["host"][0]
    db = Database(url.set(host="127.0.0.1", port=int(place.split(":")[1])).difference_update_query(["host"]))

    async def pauses() -> None:
        async with db.begin() as connection:
            first.freeze()
            await asyncio.sleep(3)
            await fetch(connection, PreparedQuery(text("SELECT 1")))

    with pytest.raises(HallpassError) as told:
        await pauses()
    assert told.value.kind is Kind.UNAVAILABLE
    await db.dispose()


async def test_a_long_statement_on_a_host_that_answers_goes_on(two: tuple[URL, Host]) -> None:
    url, _ = two
    db = Database(url)
    async with db.begin() as connection:
        await connection.execute(text("SELECT pg_sleep(1.5)"))
    await db.dispose()


async def test_a_refused_login_is_told_before_a_host_that_is_not_there(two: tuple[URL, Host]) -> None:
    url, _ = two
    with pytest.raises(Exception, match="hallpass_no_such_role"):
        async with open_engine(url.set(username="hallpass_no_such_role")).connect():
            pass


@pytest.mark.parametrize("trouble", [OSError(errno.EMFILE, "no more files"), socket.gaierror("no such name")], ids=str)
async def test_what_this_process_lacks_is_not_the_host_s_fault(two: tuple[URL, Host], trouble: OSError) -> None:
    await _goes_on(two, [trouble] * 10)


async def test_a_host_that_is_slow_once_is_not_given_up(two: tuple[URL, Host]) -> None:
    await _goes_on(two, [TimeoutError()])


async def _goes_on(two: tuple[URL, Host], errors: list[OSError]) -> None:
    """A transaction is not broken off where asking whether the host lives comes to these errors first."""
    connect = asyncpg.connect

    async def troubled(**arguments: Any) -> asyncpg.Connection:
        if errors:
            raise errors.pop(0)
        return await connect(**arguments)

    db, before = Database(two[0]), len(errors)
    async with db.begin() as connection:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncpg, "connect", troubled)
            await connection.execute(text("SELECT pg_sleep(1.5)"))
    assert len(errors) < before
    await db.dispose()
