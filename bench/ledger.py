"""Measures the ledger at its size: a student's record, a clinic's year, each search, and what an entry takes.

    python -m bench.ledger [--entries 1000000] [--write docs/ledger-figures.md]

Loads so many entries, on batches, into a database of its own on the embedded server, and asks a server process
over HTTP. Exit status 1: a student's record takes 50 ms or longer (95 of 100), a plan reads a partition from end to
end, the memory of a stream grows with its length, or the ledger is not whole.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.caller import set_caller
from app.db.engine import Database
from app.exchange.verify import Verifier
from app.ledger import batches, entries
from app.ledger.entries import Filter
from app.settings import Settings
from bench.entries import EACH, YEARS, Loaded, dsn, loaded
from bench.network import copy_id
from tests.world import BASE

LIMIT_MS = 50.0
GROWTH_MB = 8.0
"""What a year's stream may take more than a month's."""
_SIZES = """
SELECT sum(pg_relation_size(i.inhrelid))::bigint AS heap, sum(pg_indexes_size(i.inhrelid))::bigint AS indexes,
       sum(pg_total_relation_size(i.inhrelid))::bigint AS whole,
       pg_total_relation_size('hallpass.batch') / (SELECT count(*) FROM hallpass.batch) AS batch
FROM pg_inherits i WHERE i.inhparent = 'hallpass.disclosure'::regclass
"""
_BY_INDEX = """
SELECT (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(x.indkey::int[]) WITH ORDINALITY k(attnum, n)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum) AS columns,
       sum(pg_relation_size(x.indexrelid))::bigint AS bytes
FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid
WHERE i.inhparent = 'hallpass.disclosure'::regclass GROUP BY 1 ORDER BY 2 DESC
"""


class Report:
    """Lines for people, and what did not hold."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed: list[str] = []

    def say(self, line: str) -> None:
        """Print a line and keep it."""
        print(line, flush=True)
        self.lines.append(line)

    def table(self, *heads: str) -> None:
        """The head of a table."""
        self.say("\n| " + " | ".join(heads) + " |")
        self.say("|" + "---|" * len(heads))

    def row(self, *cells: object) -> None:
        """A row of it."""
        self.say("| " + " | ".join(map(str, cells)) + " |")


async def sizes(ledger: Loaded, count: int, report: Report) -> None:
    """What an entry takes."""
    raw = await asyncpg.connect(dsn(ledger.database))
    (row,) = await raw.fetch(_SIZES)
    report.table("what", "bytes per entry")
    for name in ("heap", "indexes", "whole"):
        report.row(name, f"{row[name] / count:.0f}")
    for index in await raw.fetch(_BY_INDEX):
        report.row(f"index ({index['columns']})", f"{index['bytes'] / count:.0f}")
    report.row("a batch, with its index", row["batch"])
    await raw.close()


@contextmanager
def served(ledger: Loaded) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """A server process over the ledger, and a client of the district's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HALLPASS_")}
    own = {
        "DATABASE_URL": ledger.database.render_as_string(hide_password=False), "HALLPASS_PORT": str(port),
        "HALLPASS_BASE_URL": BASE,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"], env=kept | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/fhir", timeout=600) as client:
            client.headers = httpx.Headers(ledger.network.district.headers)
            _wait(client)
            yield client, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _wait(client: httpx.Client) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            client.get("/metadata")
            return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError("the server did not start")


def asks(ledger: Loaded, dice: random.Random) -> dict[str, str]:
    """Each question about the ledger, with values of a student drawn at random."""
    number = dice.randint(1, ledger.students)
    student, sample = ledger.student(number), ledger.network.sample
    referral, consent = copy_id(sample["ServiceRequest"], number), copy_id(sample["Consent"], number)
    clinic = ledger.network.clinic.organization
    day = f"{ledger.start + timedelta(days=dice.randint(1, 365 * YEARS - 2)):%Y-%m-%d}"
    return {
        "a student's record, the first 50": f"/Patient/{student}/$disclosures",
        "a student's record, all 100": f"/Patient/{student}/$disclosures?_count=500",
        "a student's record as CSV": f"/Patient/{student}/$disclosures?_format=csv",
        "a student's record as a page to print": f"/Patient/{student}/$disclosures?_format=html",
        "a student's record under one release": f"/Consent/{consent}/$disclosures",
        "AuditEvent?patient": f"/AuditEvent?patient={student}",
        "AuditEvent?patient&date&agent": f"/AuditEvent?patient={student}&date=ge2020-01-01&agent={clinic}",
        "AuditEvent?entity=Patient": f"/AuditEvent?entity=Patient/{student}",
        "AuditEvent?entity=ServiceRequest": f"/AuditEvent?entity=ServiceRequest/{referral}",
        "AuditEvent?entity=Consent": f"/AuditEvent?entity=Consent/{consent}",
        "AuditEvent, the newest": "/AuditEvent",
        "AuditEvent, the oldest": "/AuditEvent?_sort=date",
        "AuditEvent?date": f"/AuditEvent?date={day}",
        "AuditEvent?agent": f"/AuditEvent?agent=Organization/{clinic}",
        "AuditEvent?purpose": "/AuditEvent?purpose=TREAT",
        "AuditEvent?subtype": "/AuditEvent?subtype=release",
        "AuditEvent?outcome": "/AuditEvent?outcome=0",
        "Organization/$disclosures, the first 50": f"/Organization/{clinic}/$disclosures",
    }


def times(client: httpx.Client, ledger: Loaded, report: Report, turns: int) -> None:
    """Ask each question many times, of students drawn at random."""
    dice = random.Random(1)  # noqa: S311 - which students are asked about
    taken: dict[str, list[float]] = {}
    for _ in range(turns):
        for name, path in asks(ledger, dice).items():
            began = time.perf_counter()
            response = client.get(path)
            taken.setdefault(name, []).append((time.perf_counter() - began) * 1000)
            if response.status_code != 200:
                raise RuntimeError(f"{name}: {response.status_code} {response.text}")
    report.table("over HTTP", "p50 ms", "p95 ms")
    for name, found in taken.items():
        middle, high = statistics.median(found), statistics.quantiles(found, n=20)[-1]
        report.row(name, f"{middle:.1f}", f"{high:.1f}")
        if "student" in name and high >= LIMIT_MS:
            report.failed.append(f"{name}: {high:.0f} ms")


def stream(client: httpx.Client, server: psutil.Process, ledger: Loaded, report: Report) -> None:
    """A clinic's month and year as CSV, and the server's memory meanwhile."""
    clinic = ledger.network.clinic.organization
    report.table("a clinic's", "lines", "MB sent", "seconds", "RSS before, MB", "peak", "after")
    peaks = []
    for name, days in (("month", 30), ("year", 365)):
        last = ledger.start + timedelta(days=days)
        path = f"/Organization/{clinic}/$disclosures?_format=csv&start={ledger.start:%Y-%m-%d}&end={last:%Y-%m-%d}"
        before, began, sent = _rss(server), time.perf_counter(), 0
        with _watched(server) as peak, client.stream("GET", path) as response:
            lines = 0
            for line in response.iter_lines():
                lines += 1
                sent += len(line) + 2
        took = time.perf_counter() - began
        peaks.append(peak[0])
        memory = f"{before:.0f}", f"{peak[0]:.0f}", f"{_rss(server):.0f}"
        report.row(name, lines, f"{sent / 1e6:.1f}", f"{took:.1f}", *memory)
    if peaks[1] > peaks[0] + GROWTH_MB:
        report.failed.append(f"a year's stream takes {peaks[1] - peaks[0]:.0f} MB more than a month's")


@contextmanager
def _watched(server: psutil.Process) -> Iterator[list[float]]:
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _rss(server))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _rss(server: psutil.Process) -> float:
    return float(server.memory_info().rss) / 1e6


async def plans(ledger: Loaded, report: Report) -> None:
    """The plan of each search, as the app's role and as the district: which table is read from end to end."""
    found = ledger.network
    db = Database(ledger.database)
    member = found.district
    day = ledger.start + timedelta(days=400)
    filters = {
        "patient": Filter(student=ledger.student(7), newest_first=True),
        "date": Filter(start=day, end=day + timedelta(days=1), newest_first=True),
        "agent": Filter(recipient=found.clinic.organization, newest_first=True),
        "entity": Filter(entity=copy_id(found.sample["ServiceRequest"], 7), newest_first=True),
        "consent": Filter(consent=copy_id(found.sample["Consent"], 7)),
        "purpose": Filter(purpose="TREAT", newest_first=True),
        "subtype": Filter(basis="release", newest_first=True),
        "none": Filter(newest_first=True),
        "clinic's year": Filter(
            recipient=found.clinic.organization, start=ledger.start, end=ledger.start + timedelta(days=365)
        ),
    }
    report.table("plan by", "rows read", "blocks", "ms", "read from end to end")
    async with db.begin() as connection:
        await set_caller(
            connection, client=member.client_id, token=uuid4().hex, organization=member.organization,
            purposes=["TREAT"], emergency=False, agreement_required=True,
        )  # fmt: skip
        for name, wanted in filters.items():
            sql = str(
                entries.paged(wanted, None, 51).compile(
                    dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
                )
            )
            raw = await connection.scalar(text("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql.replace(":", "\\:")))
            plan = (json.loads(raw) if isinstance(raw, str) else raw)[0]
            nodes = list(_nodes(plan["Plan"]))
            ends = {n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan" and n["Actual Rows"] > 0}
            scanned = [name for name in ends if name.startswith("disclosure")]
            read = sum(int(n["Actual Rows"] * n["Actual Loops"]) for n in nodes if "Relation Name" in n)
            blocks = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
            report.row(name, read, blocks, f"{plan['Execution Time']:.1f}", len(scanned))
            if scanned:
                report.failed.append(f"by {name} {len(scanned)} partitions are read from end to end")
    await db.dispose()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for descendants in plan.get("Plans", []):
        yield from _nodes(descendants)


async def verified(ledger: Loaded, report: Report, students: int) -> None:
    """What it takes to verify a student with 100 entries."""
    verifier = Verifier(Database(ledger.database), Settings(base_url=BASE))
    engine = create_async_engine(ledger.database, hide_parameters=True)
    taken, found = [], []
    for number in range(1, students + 1):
        began = time.perf_counter()
        async with engine.begin() as connection:
            found += await verifier._compartment(connection, compartment=ledger.student(number), repair=False)
        taken.append((time.perf_counter() - began) * 1000)
    began = time.perf_counter()
    async with engine.connect() as connection:
        differing = [d for day in await batches.days(connection) for d in await batches.differing(connection, day)]
        differing += await batches.ends(connection)
        number = await connection.scalar(text("SELECT count(*) FROM hallpass.disclosure"))
    seconds = time.perf_counter() - began
    await engine.dispose()
    took = f"{statistics.median(taken):.0f} ms"
    report.say(f"\n`hallpass verify`: {took} for a student with {EACH} entries and 5 resources,")
    report.say(f"{seconds:.0f} s for the batches of all {number} entries.")
    report.failed += [f"{d.what}: {d.where}" for d in found] + [": ".join(d) for d in differing]


def main() -> None:
    """Measure, print, and end with 1 where something does not hold."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--turns", type=int, default=100)
    options.add_argument("--write", type=Path)
    given = options.parse_args()
    report = Report()
    with loaded(given.entries) as ledger:
        load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
        report.say(
            f"{given.entries} entries about {ledger.students} students over {YEARS} years; {os.cpu_count()} cores,"
            f" shared with other work (load {load}); {datetime.now(UTC):%Y-%m-%d}"
        )
        asyncio.run(sizes(ledger, given.entries, report))
        asyncio.run(plans(ledger, report))
        with served(ledger) as (client, server):
            times(client, ledger, report, given.turns)
            stream(client, server, ledger, report)
        asyncio.run(verified(ledger, report, 20))
    if given.write:
        given.write.write_text("\n".join(report.lines) + "\n")
    for line in report.failed:
        print("DOES NOT HOLD:", line, file=sys.stderr)
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
