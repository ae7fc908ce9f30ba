"""How cost grows: of a read, a page, a search and others, against students in the database and against what is visible.

Writes bench/growth.json, the plots docs/growth-students.svg and docs/growth-visible.svg, and the tables beside them.
Export is a student's whole record by `Patient/[id]/$everything`, all pages of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench import load, report
from bench.copies import copies
from bench.costs import INTERACTIONS, SEARCH, Costs, measure, plain
from bench.figures import Figure
from bench.load import Ask
from bench.serving import Server, product
from bench.stage import ALL, LEAN, Stage, stage
from bench.svg import Points, plot
from bench.swell import swell

SIZES = [1_000, 10_000, 100_000, 1_000_000]
VISIBLE = [50, 200, 1_000, 5_000]
KEPT = Path(__file__).parent / "growth.json"
WANTED = 1.25
BESIDE = 100
"""The largest database is compared with the smallest that is not smaller than a hundredth of it."""
CONNECTIONS = 2
RECORDS = 100
"""Visits of the student whose release is signed and revoked, and whose record is exported, as students grow."""
ROUNDS = 3


def students(sizes: list[int], released: int, seconds: float, rounds: int) -> Figure:
    """Cost against students in the database, and the figure: the largest database's search against a smaller one's.

    All databases stand beside each other, and are asked in turn; the clinic sees the same in each.
    """
    with ExitStack() as stack:
        stages = {size: stack.enter_context(_grown(size, released)) for size in sorted(sizes)}
        servers = {size: stack.enter_context(product(there)) for size, there in stages.items()}
        costs: dict[int, Costs] = {size: {} for size in stages}
        for _ in range(ROUNDS):
            for size, there in stages.items():
                measure(there, servers[size], released, costs[size])
        _show("students", "students in the database", costs)
        large = max(sizes)
        small = min(size for size in sizes if size * BESIDE >= large)
        found = [
            _page(stages[large], servers[large], seconds) / _page(stages[small], servers[small], seconds)
            for _ in range(rounds + 1)
        ][1:]
    what = f"search p50 with {large:,} students : with {small:,}, the same visible set"
    return Figure("size", what, WANTED, median(found), max(found) - min(found), True)


@contextmanager
def _grown(size: int, released: int) -> Iterator[Stage]:
    began = time.monotonic()
    with stage(size, released, LEAN) as there:
        swell(there, "Encounter", range(1, RECORDS))
        sys.stderr.write(f"  {size} students: loaded in {time.monotonic() - began:.0f} s\n")
        yield there


def _page(there: Stage, server: Server, seconds: float) -> float:
    ask = Ask(f"{server.url}{SEARCH}", there.network.clinic.headers["Authorization"])
    p50 = load.hammer(ask, seconds, connections=CONNECTIONS).p50
    sys.stderr.write(f"  search with {there.students} students: median {p50:.2f} ms\n")
    return p50


def visible(counts: list[int]) -> None:
    """Cost against resources visible.

    For read, page and search these are referrals, each of another student; for the others visits of one student.
    """
    costs: dict[int, Costs] = {}
    before = 1
    with stage(1, 1) as there, product(there) as server:
        for count in sorted(counts):
            asyncio.run(copies(there.database, there.network, range(before, count), released=True, types=ALL))
            swell(there, "Encounter", range(before, count))
            for _ in range(ROUNDS):
                measure(there, server, count, costs.setdefault(count, {}))
            before = count
            sys.stderr.write(f"  {count} visible\n")
    _show("visible", "resources visible", costs)


def _show(kind: str, axis: str, costs: Mapping[int, Costs]) -> None:
    """Keep the costs, draw them and write their table."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    found = {str(size): plain(of) for size, of in costs.items()}
    KEPT.write_text(json.dumps(kept | {kind: found}, indent=2) + "\n")
    drawing = plot(f"Cost against {axis}", axis, "ms", panels(found))
    (report.DOCS / f"growth-{kind}.svg").write_text(drawing)
    report.write(f"growth-{kind}", table(axis, found))


def panels(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Points]]:
    """For each interaction what a client waits, and what the machine works, as lines of a plot."""
    lines = {"median on one connection": "p50_ms", "processor time, API and database": "cpu_ms"}
    return {
        name: {line: [(float(size), of[name][key]) for size, of in found.items()] for line, key in lines.items()}
        for name in INTERACTIONS
    }


def table(axis: str, found: dict[str, dict[str, Any]]) -> str:
    """The costs as Markdown."""
    lines = [
        f"| {axis} | " + " | ".join(f"{int(size):,}" for size in found) + " |",
        "|---|" + "---|" * len(found),
    ]
    for name in INTERACTIONS:
        cells = (f"{of[name]['p50_ms']:.1f} ({of[name]['cpu_ms']:.1f})" for of in found.values())
        lines.append(f"| {name}, ms (of processor) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
