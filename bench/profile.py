"""Where the time goes on each hot path: py-spy on the API process, pg_stat_statements on the database.

Writes the measured part of docs/profile.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import load, report, statements
from bench.cpu import Meter
from bench.figures import asks
from bench.load import Ask
from bench.serving import Server, product
from bench.stacks import LAYERS, OTHER, by_layer, heaviest
from bench.stage import Stage
from bench.statements import Statement

HOME = str(Path(__file__).parents[1])
PATHS = ("read under a release", "page under a release", "page with students", "create", "update of nothing")
RATE = 250
"""Samples a second."""
SHOWN = 8
"""Statements and functions that are told of a path."""
LEAST = 0.01
"""Statements that take a smaller part of the database's processor time are left out."""


class NoProfiler(Exception):
    """py-spy is missing, or may not look into another process."""


def require() -> str:
    """Where py-spy is. Raises NoProfiler where it is missing."""
    tool = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tool is None:
        raise NoProfiler("the profile needs py-spy: pip install py-spy, or make bench, which sets it up")
    return tool


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one path: a second's requests, and for each milliseconds of processor, and statements."""

    rate: float
    api: float
    database: float
    top: list[Statement]
    within: list[Statement]
    stacks: str


def profile(stage: Stage, seconds: float) -> None:
    """Profile each path under full load, and write what was seen."""
    busy = os.getloadavg()[1]
    statements.install(stage)
    with product(stage) as server:
        asked = asks(stage, server.url, server.url)
        seen = {}
        for name in PATHS:
            seen[name] = _seen(stage, server, asked[name], seconds)
            sys.stderr.write(f"  {name}: {seen[name].rate:.0f}/s\n")
    report.write("profile", told(seen, stage.students, busy), "profile.md")


def _seen(stage: Stage, server: Server, ask: Ask, seconds: float) -> Seen:
    """First without the profiler, which takes time itself; then with it, and with what functions run."""
    load.hammer(ask, seconds)
    statements.count(stage, within=False)
    meter = Meter(server, stage)
    heard = load.hammer(ask, seconds)
    asked = heard.rate * max(1, round(seconds))
    api, database = (1000 * ran / asked for ran in meter.read())
    top = [s for s in statements.counted(stage, asked) if not s.within]
    statements.count(stage, within=True)
    with tempfile.NamedTemporaryFile("r") as file:
        with _spying(server.pid, seconds, file.name):
            slowed = load.hammer(ask, seconds + 1)
        within = statements.counted(stage, slowed.rate * max(1, round(seconds + 1)))
        return Seen(heard.rate, api, database, top, [s for s in within if s.within], file.read())


@contextmanager
def _spying(pid: int, seconds: float, file: str) -> Iterator[None]:
    """Have py-spy write a process's stacks to a file meanwhile."""
    lasting = str(max(1, round(seconds)))
    spy = subprocess.Popen(
        [require(), "record", "--pid", str(pid), "--duration", lasting, "--rate", str(RATE), "--format", "raw",
         "--full-filenames", "--output", file],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    yield
    said, _ = spy.communicate(timeout=60)
    if spy.returncode:
        raise NoProfiler(said)


def told(seen: dict[str, Seen], students: int, busy: float) -> str:
    """The profile as Markdown."""
    parts = [
        f"{students} students; {os.cpu_count()} cores that run the server, the database and the load; load average"
        f" before {busy:.1f}.\n",
        "## By layer\nMilliseconds of processor that the API takes for one request, and what the database takes.\n",
        _by_layer(seen),
    ]
    for name, path in seen.items():
        parts += [
            f"## {name.capitalize()}\n{path.rate:.0f} requests a second; {path.api:.2f} ms of the API and"
            f" {path.database:.2f} ms of the database for each.\n",
            _statements("statement", path.top, path.database),
            _statements("run within functions", path.within, path.database),
            _functions(path),
        ]
    return "\n".join(part for part in parts if part)


def _by_layer(seen: dict[str, Seen]) -> str:
    lines = ["| | " + " | ".join(seen) + " |", "|---|" + "---|" * len(seen)]
    shares = {name: by_layer(path.stacks, HOME) for name, path in seen.items()}
    for layer in (*LAYERS, OTHER):
        cells = (f"{shares[name][layer] * path.api:.2f} ({shares[name][layer]:.0%})" for name, path in seen.items())
        lines.append(f"| {layer} | " + " | ".join(cells) + " |")
    lines.append("| **the API** | " + " | ".join(f"**{path.api:.2f}**" for path in seen.values()) + " |")
    lines.append("| **the database** | " + " | ".join(f"**{path.database:.2f}**" for path in seen.values()) + " |")
    return "\n".join(lines) + "\n"


def _statements(head: str, found: list[Statement], database: float) -> str:
    lines = [f"| {head} | times | ms | rows | blocks |", "|---|---|---|---|---|"]
    for s in [s for s in found if s.ms >= LEAST * database][:SHOWN]:
        lines.append(f"| `{s.text}` | {s.calls:.2f} | {s.ms:.3f} | {s.rows:.1f} | {s.blocks:.0f} |")
    return "\n".join(lines) + "\n" if found else ""


def _functions(path: Seen) -> str:
    lines = ["| function, without what it calls | share of the API |", "|---|---|"]
    lines += [f"| `{name}` | {share:.0%} |" for name, share in heaviest(path.stacks, HOME, SHOWN)]
    return "\n".join(lines) + "\n"
