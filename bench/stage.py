"""What is measured: a database with a network in it, the product over it, and the bare limit beside it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import URL

from app.store import embedded
from app.store.engine import Database
from app.store.migrate import migrate
from bench import network
from bench.network import Network
from tests.world import BASE, open_world

ALL = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Consent")
HELD = ("Patient", "RelatedPerson", "ServiceRequest", "Encounter")


@dataclass(frozen=True)
class Stage:
    """A network in a database, and the tokens of its members."""

    database: URL
    network: Network

    @property
    def dsn(self) -> str:
        """The database as asyncpg takes it."""
        return self.database.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def stage(students: int, released: int) -> Iterator[Stage]:
    """A network of so many students in an embedded server of its own; of some the clinic sees all but the parent."""
    home = Path(tempfile.mkdtemp(prefix="hallpass-bench-"))
    home.chmod(0o755)
    try:
        database = embedded.start(home).set(database="bench")
        yield Stage(database, asyncio.run(_fill(database, students, released)))
    finally:
        pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        time.sleep(1)
        shutil.rmtree(home, ignore_errors=True)


async def _fill(database: URL, students: int, released: int) -> Network:
    await migrate(database)
    db = Database(database)
    async with open_world(db, token_seconds=3600) as world:
        found = await network.members(world)
    await network.copies(database, found, 1, released - 1, released=True, types=ALL)
    await network.copies(database, found, released, students - 1, released=False, types=HELD)
    await run(database, *_BARE)
    await run(
        database,
        f"UPDATE bench.bare SET page = '{found.clinic.organization}' WHERE id IN (SELECT id FROM"
        f" hallpass.access WHERE org = '{found.clinic.organization}' AND type = 'ServiceRequest')",
    )
    await run(database, "VACUUM ANALYZE")
    return found


_BARE = (
    "CREATE SCHEMA bench",
    "CREATE TABLE bench.bare (id uuid PRIMARY KEY, page uuid, student uuid, updated timestamptz, body bytea)",
    "INSERT INTO bench.bare SELECT id, NULL, student, updated, body FROM hallpass.resource"
    " WHERE type IN ('ServiceRequest', 'Patient')",
    "CREATE INDEX ON bench.bare (page, updated DESC, id DESC)",
)


async def run(database: URL, *statements: str) -> None:
    """Run statements as the owner, each by itself."""
    raw = await asyncpg.connect(database.set(drivername="postgresql").render_as_string(hide_password=False))
    for statement in statements:
        await raw.execute(statement)
    await raw.close()


@contextmanager
def served(stage: Stage, *, workers: int = 1) -> Iterator[tuple[str, str]]:
    """The product and the bare limit as processes of their own: their addresses."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_")}
    own, bare = _port(), _port()
    product = {
        "DATABASE_URL": stage.database.render_as_string(hide_password=False), "HALLPASS_PORT": str(own),
        "HALLPASS_BASE_URL": BASE, "HALLPASS_TOKEN_SECONDS": "3600", "HALLPASS_WORKERS": str(workers),
    }  # fmt: skip
    with tempfile.TemporaryFile() as log:
        processes = [
            subprocess.Popen([sys.executable, "-m", "app.cli", "serve"], env=kept | product, stdout=log, stderr=log),
            subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(bare), "--workers", str(workers),
                 "--no-access-log", "--log-level", "warning", "--no-proxy-headers"],
                env=kept | {"BENCH_DATABASE": stage.dsn}, stdout=log, stderr=log,
            ),
        ]  # fmt: skip
        try:
            for port in (own, bare):
                _wait(port, processes)
            yield f"http://127.0.0.1:{own}", f"http://127.0.0.1:{bare}"
        finally:
            for process in processes:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, processes: list[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and all(p.poll() is None for p in processes):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("a server did not start")


def fetched(url: str, token: str) -> Any:
    """The JSON at a URL."""
    request = urllib.request.Request(url, headers={"Authorization": token})
    with urllib.request.urlopen(request) as response:
        return json.load(response)
