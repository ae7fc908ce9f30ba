"""A large roster: students with guardians, schools and enrollment, as `hallpass import` sends it, against a bare limit.

The bare limit parses each body, validates it and copies by COPY it into a table, in one process over one connection.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import orjson

from app.exchange.validated import validate_now
from app.fhir.json import dump, parse
from app.intake.edfi.generate import generate
from app.resources import TYPES
from bench.figures import Figure
from bench.serving import product
from bench.stage import Stage, run, stage
from tests.world import BASE

STUDENTS = 36_000
KINDS = ("Organization", "Patient", "RelatedPerson", "Group")
CHUNK = 1_000
MEMORY = 300
WANTED = {"records a second": 500.0, "against the bare limit": 0.20, "unchanged": 10.0}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: how many records, in how many seconds, and the most memory in MB."""

    records: int
    seconds: float
    megabytes: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


def roster(students: int = STUDENTS) -> list[Figure]:
    """The first import, the same again unchanged, and the bare limit."""
    with stage(1, 1) as there, tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        generate(folder / "roster", students)
        with product(there, own_address=True) as server:
            first, again = (imported(there, folder, server.url) for _ in range(2))
        bare = asyncio.run(_bare(there))
    what = f"{students} students with guardians, schools and enrollment: "
    return [
        _figure("roster", f"{what}records a second", WANTED["records a second"], first.rate),
        _figure("roster ratio", f"{what}against parse, validate and COPY", 0.20, first.rate / bare),
        _figure("roster unchanged", f"{what}unchanged, times faster", 10, first.seconds / again.seconds),
        _figure("roster memory", f"{what}MB of the import", MEMORY, max(first.megabytes, again.megabytes), True),
    ]


def _figure(name: str, what: str, wanted: float, found: float, at_most: bool = False) -> Figure:
    return Figure(name, what, wanted, found, 0, at_most)


def imported(there: Stage, folder: Path, url: str) -> Import:
    district = there.network.district
    (folder / "key.json").write_bytes(orjson.dumps(district.key))
    command = ["-m", "app.cli", "import", "edfi", str(folder / "roster"), "--client", district.client_id]
    more = ["--key", str(folder / "key.json"), "--url", url, "--report", str(folder / "report.json")]
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *command, *more], stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            log.seek(0)
            raise RuntimeError(log.read().decode()[-2_000:])
    seconds = time.monotonic() - began
    counts = orjson.loads((folder / "report.json").read_bytes())["records"]
    return Import(sum(n for by in counts.values() for n in by.values()), seconds, usage.ru_maxrss / 1024)


async def _bare(there: Stage) -> float:
    """Records a second: the same bodies parsed, validated and copied."""
    await run(
        there.database, "CREATE SCHEMA IF NOT EXISTS bare", "CREATE TABLE bare.record (id uuid PRIMARY KEY, body bytea)"
    )
    raw = await asyncpg.connect(there.dsn)
    try:
        query = "SELECT type, body FROM hallpass.resource WHERE current AND type = ANY($1) AND NOT deleted"
        bodies = [(row["type"], row["body"]) for row in await raw.fetch(query, list(KINDS))]
        began = time.monotonic()
        for chunk in _chunks(bodies):
            rows = []
            for kind, body in chunk:
                content = parse(body)
                validate_now(TYPES[kind], content, BASE)
                rows.append((uuid4(), dump(content)))
            await raw.copy_records_to_table("record", schema_name="bare", records=rows, columns=("id", "body"))
        return len(bodies) / (time.monotonic() - began)
    finally:
        await raw.close()


def _chunks(bodies: list[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    for at in range(0, len(bodies), CHUNK):
        yield bodies[at : at + CHUNK]


if __name__ == "__main__":
    for figure in roster(int(sys.argv[1]) if len(sys.argv) > 1 else STUDENTS):
        sys.stdout.write(f"{figure.name}: {figure.found:.2f} (wanted {figure.wanted:g})\n")
