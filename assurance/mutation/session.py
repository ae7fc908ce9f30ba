"""One session of pytest over mutants, in the copy that has them: `session.py FIRST SECONDS [PATTERNS]`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from assurance.mutation.batch import Batch
from assurance.mutation.equal import explained
from assurance.mutation.mutants import load, made_of
from assurance.mutation.notes import NOTES, Notes

QUIET = ("cacheprovider", "schemathesis", "xdist", "anyio", "unraisableexception", "threadexception")
"""Plugins that keep something of each test, or are not asked for."""


def main(only_first: bool, seconds: float, patterns: list[str]) -> int:
    """Run the tests that take no longer than that, or of them those to ask first, with mutants that fit a pattern."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut-exchange"]
    mutants = [m for m in load(Path(), patterns) if not m.refused and not explained(m)]
    batch = Batch(mutants, Notes(Path(NOTES), made_of(Path())), seconds, settings["first"] if only_first else None)
    arguments = ["--rootdir=.", "-s", "--tb=no", *(f"-pno:{name}" for name in QUIET), *settings["tests"]]
    return pytest.main(arguments, plugins=[batch])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] == "first", float(sys.argv[2]), sys.argv[3:]))
