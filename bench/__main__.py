"""The measurements, in one run on this machine: bench/results.json, docs/performance.md.

    python -m bench [--students 10000] [--released 200] [--seconds 5] [--rounds 5] [--quick]

`--quick` measures less long, and says what fell by more than 15 % against the results that are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from bench import load
from bench.figures import Figure, asks, ratios, tail
from bench.load import alternated
from bench.sign import signing
from bench.stage import served, stage

RESULTS = Path(__file__).parent / "results.json"
TABLE = Path(__file__).parents[1] / "docs" / "performance.md"
FALL = 0.85


def main() -> int:
    """Run, and answer the exit status: 1 where `--quick` finds that a figure fell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=10_000)
    parser.add_argument("--released", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    try:
        load.require()
    except load.NoLoadTool as e:
        sys.stderr.write(f"{e}\n")
        return 2
    if chosen.quick:
        chosen.students, chosen.seconds, chosen.rounds = 2_000, 2, 2
    figures = measured(chosen.students, chosen.released, chosen.seconds, chosen.rounds)
    sys.stdout.write(table(figures))
    if chosen.quick:
        return compared(figures)
    kept = {f.name: {"what": f.what, "wanted": f.wanted, "found": round(f.found, 3), "spread": round(f.spread, 3)}
            for f in figures}  # fmt: skip
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
    text = TABLE.read_text() if TABLE.exists() else HEAD
    TABLE.write_text(text.partition(MARK)[0] + MARK + "\n" + setting(chosen.students, chosen.released) + table(figures)
                     + "\n" + END + text.partition(END)[2])  # fmt: skip
    return 0


MARK, END = "<!-- make bench writes from here -->", "<!-- to here -->"
HEAD = "# How fast it is\n\n"


def measured(students: int, released: int, seconds: float, rounds: int) -> list[Figure]:
    """Every figure."""
    sys.stderr.write(f"{students} students are made up\n")
    with stage(students, released) as there, served(there) as (own, bare):
        figures = ratios(alternated(asks(there, own, bare), seconds, rounds))
        figures.append(tail(there, own, seconds))
        figures.append(signing(there, own))
    return figures


def setting(students: int, released: int) -> str:
    """On what it was measured."""
    busy = os.getloadavg()[2]
    return (
        f"{students} students, {released} released to the clinic; {os.cpu_count()} cores that run the server, the"
        f" database and the load; Python {platform.python_version()}; load average of the last quarter of an hour"
        f" {busy:.1f}.\n\n"
    )


def table(figures: list[Figure]) -> str:
    """The figures as Markdown."""
    lines = ["| figure | wanted | found | spread | |", "|---|---|---|---|---|"]
    for f in figures:
        wanted = f"{'at most' if f.at_most else 'at least'} {f.wanted:g}"
        lines.append(f"| {f.what} | {wanted} | {f.found:.2f} | {f.spread:.2f} | {'met' if f.met else 'missed'} |")
    return "\n".join(lines) + "\n"


def compared(figures: list[Figure]) -> int:
    """Say what fell by more than 15 % against the results that are kept; 1 where something did."""
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    fallen = [
        f for f in figures
        if f.name in before and (
            f.found * FALL > before[f.name]["found"] if f.at_most else f.found < before[f.name]["found"] * FALL
        )
    ]  # fmt: skip
    for f in fallen:
        sys.stdout.write(f"fell: {f.what}: {before[f.name]['found']:.2f} before, {f.found:.2f} now\n")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
