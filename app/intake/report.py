"""What an import did, for the person who ran it: a line for each refusal, and a table at the end.
https://rich.readthedocs.io/en/stable/tables.html
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from app.intake.answers import Outcome, Status

ROWS = {"School": "Organization", "Student": "Patient", "Contact": "RelatedPerson"}
"""Ed-Fi record -> the resource it becomes, in the order of the table."""


@dataclass(slots=True)
class Report:
    """Counts what became of the records and says each refusal at once, so that it holds none of them."""

    console: Console
    counts: Counter[tuple[str, Status]] = field(default_factory=Counter)

    def take(self, outcome: Outcome) -> None:
        """Count an outcome; a refusal becomes a line with the record's Ed-Fi key and the reason."""
        self.counts[outcome.name, outcome.status] += 1
        if outcome.status is Status.REFUSED:
            self.line(f"refused: {outcome.name} {outcome.key}: {outcome.reason}")

    @property
    def refused(self) -> int:
        """How many records were refused."""
        return sum(n for (_, status), n in self.counts.items() if status is Status.REFUSED)

    def line(self, text: str) -> None:
        """Print one line as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def table(self) -> None:
        """Print the counts. Records that were refused before they had a place in the table get a row of their own."""
        table = Table("Ed-Fi", "FHIR", *(s.value for s in Status))
        names = dict.fromkeys([*ROWS, *(name for name, _ in self.counts)])
        for name in names:
            table.add_row(name, ROWS.get(name, ""), *(str(self.counts[name, s]) for s in Status))
        self.console.print(table)
