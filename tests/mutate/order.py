"""A pytest plugin: for a mutant, first the tests that killed others of the same function, then the rest, cheap first.

Without it each mutant runs its tests in no order, and a database is made for nearly each of them. A mutant that has a
test wait without an end is out of time.
"""

from __future__ import annotations

import os
import signal
import tomllib
from collections import Counter
from pathlib import Path

import pytest

KILLS = Path(os.environ.get("MUTANT_KILLS", "kills.txt"))
"""Lines of a function and the test that killed a mutant of it."""
LONGEST = 60
"""Seconds of one test."""
OUT_OF_TIME = 36
"""mutmut's exit code of a mutant that ran too long."""


def _function() -> str:
    """The function whose mutant is under test; empty where none is."""
    return os.environ.get("MUTANT_UNDER_TEST", "").rpartition("__mutmut_")[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order by kills, by the order of the selection, and as they stand in their file."""
    settings = tomllib.loads((config.rootpath / "pyproject.toml").read_text())
    selection = settings["tool"]["mutmut"]["pytest_add_cli_args_test_selection"]
    lines = [line.split(" ", 1) for line in KILLS.read_text().splitlines()] if KILLS.exists() else []
    kills = Counter(test for function, test in lines if function == _function())

    def place(item: pytest.Item) -> tuple[int, int, str, int]:
        path, line, _ = item.location
        module = next((n for n, name in enumerate(selection) if path.startswith(name)), len(selection))
        return -kills[item.nodeid], module, path, line or 0

    items.sort(key=place)


def pytest_runtest_logstart() -> None:
    """Let each test of a mutant have its time, and no more."""
    if _function():
        signal.signal(signal.SIGALRM, lambda *_: os._exit(OUT_OF_TIME))
        signal.alarm(LONGEST)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember who killed."""
    if report.failed and _function():
        with KILLS.open("a") as file:
            file.write(f"{_function()} {report.nodeid}\n")
