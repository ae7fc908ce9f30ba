"""The server's processes: how they end, and that nobody's request is broken off by it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

MOST_PAUSE = 30
"""Seconds before a worker that keeps ending is started again."""
WORKER_ENDS = 25
draining = threading.Event()
"""Set once this process has been told to end and still serves, so that others can take over."""


class Closing:
    """While the process drains, each answer closes its connection: the client's next one goes to another server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and say so where this connection ends."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and draining.is_set():
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, sent if scope["type"] == "http" else send)


def drain_first(seconds: float) -> None:
    """Have the server serve on for some seconds after SIGTERM, ready no more. Called from within its loop.

    A second SIGTERM, or SIGINT, ends it at once.
    """
    end = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()
    assert callable(end)
    at_once = end

    def handle(number: int, frame: FrameType | None) -> None:
        if draining.is_set() or not seconds:
            at_once(number, frame)
        else:
            draining.set()
            loop.call_soon_threadsafe(loop.call_later, seconds, at_once, number, None)

    signal.signal(signal.SIGTERM, handle)


class Supervisor(Multiprocess):
    """Looks after several processes, and ends with its terminal."""

    def handle_hup(self) -> None:
        """End, as for SIGTERM."""
        self.handle_term()


@contextmanager
def worker_beside() -> Iterator[None]:
    """A worker in a process of its own, started again where it ends by itself.

    It ends when the pipe from this process does, however that comes about.
    """
    ending = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def look_after() -> None:
        for tries in count():
            command = [sys.executable, "-m", "app.cli", "worker", "--beside"]
            running[:] = [subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)]  # noqa: S603
            if ending.is_set():
                running[0].communicate()
            running[0].wait()
            if ending.wait(min(2**tries, MOST_PAUSE)):
                return

    watching = threading.Thread(target=look_after, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ending.set()
        for process in running:
            _end(process)
        watching.join(1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe, and wait until the worker has put away what it runs."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(WORKER_ENDS)
    except subprocess.TimeoutExpired:
        process.kill()


def run(config: uvicorn.Config) -> None:
    """Serve until told to stop."""
    if config.workers > 1:
        Supervisor(config, sockets=[config.bind_socket()]).run()
        return
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
