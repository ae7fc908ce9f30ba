"""Processor time of processes, to the nanosecond. https://docs.kernel.org/scheduler/sched-stats.html"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil

from bench.serving import Server
from bench.stage import Stage


def spent(processes: Iterable[int]) -> dict[int, float]:
    """Seconds that each process, with all its threads, has run; one that has ended meanwhile has none."""
    return {pid: sum(map(_ran, Path(f"/proc/{pid}/task").glob("*/schedstat"))) / 1e9 for pid in processes}


def _ran(task: Path) -> int:
    try:
        return int(task.read_text().split()[0])
    except OSError:
        return 0


def family(pid: int) -> list[int]:
    """A process and all that come from it."""
    return [pid, *(p.pid for p in psutil.Process(pid).children(recursive=True))]


def backends(stage: Stage) -> list[int]:
    """The database's processes that work for the app's role."""
    return [p.pid for p in psutil.Process(stage.postmaster).children() if "hallpass_app" in _title(p)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class Meter:
    """The processor time of a server and of its database since this was made."""

    def __init__(self, server: Server, stage: Stage) -> None:
        self._server, self._stage = server, stage
        self._before = self._now()

    def read(self) -> tuple[float, float]:
        """Seconds of the API's processes, and of the database's."""
        api, database = (
            sum(ran - before.get(pid, 0.0) for pid, ran in now.items())
            for now, before in zip(self._now(), self._before, strict=True)
        )
        return api, database

    def _now(self) -> tuple[dict[int, float], dict[int, float]]:
        return spent(family(self._server.pid)), spent(backends(self._stage))
