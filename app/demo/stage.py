"""A server of the story's own: a process on a free port of this machine, on a database that is gone afterwards."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
from sqlalchemy import URL, text

from app.db import embedded, login
from app.db.address import open_engine, owner_url
from app.db.migrate import migrate
from app.demo.api import Unexpected
from app.settings import Settings

START_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """A running server: its settings, its database as the owner, and a folder for keys and files."""

    settings: Settings
    owner: URL
    folder: Path

    def faults(self) -> list[str]:
        """The last lines in the server's log that are of a fault of its own."""
        lines = _log(self.folder).read_text().splitlines()
        return [line for line in lines if " ERROR " in line][-5:]


@asynccontextmanager
async def fresh_stage(database: str | None) -> AsyncIterator[Stage]:
    """Start a server on a fresh database: of the PostgreSQL server at `database`, or of an embedded one.

    Raises Unexpected where it does not come up. Ends only what it started.
    """
    folder = Path(tempfile.mkdtemp(prefix="hallpass-demo-"))
    # Registered before the embedded server registers its own end, and so run after it.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    port = _free_port()
    base_url = f"http://127.0.0.1:{port}"
    async with _database(database, folder) as owner:
        settings = Settings(data_dir=folder, port=port, base_url=base_url, DATABASE_URL=_spelled(owner, database))
        with _process(settings, _log(folder)) as process:
            await asyncio.to_thread(_wait, process, base_url, _log(folder))
            yield Stage(settings, owner, folder)


@asynccontextmanager
async def _database(server: str | None, folder: Path) -> AsyncIterator[URL]:
    if server is None:
        yield embedded.start(folder)
        return
    owner = owner_url(server).set(database=f"hallpass_demo_{uuid4().hex[:12]}")
    await migrate(owner, create=True)
    role = (await login.read(owner)).role
    try:
        yield owner
    finally:
        engine = open_engine(owner.set(database="postgres"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{owner.database}" WITH (FORCE)'))
            await connection.execute(text(f"DROP ROLE {role}"))
        await engine.dispose()


def _spelled(owner: URL, server: str | None) -> str | None:
    return None if server is None else owner.render_as_string(hide_password=False)


@contextmanager
def _process(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`hallpass serve` with the defaults of every other setting, stopped at the end.

    The subscriber of the story listens on loopback.
    """
    own = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("HALLPASS_")}
    own |= {"HALLPASS_DATA_DIR": str(settings.data_dir), "HALLPASS_PORT": str(settings.port)}
    own |= {"HALLPASS_BASE_URL": settings.base_url, "HALLPASS_ALLOW_HTTP_ENDPOINTS": "true"}
    if settings.database_url:
        own["DATABASE_URL"] = settings.database_url
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _log(folder: Path) -> Path:
    return folder / "server.log"


def _wait(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{base_url}/health", timeout=5).is_success:
                return
        except httpx.RequestError:
            time.sleep(0.1)
    raise Unexpected(f"the server did not start: {' '.join(log.read_text().split()[-40:]) or 'no word from it'}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found
