"""Through a pooler that ignores what a connection asks for when it starts, the bounds of statements hold all the same.

PgBouncer's ignore_startup_parameters. Here a proxy takes the parameters out of the real protocol's first message.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL, text

from app.db.engine import Database
from app.errors import HallpassError, Kind

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "operations.md"
KEPT = frozenset({"user", "database", "application_name", "client_encoding"})
"""What PgBouncer itself knows. https://www.pgbouncer.org/config.html#ignore_startup_parameters"""
ASKED: set[str] = set()
"""What connections asked for when they started."""


@pytest_asyncio.fixture
async def pooled(database: URL) -> AsyncIterator[URL]:
    """The database behind a proxy that passes on the user and the database, and no setting."""
    if "host" not in database.query:
        pytest.skip("the server is not on this machine's socket")
    socket = f"{database.query['host']}/.s.PGSQL.{database.query.get('port', 5432)}"
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!i", await reader.readexactly(4))
        body = await reader.readexactly(length - 4)
        while struct.unpack("!i", body[:4])[0] != 196608:  # asks for TLS or GSS first
            writer.write(b"N")
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            body = await reader.readexactly(length - 4)
        words = body[4:].rstrip(b"\0").split(b"\0")
        asked = list(zip(words[::2], words[1::2], strict=True))
        ASKED.update(name.decode() for name, _ in asked)
        kept = [p for p in asked if p[0] in (b"user", b"database")]
        start = struct.pack("!i", 196608) + b"".join(k + b"\0" + v + b"\0" for k, v in kept) + b"\0"
        there, to = await asyncio.open_unix_connection(socket)
        to.write(struct.pack("!i", len(start) + 4) + start)
        for pair in ((reader, to), (there, writer)):
            task = asyncio.create_task(pump(*pair))
            running.add(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield database.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1], query={})
    server.close()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


async def test_a_statement_is_stopped_in_time_behind_a_pooler_that_ignores_parameters(pooled: URL) -> None:
    db = Database(pooled, statement_timeout_ms=300)
    started = time.monotonic()
    with pytest.raises(HallpassError) as stopped:
        async with db.begin() as connection:
            await connection.execute(text("SELECT pg_sleep(20)"))
    assert stopped.value.kind is Kind.TOO_COSTLY
    assert time.monotonic() - started < 15
    async with db.begin() as connection:
        shown = [
            await connection.scalar(text(f"SHOW {name}")) for name in ("lock_timeout", "plan_cache_mode", "timezone")
        ]
    assert shown == ["300ms", "force_generic_plan", "UTC"]
    await db.dispose()
    told = GUIDE.read_text().partition("ignore_startup_parameters = ")[2].partition("`")[0].replace("\n", " ")
    assert {name.strip() for name in told.split(",")} == ASKED - KEPT, "the guide names what a pooler has to ignore"
