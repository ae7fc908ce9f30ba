"""API processes that share a port and are there to be killed: `hallpass serve`'s workers, forked so that a new one
is there at once.

    python -m assurance.chaos.processes FD HOW_MANY
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import uvicorn
from sqlalchemy import URL

from app.server import KEEP_ALIVE_SECONDS, application
from tests.world import BASE

START_SECONDS = 90


class Processes:
    """The parent of `many` API processes over a database. It serves on `port`."""

    def __init__(self, home: Path, database: URL, many: int) -> None:
        self.log = home / "api.log"
        with socket.socket() as listening, self.log.open("ab") as log:
            listening.bind(("127.0.0.1", 0))
            listening.listen(512)
            listening.set_inheritable(True)
            self.port: int = listening.getsockname()[1]
            kept = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_")}
            own = {"HALLPASS_BASE_URL": BASE, "HALLPASS_TOKEN_SECONDS": "3600", "HALLPASS_POOL_SIZE": "6"}
            own["HALLPASS_MAX_COUNT"] = "50"  # so that a record of disclosures is streamed in several pages
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "assurance.chaos.processes", str(listening.fileno()), str(many)],
                env={**kept, **own, "DATABASE_URL": database.render_as_string(hide_password=False)},
                pass_fds=[listening.fileno()], stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while len(self.pids()) < many:
            assert self._parent.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def pids(self) -> list[int]:
        """Those that are there now."""
        return [p.pid for p in psutil.Process(self._parent.pid).children() if p.status() != psutil.STATUS_ZOMBIE]

    def stop(self) -> None:
        """Stop all of them."""
        self._parent.terminate()
        self._parent.wait(30)


def _serve(listening: socket.socket) -> None:
    config = uvicorn.Config(
        application, factory=True, access_log=False, log_level="critical", server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=2,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    parent, children = os.getppid(), set[int]()
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    while not stopping and os.getppid() == parent:
        while len(children) < int(sys.argv[2]):
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                _serve(listening)
                os._exit(0)
            children.add(pid)
        pid, _ = os.waitpid(-1, os.WNOHANG)
        children.discard(pid)
        time.sleep(0.02)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    _main()
