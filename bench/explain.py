"""Checks by EXPLAIN that an index serves each search parameter, and that no cost grows with what a caller cannot see.

    python -m bench.explain SIZE... [--seconds 1.0] [--write docs/statements.md]

Loads SIZE resources (bench/rows.py) into a database of its own on DATABASE_URL's server, or on the embedded one, and
drops it at the end. Asked are: a page, a total and a sorted page by each parameter of each type, a chain over each
reference to a Patient, and its reverse; by a district that holds a twentieth of all, by a clinic that sees records of
500 students however many there are, and by a stranger that sees the directory alone.

Exit status 1: a plan reads a table of resources or terms from end to end; the median takes longer than `--seconds`; or
a statement of the clinic or the stranger reads more of the larger database than of the smaller, and more than it would
take to look at all that it sees.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import URL, ClauseElement, Executable, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from app.db import embedded, search_queries
from app.db.address import owner_url
from app.db.caller import set_caller
from app.db.driver import PreparedQuery
from app.db.engine import Database
from app.db.migrate import migrate
from app.db.search_queries import BoundStatement
from app.resources import REGISTRY, Visibility
from app.search.own import NEAR
from app.search.parameters import PARAMETERS, Parameter, ParamKind
from app.search.parse import parse
from app.search.query import Search
from app.settings import load
from bench.rows import CLINIC, SEEN, START, STRANGER, around, load_all, resources, spread, stored, uid, values

WHOLE = ("resource", "access", "term_token", "term_string", "term_reference", "term_date", "term_quantity", "term_uri")
CALLERS = {"district": uid("district", 0), "clinic": CLINIC, "stranger": STRANGER}
OUTSIDE = {"clinic": 2 * SEEN, "stranger": 0}
"""Who sees as much of a large database as of a small one, and how many resources of a type."""
LISTED = frozenset(t.name for t in REGISTRY if t.visibility is Visibility.DIRECTORY)
"""Who sees all of a type sees more of it in a larger database."""
GROWTH, SLACK = 2.0, 500
"""How many times as many blocks, and how many more, a statement may read of a larger database."""
EACH = 20
"""Blocks that it takes to look at one resource in every way: to look at all that is seen is never too much."""
HEAD = """# What a search costs
Written by `python -m bench.explain SIZE... --write docs/statements.md`, which says what is asked and by whom. Times are
those of PostgreSQL, planning included, on one machine with two cores; blocks are of 8 kB, read from memory or disk.
What matters is that the clinic and the stranger, who see as much of the larger database as of the smaller (but for the
directory, which all see), read no more of it, or no more than it takes to look at all that they see.

"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one statement came to."""

    who: str
    what: str
    name: str
    rows: int
    blocks: int
    seconds: float
    scanned: tuple[str, ...]
    """Tables that were read from end to end."""


def sample(parameter: Parameter, number: int, compartment: UUID, own: UUID) -> str:
    """A value that the resource of this number has."""
    if parameter.code == "_id":
        return str(own)
    if parameter.code == "_lastUpdated":
        return f"{START + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"
    if parameter.paired is not None:
        return f"c{spread(number) % 50}${sample(stored(parameter, number), number, compartment, own)}"
    if parameter.code == NEAR:
        return around(spread(number))
    found = values(parameter, number, compartment)
    match parameter.kind:
        case ParamKind.TOKEN:
            return "|".join(found) if found[0] else str(found[1])
        case ParamKind.COMPOSITE:
            return "$".join(found)
        case ParamKind.REFERENCE:
            return str(found[1])
        case ParamKind.DATE:
            return f"{found[0]:%Y-%m-%d}"
        case _:
            return str(found[0])


def asks(size: int, org: UUID) -> Iterator[tuple[str, str, BoundStatement]]:
    """What is asked, of which parameter, and the statement: for each parameter, by a value that `org` can see."""
    shown = visible(size, org)
    for declared in REGISTRY:
        number, compartment, own = shown[declared.name]
        for parameter in PARAMETERS[declared.name].values():
            name = f"{declared.name}?{parameter.code}"
            value = sample(parameter, number, compartment, own)
            search = understood(declared.name, (parameter.code, value))
            yield "page", name, search_queries.page(search, org, None, 50)
            yield "total", name, search_queries.total(search, org)
            if parameter.kind is not ParamKind.COMPOSITE:
                yield (
                    "sorted",
                    name,
                    search_queries.page(understood(declared.name, ("_sort", parameter.code)), org, None, 50),
                )
            if parameter.kind is ParamKind.REFERENCE and "Patient" in parameter.targets:
                chain = f"{parameter.code}:Patient.gender", "c7"
                yield "chain", name, search_queries.page(understood(declared.name, chain), org, None, 50)
                back = f"_has:{declared.name}:{parameter.code}:_tag", "urn:s|c7"
                yield "reverse", name, search_queries.page(understood("Patient", back), org, None, 50)


def visible(size: int, org: UUID) -> dict[str, tuple[int, UUID, UUID]]:
    """Number, compartment and id of a resource of each type: of one that the caller sees, or of any."""
    found: dict[str, tuple[int, UUID, UUID]] = {}
    seen: set[str] = set()
    for number, declared, compartment, own, custodian, opened in resources(size):
        sees = org == custodian or (opened and org == CLINIC)
        if declared.name not in found or (sees and declared.name not in seen):
            found[declared.name] = number, compartment, own
            seen |= {declared.name} if sees else set()
        if len(seen) == len(REGISTRY) or number > 50_000:
            break
    return found


def understood(type_name: str, *pairs: tuple[str, str]) -> Search:
    """The search of these parameters."""
    zone = ZoneInfo("UTC")
    return parse(type_name, pairs, zone=zone, base_url="http://x", default_count=50, max_count=500)


class Explain(Executable, ClauseElement):
    """EXPLAIN of a statement, with the values that it is executed with."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(Explain)
def _written(element: Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {compiler.process(element.statement, **options)}"


async def explain(connection: AsyncConnection, who: str, what: str, name: str, ask: BoundStatement) -> Run:
    """Run a statement, as PostgreSQL plans it for this caller."""
    statement, values = ask.statement.for_sqlalchemy(ask.values) if isinstance(ask.statement, PreparedQuery) else ask
    (found,) = await connection.scalar(Explain(statement), values)
    top = found["Plan"]
    rows = 0 if what == "total" else int(top["Actual Rows"])
    blocks = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    seconds = (found["Planning Time"] + found["Execution Time"]) / 1000
    return Run(who, what, name, rows, blocks, seconds, tuple(sorted(set(scanned(top)))))


def scanned(node: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from end to end."""
    if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in WHOLE:
        yield str(node["Relation Name"])
    for child in node.get("Plans", []):
        yield from scanned(child)


async def explain_all(db: Database, size: int, *settings: str) -> list[Run]:
    """Every statement for every caller; `settings` are for PostgreSQL's planner."""
    found: list[Run] = []
    for who, org in CALLERS.items():
        for what, name, ask in asks(size, org):
            async with db.begin() as connection:
                for setting in settings:
                    await connection.execute(text(f"SET LOCAL {setting}"))
                standing = await set_caller(
                    connection, client=str(org), token="t", organization=org, purposes=[], emergency=False,  # noqa: S106
                    agreement_required=False,
                )  # fmt: skip
                assert standing is not None
                found.append(await explain(connection, who, what, name, ask))
    return found


def scans(runs: Iterable[Run]) -> list[str]:
    """Each statement that reads a table from end to end."""
    return [f"{r.who}: the {r.what} of {r.name} reads all of {', '.join(r.scanned)}" for r in runs if r.scanned]


def growth(small: Iterable[Run], large: Iterable[Run]) -> list[str]:
    """Each statement that reads more for somebody outside, where what it sees has stayed the same."""
    before = {(r.who, r.what, r.name): r.blocks for r in small}
    return [
        f"{r.who}: the {r.what} of {r.name} reads {r.blocks} blocks instead of {was}"
        for r in large
        if r.who in OUTSIDE
        and r.name.partition("?")[0] not in LISTED
        and r.blocks > max(GROWTH * (was := before[r.who, r.what, r.name]) + SLACK, EACH * OUTSIDE[r.who])
    ]


def table(runs: list[Run]) -> str:
    """The figures, a row for each caller and kind of statement."""
    lines = [
        "| caller | statement | parameters | with matches | median ms | longest ms | most blocks |",
        "|" + "---|" * 7,
    ]
    for who in CALLERS:
        for what in dict.fromkeys(r.what for r in runs):
            found = [r for r in runs if (r.who, r.what) == (who, what)]
            times = [r.seconds * 1000 for r in found]
            cells = (
                who, what, len(found), sum(r.rows > 0 for r in found) if what != "total" else "",
                f"{median(times):.1f}", f"{max(times):.1f}", max(r.blocks for r in found),
            )  # fmt: skip
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def by_type(runs: list[Run]) -> str:
    """The figures by type, a row for each, of all callers and kinds of statement."""
    lines = ["| type | statements | median ms | longest ms | most blocks | read from end to end |", "|" + "---|" * 6]
    for declared in REGISTRY:
        found = [r for r in runs if r.name.partition("?")[0] == declared.name]
        times = [r.seconds * 1000 for r in found]
        whole = ", ".join(sorted({t for r in found for t in r.scanned})) or "nothing"
        cells = (declared.name, len(found), f"{median(times):.1f}", f"{max(times):.1f}", max(r.blocks for r in found))
        lines.append(f"| {' | '.join(map(str, cells))} | {whole} |")
    return "\n".join(lines)


def told(wrong: list[str]) -> str:
    """What is not as it should be: how many statements, and some of them."""
    if not wrong:
        return ""
    return f"\n## Not so\n{len(wrong)} statements, such as:\n\n" + "".join(
        f"- {w}\n" for w in wrong[:: len(wrong) // 5 or 1]
    )


@asynccontextmanager
async def loaded(server: URL, size: int) -> AsyncIterator[Database]:
    """A database of its own with so many resources."""
    url = server.set(database=f"hallpass_explain_{uuid.uuid4().hex[:8]}")
    admin = create_async_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    await migrate(url, create=True)
    db = Database(url, statement_timeout_ms=60_000)
    try:
        await load_all(url, size)
        yield db
    finally:
        await db.dispose()
        async with admin.connect() as connection:
            await connection.execute(text(f'DROP DATABASE "{url.database}" WITH (FORCE)'))
        await admin.dispose()


async def run(sizes: list[int], seconds: float) -> tuple[list[str], list[str]]:
    """Load, explain, compare, drop: the figures of each size, and what is wrong."""
    given = load().database_url
    parts, problems, before = [], [], None
    with tempfile.TemporaryDirectory() as folder:
        server = owner_url(given) if given else embedded.start(Path(folder))
        for size in sizes:
            started = time.monotonic()
            async with loaded(server, size) as db:
                sys.stdout.write(f"{size} resources loaded in {time.monotonic() - started:.0f} s\n")
                runs = await explain_all(db, size)
            parts.append(f"## {size:,} resources\n\n{table(runs)}\n\nBy type:\n\n{by_type(runs)}\n")
            problems += scans(runs) + (growth(before, runs) if before else [])
            if median(r.seconds for r in runs) > seconds:
                problems.append(f"{size}: statements take too long")
            before = runs
    return parts, problems


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="+", metavar="SIZE")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    figures, wrong = asyncio.run(run(chosen.sizes, chosen.seconds))
    sys.stdout.write("\n".join(figures) + "\n" + "\n".join(wrong or ["an index serves every parameter"]) + "\n")
    if chosen.write:
        chosen.write.write_text(HEAD + "\n".join(figures) + told(wrong), encoding="utf-8")
    raise SystemExit(1 if wrong else 0)
