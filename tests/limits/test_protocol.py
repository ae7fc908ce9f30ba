"""A connection that sends too much of a head, or too slowly, ends; others are served. RFC 6585 section 5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.limits import protocol
from app.limits.protocol import BoundedProtocol

SOON = 5.0
Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers how long the body was."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@pytest_asyncio.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server whose patience is short."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.6)
    config = uvicorn.Config(
        echo, port=0, http=BoundedProtocol, lifespan="off", log_level="critical", timeout_keep_alive=1, loop="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve(None))
    while not server.started:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def said(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """What a server answers to these bytes until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(SOON):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"


async def test_requests_that_keep_the_bounds_are_answered_one_after_the_other(port: int) -> None:
    whole = HEAD + b"\r\n12345"
    assert (await said(port, whole, whole, HEAD + b"Connection: close\r\n\r\n12345")).count(b"200 OK") == 3
    many = b"".join(b"X-%d: y\r\n" % n for n in range(protocol.MAX_HEADERS - 3))
    assert b"200 OK" in await said(port, HEAD + many + b"Connection: close\r\n\r\n12345")
    long = b"X: " + b"y" * 60_000 + b"\r\n"
    assert b"200 OK" in await said(port, HEAD + long + b"Connection: close\r\n\r\n12345")


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n12345",
        b"X: " + b"y" * 70_000 + b"\r\n\r\n12345",
        b"X: " + b"y" * 5_000_000,
        b"".join(b"X: " + b"y" * 1_000 + b"\r\n" for _ in range(5_000)),
    ],
    ids=["too many", "too long", "without an end", "many without an end"],
)
async def test_a_head_beyond_its_bound_is_refused_and_the_connection_closed(port: int, head: bytes) -> None:
    answer = await said(port, HEAD + head)
    assert b"200 OK" not in answer
    assert b"431" in answer or answer == b""  # a client that is still sending may see the close alone


async def test_a_head_that_does_not_end_closes_the_connection(port: int) -> None:
    assert await said(port) == b""
    assert await said(port, HEAD) == b""
    assert await said(port, *[b"G", b"E", b"T", b" ", b"/", b" "], pause=0.1) == b""


async def test_a_body_that_does_not_come_closes_the_connection(port: int) -> None:
    assert await said(port, HEAD + b"\r\n123") == b""
    assert b"200 OK" in await said(port, HEAD + b"Connection: close\r\n\r\n123", b"45", pause=0.1)


async def test_a_connection_that_asks_nothing_more_is_closed(port: int) -> None:
    assert b"200 OK" in await said(port, HEAD + b"\r\n12345")


async def test_one_connection_too_many_is_closed_at_once(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 0)
    assert await said(port, HEAD + b"\r\n12345") == b""


async def test_the_bytes_of_a_large_body_are_no_head(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_HEAD_BYTES", 500)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n"
    assert b"200 OK" in await said(port, head, b"x" * 5_000, pause=0.1)
