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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner, Result

from app.cli import app
from app.store.engine import owner_url

BIN = Path(sys.executable).parent
START_SECONDS = 300
"""To wait for what always comes, on a machine that has other things to do."""


@dataclass(frozen=True)
class Running:
    """A server that answers: its address, its folder, and the environment that its other commands run in."""

    url: str
    folder: Path
    environment: dict[str, str]

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
    found |= {"HALLPASS_PORT": str(port), "HALLPASS_BASE_URL": f"http://127.0.0.1:{port}"}
    if url := os.environ.get("DATABASE_URL"):
        own = make_url(url).set(database=f"hallpass_test_{uuid4().hex[:12]}")
        found["DATABASE_URL"] = own.render_as_string(hide_password=False)
    return found


@contextmanager
def serving(*arguments: str, until: str = "Hallpass serves") -> Iterator[Running]:
    """Start the server, wait until it says so, and stop it at the end.

    Its folder is not pytest's: another run of pytest would close that to the user that the database runs as.
    """
    folder = Path(tempfile.mkdtemp(prefix="hallpass-test-"))
    environment = fresh_environment(folder)
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [BIN / "hallpass", "serve", *arguments], cwd=folder, env=environment, stdout=file, stderr=file
        )
    try:
        _wait(process, log, until)
        yield Running(environment["HALLPASS_BASE_URL"], folder, environment)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)  # the embedded database goes on to take its files away
        if url := environment.get("DATABASE_URL"):
            worker = threading.Thread(target=lambda: asyncio.run(_drop(owner_url(url))))
            worker.start()
            worker.join()


async def _drop(database: URL) -> None:
    engine = create_async_engine(database.set(database="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f'DROP DATABASE IF EXISTS "{database.database}" WITH (FORCE)'))
    await engine.dispose()


def _wait(process: subprocess.Popen[bytes], log: Path, until: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while until not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
