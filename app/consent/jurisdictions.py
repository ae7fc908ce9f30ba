"""What the law of a state says about minors who are treated on their own consent: jurisdictions.json. Pure.

Each row: a state, the security labels of the records that it is about, the age from which the minor consents alone,
who signs below it, from when to when it is law, and its citation. It is not legal advice: have each row checked. Where
there is no row, nothing is allowed. docs/rule.md, 'Who may sign'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.consent.codes import PART2


@dataclass(frozen=True, slots=True)
class Row:
    """From `age` on the minor alone consents to care whose records carry one of `labels`; it ends on `until`."""

    jurisdiction: str
    labels: frozenset[str]
    age: int
    since: date
    until: date | None
    citation: str

    def applies(self, jurisdiction: str | None, on: date) -> bool:
        """Whether it is the law of this state on this day."""
        return self.jurisdiction == jurisdiction and self.since <= on and (self.until is None or on < self.until)


def _load() -> tuple[Row, ...]:
    told = json.loads((Path(__file__).parent / "jurisdictions.json").read_text())
    return tuple(
        Row(
            jurisdiction=row["jurisdiction"],
            labels=frozenset(row["labels"]),
            age=row["age"],
            since=date.fromisoformat(row["from"]),
            until=date.fromisoformat(row["until"]) if row["until"] else None,
            citation=row["citation"],
        )
        for row in told
    )


ROWS = _load()


def minor_age(jurisdiction: str | None, on: date, labels: Iterable[str]) -> int | None:
    """The age from which a minor consents alone to care of every one of these kinds; None where a kind has no row."""
    kinds = set(labels)
    ages = [
        max(row.age for row in rows)
        for rows in ([r for r in ROWS if r.applies(jurisdiction, on) and label in r.labels] for label in kinds)
        if rows
    ]
    return max(ages) if ages and len(ages) == len(kinds) else None


def part2_age(jurisdiction: str | None, on: date) -> int | None:
    """The age from which a minor is treated for substance use alone; below it both sign (42 CFR 2.14). None: no row."""
    return minor_age(jurisdiction, on, (PART2,))
