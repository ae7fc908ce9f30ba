"""A bulk export pulled whole: speed against a bare COPY of the same rows, memory by size, and others' reads meanwhile.

    python -m bench.bulk --students 1000 --students 10000

Each student has a guardian, a referral and a visit; half of them a release to the clinic, which pulls what it is
released, each version with an entry on the ledger; then the district pulls all that it holds.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import asyncpg
import httpx
import psutil
import typer

from bench.cpu import family
from bench.serving import Server, product
from bench.stage import HELD, Stage, stage
from tests.world import Member, assertion

SAMPLED = 0.1
READS = 25
"""Reads of others in a second, one after the other."""


@dataclass
class Peak:
    """The most memory that each process had for itself, in MB, by what it is."""

    megabytes: dict[str, float] = field(default_factory=dict)

    def look(self, server: Server, there: Stage) -> None:
        """Look at all processes now."""
        serving = family(server.pid)
        for pid in [*serving, *(p.pid for p in psutil.Process(there.postmaster).children())]:
            try:
                process = psutil.Process(pid)
                name = _name(process) if pid in serving else "database"
                self.megabytes[name] = max(self.megabytes.get(name, 0.0), process.memory_full_info().uss / 1e6)
            except psutil.NoSuchProcess:
                continue


@dataclass(frozen=True, slots=True)
class Pulled:
    """One pull: lines, bytes, seconds until it was chosen, seconds of fetching, and of a bare COPY of the same rows."""

    lines: int
    size: int
    choosing: float
    fetching: float
    copying: float

    @property
    def ratio(self) -> float:
        """Choosing and fetching against the copy."""
        return self.copying / (self.choosing + self.fetching)


def main(
    students: Annotated[list[int] | None, typer.Option(help="How many students; again for another size.")] = None,
) -> None:
    """Measure each size, and print a line for each figure."""
    for size in students or [1_000, 10_000]:
        with stage(size, size // 2, HELD) as there, product(there, own_address=True) as server:
            _measure(there, server, size)


def _measure(there: Stage, server: Server, size: int) -> None:
    idle = _reading(there, server, lambda: time.sleep(5))
    for name, member in (
        ("clinic, on the ledger", there.network.clinic),
        ("district, its own", there.network.district),
    ):
        peak, found = Peak(), []
        with _watched(peak, server, there):
            busy = _reading(there, server, lambda m=member, f=found: f.append(asyncio.run(pull(there, server, m))))
        pulled: Pulled = found[0]
        memory = ", ".join(f"{k} {v:.0f} MB" for k, v in sorted(peak.megabytes.items()))
        sys.stdout.write(
            f"{size} students, {name}: {pulled.lines} lines, {pulled.size / 1e6:.1f} MB;"
            f" chosen in {pulled.choosing:.2f} s,"
            f" fetched in {pulled.fetching:.2f} s ({pulled.lines / pulled.fetching:.0f} lines/s);"
            f" bare COPY {pulled.copying:.2f} s, ratio {pulled.ratio:.3f}"
            f" (fetching alone {pulled.copying / pulled.fetching:.3f});"
            f" others' reads p99 {_p99(idle):.1f} ms idle, {_p99(busy):.1f} ms meanwhile; memory: {memory}\n"
        )
        sys.stdout.flush()


async def pull(there: Stage, server: Server, member: Member) -> Pulled:
    """Kick off, wait, and fetch every file to a folder, as a client with one connection."""
    async with httpx.AsyncClient(timeout=300) as http:
        headers = {"Authorization": f"Bearer {await token(http, server, member)}", "Accept-Encoding": "identity"}
        began = time.monotonic()
        answer = await http.get(f"{server.url}/fhir/Patient/$export", headers=headers | {"Prefer": "respond-async"})
        status = answer.headers["Content-Location"]
        while (answer := await http.get(status, headers=headers)).status_code == 202:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        choosing = time.monotonic() - began
        lines = size = 0
        began = time.monotonic()
        with tempfile.TemporaryFile() as file:
            for part in answer.json()["output"]:
                async with http.stream("GET", part["url"], headers=headers) as stream:
                    async for chunk in stream.aiter_bytes():
                        lines, size = lines + chunk.count(b"\n"), size + len(chunk)
                        file.write(chunk)
        fetching = time.monotonic() - began
        copying = await _copied(there, status.rpartition("/")[2])
        await http.delete(status, headers=headers)
        return Pulled(lines, size, choosing, fetching, copying)


async def _copied(there: Stage, export: str) -> float:
    """Seconds of a bare COPY of the same rows to a file."""
    raw = await asyncpg.connect(there.dsn)
    query = """SELECT convert_from(r.body, 'UTF8') FROM hallpass.export_item i JOIN hallpass.resource r
               ON r.compartment = i.compartment AND r.id = i.id AND r.version = i.version WHERE i.export = $1"""
    began = time.monotonic()
    with tempfile.NamedTemporaryFile() as file:
        await raw.copy_from_query(query, export, output=file.name)
        seconds = time.monotonic() - began
    await raw.close()
    return seconds


async def token(http: httpx.AsyncClient, server: Server, member: Member, scope: str = "system/*.rs") -> str:
    """A token of the server's own, where it listens."""
    url = f"{server.url}/auth/token"
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(member.client_id, member.key, aud=url),
    }
    answer = await http.post(url, data=form)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _reading(there: Stage, server: Server, meanwhile: Callable[[], Any]) -> list[float]:
    """Milliseconds of the reads of another member while something else goes on."""
    took: list[float] = []
    over = threading.Event()

    def read() -> None:
        with httpx.Client(timeout=60) as http:
            token = asyncio.run(_other(server, there))
            url = f"{server.url}/fhir/Organization/{there.network.nobody.organization}"
            while not over.is_set():
                began = time.monotonic()
                http.get(url, headers={"Authorization": f"Bearer {token}"}).raise_for_status()
                took.append((time.monotonic() - began) * 1000)
                time.sleep(1 / READS)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        meanwhile()
    finally:
        over.set()
        thread.join()
    return took


async def _other(server: Server, there: Stage) -> str:
    async with httpx.AsyncClient(timeout=60) as http:
        return await token(http, server, there.network.nobody)


@contextmanager
def _watched(peak: Peak, server: Server, there: Stage) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SAMPLED):
            peak.look(server, there)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _name(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return "worker" if "worker" in command else "server"


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)] if took else float("nan")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    typer.run(main)
