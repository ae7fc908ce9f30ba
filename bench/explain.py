"""Loads resources by COPY, and checks by EXPLAIN that an index serves each search parameter, for who holds many of
them and for who sees a few.

    python -m bench.explain SIZE [--seconds 1.0]

Uses a database of its own on DATABASE_URL's server, or on the embedded one, and drops it at the end. Exit status 1: a
plan reads a table of resources or terms from end to end, or the median of a page takes longer than `--seconds`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy import URL, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.resources import REGISTRY, Reach, ResourceType
from app.search.parameters import COLUMNS, PARAMETERS, Parameter, ParamKind
from app.search.parse import parse
from app.search.query import Search
from app.settings import load
from app.store import embedded, find
from app.store.engine import Database, owner_url
from app.store.enter import enter
from app.store.migrate import migrate

SPACE = UUID("0d6f3f0e-0000-4000-8000-000000000000")
START = datetime(2024, 1, 1, tzinfo=UTC)
DISTRICTS = 20
"""Each holds as many students; the clinic sees the referrals and visits of one student in 200."""
PER_STUDENT = 10
WHOLE = ("resource", "access", "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri")
HELD = [t for t in REGISTRY if t.reach is Reach.COMPARTMENT and t.name != "Patient"]
LISTED = [t for t in REGISTRY if t.reach is not Reach.COMPARTMENT]
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def uid(*parts: object) -> UUID:
    """The id that parts stand for."""
    return uuid.uuid5(SPACE, "/".join(map(str, parts)))


CLINIC = uid("clinic")


def students(size: int) -> Iterator[tuple[int, UUID, UUID, bool]]:
    """Number, id, custodian, and whether there is a release to the clinic."""
    for n in range(size // PER_STUDENT):
        yield n, uid("student", n), uid("district", n % DISTRICTS), n % 200 == 0


def resources(size: int) -> Iterator[tuple[int, ResourceType, UUID, UUID, UUID, bool]]:
    """Number, type, shard, id, custodian, and whether the clinic sees it."""
    patient = next(t for t in REGISTRY if t.name == "Patient")
    number = 0
    for n, student, custodian, released in students(size):
        yield number, patient, student, student, custodian, released
        for k in range(PER_STUDENT - 2):
            declared = HELD[(n + k) % len(HELD)]
            opened = released and declared.name in ("ServiceRequest", "Encounter")
            yield number + k + 1, declared, student, uid(n, k), custodian, opened
        listed = LISTED[n % len(LISTED)]
        own = uid("listed", n)
        yield number + PER_STUDENT - 1, listed, own, own, custodian, listed.reach is Reach.DIRECTORY
        number += PER_STUDENT


def versions(size: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `resource`."""
    for n, declared, shard, own, custodian, _ in resources(size):
        student = shard if declared.reach is Reach.COMPARTMENT else None
        body = json.dumps({"resourceType": declared.name, "id": str(own), "language": "en" * 60}).encode()
        about = asyncpg.Range(empty=True)
        yield (
            shard, own, 1, declared.name, custodian, student, declared.reach is Reach.DIRECTORY, True, False,
            START + timedelta(seconds=n), "POST", body, 0, b"", [], [], 3, [], [], [], [], about,
        )  # fmt: skip


def openings(size: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `access`."""
    for n, declared, shard, own, custodian, opened in resources(size):
        if declared.reach is not Reach.DIRECTORY:
            updated = START + timedelta(seconds=n)
            yield shard, custodian, own, declared.name, updated, *ALWAYS
            if opened:
                yield shard, CLINIC, own, declared.name, updated, *ALWAYS


def values(parameter: Parameter, n: int, shard: UUID) -> tuple[Any, ...]:
    """What stands in the index for one parameter of one resource, after shard, id, param, n and type."""
    n = n * 7919 % 1_000_003  # the same values for all types
    day = START + timedelta(days=n % 1_000)
    match parameter.kind:
        case ParamKind.TOKEN | ParamKind.COMPOSITE:
            return "urn:s", f"c{n % 50}"
        case ParamKind.STRING:
            return f"name{n % 200}", f"Name{n % 200}"
        case ParamKind.REFERENCE:
            kind = "Patient" if "Patient" in parameter.targets else sorted(parameter.targets)[0]
            return kind, shard if kind == "Patient" else uid("target", n % 200), "", "", ""
        case ParamKind.DATE:
            return day, day + timedelta(days=1)
        case ParamKind.QUANTITY:
            return Decimal(n % 1_000), Decimal(n % 1_000 + 1), "", "", "min"
        case ParamKind.URI:
            return (f"urn:u:{n % 200}",)


TABLES = {
    ParamKind.TOKEN: "term_token",
    ParamKind.COMPOSITE: "term_token",
    ParamKind.STRING: "term_string",
    ParamKind.REFERENCE: "term_reference",
    ParamKind.DATE: "term_date",
    ParamKind.QUANTITY: "term_quantity",
    ParamKind.URI: "term_uri",
}


def terms(size: int, table: str) -> Iterator[tuple[Any, ...]]:
    """Rows of one table of terms: one for each parameter of each resource."""
    chosen = {
        t.name: [p for p in PARAMETERS[t.name].values() if p.code not in COLUMNS and TABLES[p.kind] == table]
        for t in REGISTRY
    }
    for n, declared, shard, own, _, _ in resources(size):
        for parameter in chosen[declared.name]:
            yield shard, own, parameter.code, 1, declared.name, *values(parameter, n, shard)


async def load_all(url: URL, size: int) -> None:
    """Fill the tables, as their owner."""
    raw = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        organizations = [CLINIC, *(uid("district", n) for n in range(DISTRICTS))]
        await copy(raw, "organization", ([o, [o], "America/New_York", False] for o in organizations))
        for o in organizations:
            statement = "INSERT INTO hallpass.client VALUES ($1, $2, 'x', '{}', '{}', '{\"keys\":[]}', NULL)"
            await raw.execute(statement, str(o), o)
        born = datetime(2014, 5, 2, tzinfo=UTC).date()
        await copy(raw, "student", ((s, c, born, born) for _, s, c, _ in students(size)))
        opened = [(s, c) for _, s, c, released in students(size) if released]
        mothers = ((s, uid("mother", s), c, *ALWAYS) for s, c in opened)
        await copy(raw, "authority", mothers)
        signed = datetime(2024, 1, 1, tzinfo=UTC)
        await copy(
            raw,
            "release",
            ((s, uid("consent", s), 1, c, signed, uid("mother", s), 18, False, *ALWAYS, [CLINIC]) for s, c in opened),
        )
        classes = ["Patient", "ServiceRequest", "Encounter"]
        blank = (None,) * 7
        await copy(
            raw,
            "provision",
            ((s, uid("consent", s), 0, -1, True, *ALWAYS, [CLINIC], None, classes, None, *blank) for s, _ in opened),
        )
        await copy(raw, "resource", versions(size))
        await copy(raw, "access", openings(size))
        for table in dict.fromkeys(TABLES.values()):
            await copy(raw, table, terms(size, table))
        await raw.execute("VACUUM ANALYZE")
    finally:
        await raw.close()


async def copy(raw: Any, table: str, rows: Iterator[Any]) -> None:
    """COPY rows into a table."""
    await raw.copy_records_to_table(table, schema_name="hallpass", records=rows)


def sample(parameter: Parameter) -> str:
    """A value that some resources have."""
    match parameter.kind:
        case ParamKind.TOKEN:
            if parameter.code == "_id":
                return str(uid(0, 0))
            return "true" if parameter.types == {"boolean"} else "c7"
        case ParamKind.STRING:
            return "name77"
        case ParamKind.REFERENCE:
            return str(uid("student", 0) if "Patient" in parameter.targets else uid("target", 7))
        case ParamKind.DATE:
            return "ge2024-01-01" if parameter.code == "_lastUpdated" else "lt2024-01-20"
        case ParamKind.QUANTITY:
            return "gt990"
        case ParamKind.URI:
            return "urn:u:77"
        case ParamKind.COMPOSITE:
            return "c7$c7"


def searches() -> Iterator[tuple[str, Search]]:
    """One search for each parameter of each type."""
    for declared in REGISTRY:
        for parameter in PARAMETERS[declared.name].values():
            pairs = [(parameter.code, sample(parameter))]
            options: dict[str, Any] = {"zone": ZoneInfo("UTC"), "base_url": "http://x", "default_count": 50}
            yield f"{declared.name}?{parameter.code}", parse(declared.name, pairs, max_count=500, **options)


async def plan(connection: AsyncConnection, statement: Any) -> dict[str, Any]:
    """The plan of a statement with its time, as PostgreSQL runs it for this caller."""
    compiled = statement.compile(dialect=postgresql.asyncpg.dialect(), compile_kwargs={"render_postcompile": True})
    sql = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + str(compiled)
    raw = (await connection.get_raw_connection()).driver_connection
    arguments = [compiled.params[name] for name in compiled.positiontup]
    found: dict[str, Any] = (await raw.fetchval(sql, *arguments))[0]
    return found


def whole(node: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from end to end."""
    if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in WHOLE:
        yield str(node["Relation Name"])
    for child in node.get("Plans", []):
        yield from whole(child)


async def check(db: Database, org: UUID, who: str, seconds: float) -> list[str]:
    """What is wrong with the plans for one caller."""
    found: list[str] = []
    times: dict[str, list[float]] = {"page": [], "total": []}
    matched = 0
    for name, search in searches():
        async with db.begin() as connection:
            standing = await enter(
                connection, client=str(org), token="t", organization=org, purposes=[], emergency=False,  # noqa: S106
                agreement_required=False,
            )  # fmt: skip
            assert standing is not None
            for kind, statement in (
                ("page", find.page(search, org, None, 50)),
                ("total", find.total(search, org)),
            ):
                explained = await plan(connection, statement)
                matched += kind == "page" and explained["Plan"]["Actual Rows"] > 0
                took = explained["Execution Time"] / 1000
                times[kind].append(took)
                if tables := sorted(set(whole(explained["Plan"]))):
                    found.append(f"{who}: the {kind} of {name} reads all of {', '.join(tables)} ({took * 1000:.0f} ms)")
    sys.stdout.write(f"{who}: {matched} of {len(times['page'])} parameters found something\n")
    for kind, took_all in times.items():
        line = f"{who}: {kind}s of {len(took_all)} parameters: median {median(took_all) * 1000:.1f} ms"
        sys.stdout.write(f"{line}, longest {max(took_all) * 1000:.1f} ms\n")
        if kind == "page" and median(took_all) > seconds:
            found.append(f"{who}: pages take too long")
    return found


async def run(size: int, seconds: float) -> int:
    """Load, explain, drop."""
    given = load().database_url
    with tempfile.TemporaryDirectory() as folder:
        server = owner_url(given) if given else embedded.start(Path(folder))
        url = server.set(database=f"hallpass_explain_{uuid.uuid4().hex[:8]}")
        admin = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
        started = time.monotonic()
        await migrate(url)
        db = Database(url, statement_timeout_ms=60_000)
        try:
            await load_all(url, size)
            sys.stdout.write(f"{size} resources loaded in {time.monotonic() - started:.0f} s\n")
            problems = await check(db, uid("district", 0), "custodian", seconds)
            problems += await check(db, CLINIC, "recipient", seconds)
        finally:
            await db.dispose()
            async with admin.connect() as connection:
                await connection.execute(text(f'DROP DATABASE "{url.database}" WITH (FORCE)'))
            await admin.dispose()
    sys.stdout.write("\n".join(problems) + "\n" if problems else "every parameter is served by an index\n")
    return 1 if problems else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=int)
    parser.add_argument("--seconds", type=float, default=1.0)
    chosen = parser.parse_args()
    raise SystemExit(asyncio.run(run(chosen.size, chosen.seconds)))
