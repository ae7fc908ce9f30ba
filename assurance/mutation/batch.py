"""A pytest plugin: each test again for every mutant of the lines that it runs, in one session and one world.

A mutant is a switch (mutmut's), so neither a process nor a database is made for it. It counts as killed only where the
test passes again without it; where what it left behind stands in the way of that, both are tried in a new world.
"""

from __future__ import annotations

import hashlib
import inspect
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.trampoline import set_mutant_under_test

from assurance.mutation.mutants import Mutant
from assurance.mutation.notes import Notes, Visibility

First = Mapping[str, Sequence[str]]
"""By module of the access service the files of tests that are asked first."""

TOGETHER = 5
"""After how many mutants a test is run by itself again, to see whether they left the world as it was."""
CASES = 12
"""Of a parametrized test only the first cases: more take the same way."""
LONGEST = 120
"""Seconds of a test by itself; with a mutant five times what it takes by itself, and not less than five."""
PATIENCE = 4
"""How many times as long a mutant is waited for that came late, before it is held not to come to an end."""
FAILED, LATE = "failed", "late"
NONE = ""
"""mutmut's name for no mutant."""
EXCHANGE = str(Path("app/exchange").resolve())


class _Late(BaseException):
    """The test did not come to an end in its time."""


class _Sibling:
    """The next test of the same module, for all that pytest asks of it before it tears down."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[object]:
        return [*self._item.listchain()[:-1], self]


class Batch:
    """The session of some mutants; of tests that take longer than `seconds` it only finds out that they do.

    `first`: only the tests of the files that are asked first about a module.
    """

    def __init__(self, mutants: Iterable[Mutant], notes: Notes, seconds: float, first: First | None) -> None:
        self._alive = {m.key: m for m in mutants if m.key not in notes.killed}
        self._notes = notes
        self._seconds = seconds
        self._first = first

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that are not known yet, and those that have not been run with a mutant that is alive."""
        seen: Counter[str] = Counter()
        kept = []
        for item in items:
            seen[item.nodeid.partition("[")[0]] += 1
            wanted = (
                self._alive and not self._known(item) and self._fits(item, {m.module for m in self._alive.values()})
            )
            if seen[item.nodeid.partition("[")[0]] <= CASES and (wanted or self._mine(item)):
                kept.append(item)
        items[:] = kept
        print(f"{len(self._alive)} mutants, {len(items)} tests", flush=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """One test by itself, and then with each of its mutants."""
        if self._known(item) and not self._mine(item):
            return True
        began = time.monotonic()
        if self._by_itself(item):
            mine = self._mine(item)
            killed = self._all(item, mine)
            print(f"{time.monotonic() - began:6.1f} s {killed:3} of {len(mine):3} by {item.nodeid}", flush=True)
        else:
            print(f"fails by itself: {item.nodeid}", flush=True)
        if nextitem is None or nextitem.location[0] != item.location[0]:
            _new_world(item)
        return True

    def _known(self, item: pytest.Item) -> bool:
        visibility = self._notes.visibility.get(item.nodeid)
        return visibility is not None and visibility.source == _source(item)

    def _mine(self, item: pytest.Item) -> list[Mutant]:
        """The mutants alive that the test has not been run with, unless it takes too long."""
        if not self._known(item) or self._notes.visibility[item.nodeid].seconds > self._seconds:
            return []
        mine = [m for m in self._alive.values() if self._fits(item, {m.module})]
        return [m for m in mine if self._notes.asks(item.nodeid, m)]

    def _fits(self, item: pytest.Item, modules: set[str]) -> bool:
        file = item.nodeid.partition("::")[0]
        return self._first is None or any(file in self._first.get(m, ()) for m in modules)

    def _by_itself(self, item: pytest.Item) -> bool:
        """Whether it passes. What it reaches is noted, and whether it can be run twice in one world."""
        first, again = _counted(item), _counted(item)
        alone = again is None
        if alone:
            _new_world(item)
            first = again = _counted(item)
        if first is None or again is None:
            _new_world(item)
            return False
        visibility = Visibility(_source(item), round(again.seconds, 2), again.lines, first.lines - again.lines, alone)
        self._notes.reached(item.nodeid, visibility)
        return True

    def _all(self, item: pytest.Item, mutants: list[Mutant]) -> int:
        """Run the test with each, and answer how many it kills."""
        visibility = self._notes.visibility[item.nodeid]
        shared = [m for m in mutants if not visibility.alone and not visibility.runs.isdisjoint(m.lines)]
        for mutant in mutants:
            if mutant not in shared:  # what it changes runs only in what makes the module's world
                self._settle(item, mutant, _afresh(item, mutant.name))
        for n in range(0, len(shared), TOGETHER):
            self._some(item, shared[n : n + TOGETHER], visibility.limit)
        return sum(m.key not in self._alive for m in mutants)

    def _some(self, item: pytest.Item, mutants: list[Mutant], limit: int) -> None:
        """Run the test with a few, and then by itself: if it passes, they left the world as it was, and all stands."""
        failed, clean = [], True
        for mutant in mutants:
            came = _run(item, mutant.name, limit)
            if came == FAILED:
                failed.append(mutant)
            else:
                clean = clean and not came
                self._settle(item, mutant, came)
        clean = clean and not (failed and _run(item, NONE, limit))
        for mutant in failed:
            (self._note if clean else self._settle)(item, mutant, FAILED)

    def _settle(self, item: pytest.Item, mutant: Mutant, came: str) -> None:
        """Note what came of it: it failed or was late only if it is so again in a new world where the test passes."""
        if came:
            if _afresh(item, NONE):
                print(f"fails by itself: {item.nodeid}, after {mutant.name}", flush=True)
                return
            patient = PATIENCE * self._notes.visibility[item.nodeid].limit
            came = _afresh(item, mutant.name) if came == FAILED else _run(item, mutant.name, patient)
            _afresh(item, NONE)
        self._note(item, mutant, came)

    def _note(self, item: pytest.Item, mutant: Mutant, came: str) -> None:
        self._notes.came(mutant, item.nodeid, self._notes.visibility[item.nodeid].source, came)
        if came:
            del self._alive[mutant.key]


@dataclass(frozen=True, slots=True)
class _Count:
    lines: frozenset[str]
    seconds: float


def _counted(item: pytest.Item) -> _Count | None:
    """Which lines of the access service the test runs, in which time; None where it fails."""
    lines: set[tuple[str, int]] = set()

    def of_a_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return of_a_line

    def of_a_call(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(EXCHANGE):
            return None
        lines.add((code.co_filename, code.co_firstlineno))
        return of_a_line

    began = time.monotonic()
    sys.settrace(of_a_call)
    try:
        failed = _run(item, NONE, LONGEST)
    finally:
        sys.settrace(None)
    here = Path().resolve()
    told = frozenset(f"{Path(file).relative_to(here)}:{line}" for file, line in lines)
    return None if failed else _Count(told, time.monotonic() - began)


def _afresh(item: pytest.Item, mutant: str) -> str:
    """As `_run`, in a new world."""
    _new_world(item)
    return _run(item, mutant, LONGEST)


def _run(item: pytest.Item, mutant: str, limit: int) -> str:
    """How a test came out with a mutant: empty where it passed, or FAILED, or LATE."""
    late = []

    def end(_signal: int, _frame: FrameType | None) -> None:
        late.append(mutant)
        raise _Late

    set_mutant_under_test(mutant)
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit, 2)  # again and again: a task of the loop may have kept it for itself
    try:
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, log=False, nextitem=_Sibling(item))  # type: ignore[arg-type]
    except _Late:
        reports = []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        set_mutant_under_test(NONE)
    return LATE if late else FAILED if any(r.failed for r in reports) else ""


def _new_world(item: pytest.Item) -> None:
    """End all fixtures, so that the next test makes them again."""
    item.session._setupstate.teardown_exact(None)


def _source(item: pytest.Item) -> str:
    function = item.function  # type: ignore[attr-defined]
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]
