"""A server process as an operator starts it: `hallpass serve` on a port of its own, with its own embedded database."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil

from app.consent.gate.operator import Operator
from app.settings import Settings
from app.store import embedded
from app.store.engine import Database
from tests.world import BASE, World

START_SECONDS = 300


class Server:
    """One `hallpass serve` over the files in `home`; what it writes goes to `log`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = home / "stderr"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def postgres(self) -> psutil.Process:
        """The database server that this one started."""
        return psutil.Process(int((self.home / "data" / "postgres" / "postmaster.pid").read_text().split()[0]))

    def start(self) -> None:
        """Start, and wait until it says that it can serve."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_") and k != "DATABASE_URL"}
        own = {"HALLPASS_DATA_DIR": str(self.home / "data"), "HALLPASS_PORT": str(self.port), "HALLPASS_BASE_URL": BASE}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"], env={**kept, **own}, stdout=log, stderr=log
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL, at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(30)


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """A server that is stopped at the end, whatever has become of it, and its database with it."""
    server = Server(home)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        try:
            postgres = server.postgres
            postgres.send_signal(signal.SIGQUIT)
            postgres.wait(10)
        except (psutil.NoSuchProcess, FileNotFoundError):
            pass


@asynccontextmanager
async def network_of(server: Server) -> AsyncIterator[World]:
    """The members of a server process, over real HTTP."""
    url = await asyncio.to_thread(embedded.start, server.home / "data")
    db, settings = Database(url), Settings(base_url=BASE)
    async with httpx.AsyncClient(transport=Redirected(server.port), timeout=30) as http:
        yield World(db, settings, http, Operator(db, settings))
    await db.dispose()


class Redirected(httpx.AsyncHTTPTransport):
    """Sends to another port than the URL says, as a proxy before the server would: the server knows itself by BASE."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        request.url = request.url.copy_with(port=self._port)
        return await super().handle_async_request(request)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
