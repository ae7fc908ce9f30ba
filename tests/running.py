"""`hallpass serve` as a process of its own, for the tests that are about the program and not about its parts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

BIN = Path(sys.executable).parent
START_SECONDS = 90


@dataclass(frozen=True)
class Running:
    """A server that answers: its address, its folder, and the environment that its other commands run in."""

    url: str
    folder: Path
    environment: dict[str, str]

    def hallpass(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program beside the server."""
        return hallpass(*arguments, folder=self.folder, environment=self.environment)


def hallpass(*arguments: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [BIN / "hallpass", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def fresh_environment(folder: Path) -> dict[str, str]:
    """Settings for a server on a free port and a fresh database, in a folder: of DATABASE_URL's server if it is set."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_")}
    found |= {"PATH": f"{BIN}:{os.environ['PATH']}", "HALLPASS_DATA_DIR": ".hallpass"}
    found |= {"HALLPASS_PORT": str(port), "HALLPASS_BASE_URL": f"http://127.0.0.1:{port}"}
    if url := os.environ.get("DATABASE_URL"):
        own = make_url(url).set(database=f"hallpass_test_{uuid4().hex[:12]}")
        found["DATABASE_URL"] = own.render_as_string(hide_password=False)
    return found


@contextmanager
def serving(folder: Path, *arguments: str, until: str = "Hallpass serves") -> Iterator[Running]:
    """Start the server, wait until it says so, and stop it at the end."""
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


def _wait(process: subprocess.Popen[bytes], log: Path, until: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while until not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
