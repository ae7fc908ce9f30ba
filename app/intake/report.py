"""What an import did, for the person who ran it and for programs: a line for each refusal, a table, or JSON.
https://rich.readthedocs.io/en/stable/tables.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from app.intake.answers import Outcome, Status
from app.intake.roster.build import TYPES
from app.intake.roster.model import Finding
from app.intake.roster.statements import SAID

MAX_LINES = 1_000
"""Of each kind of line in the JSON report; the counts are whole."""


@dataclass(slots=True)
class Report:
    """Counts what became of the records and says each refusal at once, so that it holds few of them."""

    console: Console
    counts: Counter[tuple[str, Status]] = field(default_factory=Counter)
    elements: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: dict[str, list[str]] = field(default_factory=dict)
    warnings: int = 0
    last: tuple[str, str] = ("", "")
    """The record that was refused last: several faults of one are one refusal."""

    def take(self, outcome: Outcome) -> None:
        """Count an outcome. A refusal, a conflict and a record that is gone become a line, by the record's key."""
        self.counts[outcome.name, outcome.status] += 1
        record = f"{outcome.name} {_shown(outcome.key)}"
        if outcome.status is Status.REFUSED:
            self._say("refused", f"refused: {record}: {outcome.reason}")
        elif outcome.status is Status.GONE:
            self._say("gone", f"gone: {record} is no longer in the source.")
        elif outcome.reason:
            self._say("kept", f"kept: {record}: a person at the exchange decided otherwise about {outcome.reason}.")

    def find(self, finding: Finding) -> None:
        """Count and say what is wrong with a row."""
        if finding.refused:
            kind = finding.about or finding.kind
            record = (kind, str(finding.origin))
            self.counts[kind, Status.REFUSED] += record != self.last
            self.last = record
            named = f"{finding.kind or kind} {_shown(finding.key or '')}".rstrip()
            self._say("refused", f"refused: {named}: {finding}")
        else:
            self.warnings += 1
            self._say("warnings", f"warning: {finding}")

    def changed(self, kind: str, keys: Sequence[str]) -> None:
        """Count the elements of a record that are written."""
        self.elements.update((kind, key.partition(":")[0]) for key in keys)

    @property
    def refused(self) -> int:
        """How many records were refused."""
        return sum(n for (_, status), n in self.counts.items() if status is Status.REFUSED)

    @property
    def conflicts(self) -> dict[str, int]:
        """How many records were refused, and how many kept as a person decided; without the zeros."""
        totals = Counter[str]()
        for (_, status), number in self.counts.items():
            totals[status.value] += number if status.value in SAID else 0
        return {status: number for status, number in totals.items() if number}

    def line(self, text: str) -> None:
        """Print one line as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def table(self) -> None:
        """Print the counts. Records that were refused before they had a place in the table get a row of their own."""
        table = Table("Record", *(s.value for s in Status))
        for name in self._names():
            table.add_row(name, *(str(self.counts[name, s]) for s in Status))
        self.console.print(table)
        for (kind, element), number in sorted(self.elements.items()):
            self.line(f"written: {element} of {number} {TYPES[kind]}")

    def json(self) -> dict[str, Any]:
        """The report for programs: counts by record, elements that are written, and the lines."""
        return {
            "records": {n: {s.value: self.counts[n, s] for s in Status} for n in self._names()},
            "elements": {f"{TYPES[k]}.{e}": n for (k, e), n in sorted(self.elements.items())},
            "warnings": self.warnings,
            "lines": self.lines,
        }

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*TYPES, *(name for name, _ in self.counts if name)]))

    def _say(self, kind: str, text: str) -> None:
        kept = self.lines.setdefault(kind, [])
        if len(kept) < MAX_LINES:
            kept.append(text)
        self.line(text)


def _shown(key: str) -> str:
    """A key for people: what stands for an unresolved reference begins with a control character."""
    return " ".join("".join(c if c.isprintable() else " " for c in key).split())
