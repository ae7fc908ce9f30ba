"""Processes that serve: the product over a stage, and the bare limit beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.stage import Stage
from tests.world import BASE


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is asked, and its process, whose children it may have."""

    url: str
    pid: int


@contextmanager
def product(stage: Stage, *, workers: int = 1, own_address: bool = False) -> Iterator[Server]:
    """The product, as `hallpass serve` starts it; with `own_address` its tokens are asked for where it listens."""
    port = _port()
    settings = {
        "DATABASE_URL": stage.database.render_as_string(hide_password=False), "HALLPASS_PORT": str(port),
        "HALLPASS_BASE_URL": f"http://127.0.0.1:{port}" if own_address else BASE,
        "HALLPASS_TOKEN_SECONDS": "3600", "HALLPASS_WORKERS": str(workers),
        # One client asks for all that there is: its share is everything.
        "HALLPASS_CLIENT_RATE": "1000000", "HALLPASS_CLIENT_CONNECTIONS": "10", "HALLPASS_CLIENT_RUNNING": "64",
        "HALLPASS_CLIENT_REQUESTS": "1000", "HALLPASS_CLIENT_DAILY_BYTES": "1000000000000",
    }  # fmt: skip
    with _process(["-m", "app.cli", "serve"], settings, port) as server:
        yield server


@contextmanager
def bare(stage: Stage) -> Iterator[Server]:
    """The bare limit: bench/bare.py."""
    port = _port()
    command = ["-m", "uvicorn", "bench.bare:app", "--port", str(port), "--no-access-log", "--log-level", "warning",
               "--no-proxy-headers"]  # fmt: skip
    with _process(command, {"BENCH_DATABASE": stage.dsn}, port) as server:
        yield server


@contextmanager
def _process(command: list[str], settings: dict[str, str], port: int) -> Iterator[Server]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_")}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *command], env=kept | settings, stdout=log, stderr=log)
        try:
            _wait(port, process)
            yield Server(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # an answer all the same: the socket alone is there before the processes that serve it are
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("a server did not start")


def fetched(url: str, token: str) -> Any:
    """The JSON at a URL."""
    request = urllib.request.Request(url, headers={"Authorization": token})
    with urllib.request.urlopen(request) as response:
        return json.load(response)
