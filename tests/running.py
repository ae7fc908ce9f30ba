"""`hallpass serve` as a process of its own, for the tests that are about the program and not about its parts."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner, Result

from app.cli import app
from app.db import embedded
from app.db.address import owner_url
from app.db.engine import Database
from app.exchange.operator import Operator
from app.settings import Settings
from tests.world import BASE, World

BIN = Path(sys.executable).parent
START_SECONDS = 300
"""To wait for what always comes, on a machine that has other things to do."""


class Running:
    """A server: its folder, the environment that its other commands run in, and `log`, what it writes."""

    def __init__(self, folder: Path, environment: dict[str, str], *arguments: str, until: str) -> None:
        self.folder, self.environment = folder, environment
        self.url, self.port = environment["HALLPASS_BASE_URL"], int(environment["HALLPASS_PORT"])
        self.data, self.log = Path(environment["HALLPASS_DATA_DIR"]), folder / "log"
        self._command, self._until = [BIN / "hallpass", "serve", *arguments], until
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def postgres(self) -> psutil.Process:
        """The embedded database server that this one started."""
        return psutil.Process(int((self.data / "postgres" / "postmaster.pid").read_text().split()[0]))

    def start(self) -> None:
        """Start, for the first time or again, and wait until it says that it serves."""
        with self.log.open("ab") as file:
            before = file.tell()
            self._process = subprocess.Popen(
                self._command, cwd=self.folder, env=self.environment, stdout=file, stderr=file
            )
        deadline = time.monotonic() + START_SECONDS
        while self._until not in (said := self.log.read_bytes()[before:].decode(errors="replace")):
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Send a signal, and wait for the end."""
        self.signal(how)
        self.wait()

    def signal(self, how: signal.Signals) -> None:
        """Send a signal."""
        if self._process is not None:
            self._process.send_signal(how)

    def wait(self) -> None:
        """Wait for the end."""
        if self._process is not None:
            self._process.wait(30)

    def hallpass(self, *arguments: str) -> Result:
        """Run a command of the program beside the server."""
        return hallpass(*arguments, environment=self.environment)


def hallpass(*arguments: str, environment: dict[str, str]) -> Result:
    """Run a command of the program in this process, in an environment of its own."""
    gone = {name: None for name in os.environ if name not in environment}
    return CliRunner().invoke(app, list(arguments), env={**gone, **environment})


def fresh_environment(folder: Path) -> dict[str, str]:
    """Settings for a server on a free port and a fresh database, in a folder: of DATABASE_URL's server if it is set."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_")}
    found |= {"PATH": f"{BIN}:{os.environ['PATH']}", "HALLPASS_DATA_DIR": str(folder / ".hallpass")}
    found["HALLPASS_WORKER"] = "false"
    found |= {"HALLPASS_PORT": str(port), "HALLPASS_BASE_URL": f"http://127.0.0.1:{port}"}
    if url := os.environ.get("DATABASE_URL"):
        own = make_url(url).set(database=f"hallpass_test_{uuid4().hex[:12]}")
        found["DATABASE_URL"] = own.render_as_string(hide_password=False)
    return found


@contextmanager
def serving(*arguments: str, until: str = "Hallpass serves", alone: bool = False, **settings: str) -> Iterator[Running]:
    """Start the server, wait until it says so, and stop it at the end; its database too, whatever became of them.

    `alone`: with an embedded database even if DATABASE_URL is set, and known by the address of `network_of`.
    Its folder is not pytest's: another run of pytest would close that to the user that the database runs as.
    """
    folder = Path(tempfile.mkdtemp(prefix="hallpass-test-"))
    environment = fresh_environment(folder)
    if alone:
        environment.pop("DATABASE_URL", None)
        environment["HALLPASS_BASE_URL"] = BASE
    elif "DATABASE_URL" in environment:
        assert hallpass("migrate", "--create", environment=environment).exit_code == 0
    environment |= settings
    running = Running(folder, environment, *arguments, until=until)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            postgres = running.postgres
            postgres.send_signal(signal.SIGQUIT)
            postgres.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
        if url := environment.get("DATABASE_URL"):
            worker = threading.Thread(target=lambda: asyncio.run(_drop(owner_url(url))))
            worker.start()
            worker.join()


async def _drop(database: URL) -> None:
    engine = create_async_engine(database.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f'DROP DATABASE IF EXISTS "{database.database}" WITH (FORCE)'))
    await engine.dispose()


@asynccontextmanager
async def network_of(running: Running) -> AsyncIterator[World]:
    """The members of a server that is alone, over real HTTP."""
    url = await asyncio.to_thread(embedded.start, running.data)
    db, settings = Database(url), Settings(base_url=BASE)
    async with httpx.AsyncClient(transport=Redirected(running.port), timeout=30) as http:
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
