"""What is known so far, on the disk: which lines each test runs, and what each mutant made of each test.

A line is added as soon as it is known, so that a run that was broken off is taken up where it stopped. What is known of
a test holds while its source does, and what is known of a mutant while its function does.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assurance.mutation.mutants import Mutant

NOTES = "notes.jsonl"


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which lines of the access service a test runs: by itself, and only while its module's world is made.

    `source` is a mark of its text. `alone`: it passes only in a world that no test has been run in.
    """

    source: str
    seconds: float
    runs: frozenset[str]
    opens: frozenset[str]
    alone: bool

    @property
    def limit(self) -> int:
        """Seconds that it may take with a mutant."""
        return max(5, int(5 * self.seconds) + 1)


@dataclass(slots=True)
class Notes:
    """The file, and what stands in it."""

    file: Path
    code: str
    """The mark of the code: what a test runs of another is forgotten."""
    visibility: dict[str, Visibility] = field(default_factory=dict)
    passed: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    """By a mutant's key the tests, with their source's mark, that did not notice it."""
    killed: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By a mutant's key the test that noticed, and whether it `failed` or was `late`."""

    def __post_init__(self) -> None:
        for line in self.file.read_text().splitlines() if self.file.exists() else []:
            self._take(json.loads(line))

    def reached(self, test: str, visibility: Visibility) -> None:
        """Note what a test runs, and how long it takes."""
        told = {
            "code": self.code,
            "source": visibility.source,
            "seconds": visibility.seconds,
            "alone": visibility.alone,
        }
        self._add(test=test, **told, runs=sorted(visibility.runs), opens=sorted(visibility.opens))

    def came(self, mutant: Mutant, test: str, source: str, how: str) -> None:
        """Note how a test came out with a mutant: `failed` or `late`, or empty where it passed."""
        self._add(test=test, source=source, mutant=mutant.key, how=how)

    def unasked(self, mutant: Mutant) -> set[str]:
        """The tests that run what the mutant changes, as far as is known, and have not been run with it."""
        return {test for test in self.visibility if self.asks(test, mutant)}

    def asks(self, test: str, mutant: Mutant) -> bool:
        """Whether that is one of them. What only a new world runs is asked for if no test runs it by itself."""
        visibility = self.visibility[test]
        if (test, visibility.source) in self.passed[mutant.key]:
            return False
        if not visibility.runs.isdisjoint(mutant.lines):
            return True
        opens = not visibility.opens.isdisjoint(mutant.lines)
        return opens and all(r.runs.isdisjoint(mutant.lines) for r in self.visibility.values())

    def _add(self, **line: Any) -> None:
        with self.file.open("a") as file:
            file.write(f"{json.dumps(line)}\n")
        self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        test, source = line["test"], line["source"]
        if "mutant" not in line:
            runs, opens = frozenset(line["runs"]), frozenset(line["opens"])
            if line["code"] == self.code:
                self.visibility[test] = Visibility(source, line["seconds"], runs, opens, line["alone"])
        elif line["how"]:
            self.killed[line["mutant"]] = (test, line["how"])
        else:
            self.passed[line["mutant"]].add((test, source))
