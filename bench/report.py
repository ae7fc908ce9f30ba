"""What is kept of the measurements: bench/results.json, and what docs/performance.md shows of them."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure

RESULTS = Path(__file__).parent / "results.json"
DOCS = Path(__file__).parents[1] / "docs"
FALL = 0.85
WHY = {
    "read": "profile.md#read-under-a-release",
    "custodian": "profile.md#read-under-a-release",
    "disclosure": "profile.md#read-under-a-release",
    "include": "profile.md#page-with-students",
    "create": "profile.md#create",
    "unchanged": "profile.md#update-of-nothing",
    "processes": "#a-second-process",
    "size": "#how-cost-grows",
    "sign": "#what-is-missed-and-why",
}
"""What shows why a figure is what it is, where that is not the page under a release."""
PAGE = "profile.md#page-under-a-release"
Kept = dict[str, dict[str, Any]]


def kept() -> Kept:
    """The results of the last run of each part."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def merged(before: Kept, figures: list[Figure], load: float, students: int) -> Kept:
    """The results with these figures, measured now under a load; what was not measured stays as it was."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    now = {
        f.name: {
            "what": f.what, "wanted": f.wanted, "at_most": f.at_most, "found": round(f.found, 3),
            "spread": round(f.spread, 3), "rate": f.rate and round(f.rate, 3), "met": f.met,
            "load": round(load, 1), "day": day,
            "students": students,
        }
        for f in figures
    }  # fmt: skip
    return before | now


def table(results: Kept) -> str:
    """The figures as Markdown."""
    lines = ["| figure | wanted | found | spread | by rate | | load |", "|---|---|---|---|---|---|---|"]
    for name, f in results.items():
        wanted = f"{'at most' if f['at_most'] else 'at least'} {f['wanted']:g}"
        verdict = "met" if f["met"] else f"missed, [why]({WHY.get(name, PAGE)})"
        rate = f"{f['rate']:.2f}" if f.get("rate") else ""
        cells = (f["what"], wanted, f"{f['found']:.2f}", f"{f['spread']:.2f}", rate, verdict, f"{f['load']:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def fallen(before: Kept, figures: list[Figure]) -> list[str]:
    """Lines that say what fell by more than 15 % against the results that are kept."""
    return [
        f"fell: {f.what}: {before[f.name]['found']:.2f} before, {f.found:.2f} now"
        for f in figures
        if f.name in before
        and (f.found * FALL > before[f.name]["found"] if f.at_most else f.found < before[f.name]["found"] * FALL)
    ]


def put(text: str, section: str, content: str) -> str:
    """A document with the content of a section of it, between its two marks, replaced. Raises ValueError: no marks."""
    begin, end = f"<!-- make bench: {section} -->\n", f"<!-- end: {section} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no marks of {section}")
    return before + begin + content + end + after


def write(section: str, content: str, name: str = "performance.md") -> None:
    """Put a section into a page of docs/."""
    page = DOCS / name
    page.write_text(put(page.read_text(), section, content))


def keep(results: Kept) -> None:
    """Store the results, and show them in docs/performance.md."""
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    write("figures", machine() + table(results))


def machine() -> str:
    """On what it was measured."""
    return (
        f"{os.cpu_count()} cores that run the server, the database and the load; Python {platform.python_version()},"
        " PostgreSQL as it comes. `load` is what else the machine did: its load average before the part.\n\n"
    )
