"""What a second process brings: reads under a release by two processes against one, with the database elsewhere.

The database and the load tool are pinned to the cores that the API's two processes leave free; where there are but two
cores, to the second, which the second process then shares with them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from bench import load, report
from bench.cpu import Meter, family, spent
from bench.figures import Figure, asks
from bench.load import Ask
from bench.serving import Server, product
from bench.stage import Stage

WANTED = 1.8
CONNECTIONS = 32
WARM = 2
IDLE = 0.05
"""Seconds of processor in one second, of processes that have started."""


@dataclass(frozen=True, slots=True)
class Run:
    """Requests per second, and milliseconds of processor that each takes of the API, the database and the load tool."""

    rate: float
    api: float
    database: float
    tool: float


def second(stage: Stage, seconds: float, rounds: int) -> Figure:
    """Throughput of two processes against one."""
    api, others = cores(os.cpu_count() or 1)
    runs: dict[int, list[Run]] = {1: [], 2: []}
    reads: dict[int, Ask] = {}
    with _pinned([os.getpid(), *family(stage.postmaster)], others), ExitStack() as stack:
        servers = {workers: stack.enter_context(product(stage, workers=workers)) for workers in runs}
        for workers, server in servers.items():
            reads[workers] = asks(stage, server.url, server.url)["read under a release"]
            _rested(server)  # one answers while the other is still starting
            load.hammer(reads[workers], WARM, connections=CONNECTIONS)
            for pid in family(server.pid):
                psutil.Process(pid).cpu_affinity(api[:workers])
        for _ in range(rounds):
            for workers, server in servers.items():
                runs[workers].append(_run(stage, server, reads[workers], seconds))
                sys.stderr.write(f"  {workers}: {runs[workers][-1].rate:.0f}/s\n")
    ratios = [two.rate / one.rate for one, two in zip(runs[1], runs[2], strict=True)]
    report.write("processes", told(_middle(runs[1]), _middle(runs[2]), api, others))
    what = "throughput of 2 processes : 1, reads under a release, the database elsewhere pinned"
    return Figure("processes", what, WANTED, median(ratios), max(ratios) - min(ratios))


def cores(count: int) -> tuple[list[int], list[int]]:
    """The cores of two API processes, and those of the database and the load tool."""
    api = [0, min(1, count - 1)]
    return api, list(range(2, count)) or [api[1]]


def _run(stage: Stage, server: Server, ask: Ask, seconds: float) -> Run:
    meter, before = Meter(server, stage), _children()
    heard = load.hammer(ask, seconds, connections=CONNECTIONS)
    asked = heard.rate * max(1, round(seconds))
    api, database, tool = (1000 * ran / asked for ran in (*meter.read(), _children() - before))
    return Run(heard.rate, api, database, tool)


def _rested(server: Server) -> None:
    """Wait until a server's processes do nothing, a minute at the most."""
    ran = 0.0
    for _ in range(60):
        before, ran = ran, sum(spent(family(server.pid)).values())
        if ran - before < IDLE:
            return
        time.sleep(1)


def _children() -> float:
    used = os.times()
    return used.children_user + used.children_system


@contextmanager
def _pinned(processes: list[int], to: list[int]) -> Iterator[None]:
    """Processes, and what comes from them, on some cores alone."""
    before = {pid: psutil.Process(pid).cpu_affinity() for pid in processes}
    for pid in processes:
        psutil.Process(pid).cpu_affinity(to)
    try:
        yield
    finally:
        for pid, allowed in before.items():
            if psutil.pid_exists(pid):
                psutil.Process(pid).cpu_affinity(allowed)


def _middle(runs: list[Run]) -> Run:
    return sorted(runs, key=lambda r: r.rate)[len(runs) // 2]


def told(one: Run, two: Run, api: list[int], others: list[int]) -> str:
    """The two runs, and what the cores that there are could have shown."""
    lines = ["| API processes | requests/s | API, ms each | database, ms each | load tool, ms each |",
             "|---|---|---|---|---|"]  # fmt: skip
    for n, run in ((1, one), (2, two)):
        lines.append(f"| {n} | {run.rate:.0f} | {run.api:.2f} | {run.database:.2f} | {run.tool:.3f} |")
    if not set(api) & set(others):
        return "\n".join(lines) + "\n"
    most = 2 * one.api / (two.api + two.database + two.tool)
    return (
        "\n".join(lines) + "\n\nThis machine has no core for a second process: it shares that of the database and the"
        f" load tool. By the processor time of a request, two cores could show a ratio of {most:.2f} at the most; what"
        " more cores would show is not known from here. What can be seen is whether a second process makes a request"
        f" dearer: {one.api + one.database:.2f} ms of the API and the database before,"
        f" {two.api + two.database:.2f} ms with it.\n"
    )
