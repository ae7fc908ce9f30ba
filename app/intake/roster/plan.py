"""What an import has to do, known without asking the exchange for a single record: the source against what was written.
docs/decisions/0030-whose-word-counts.md
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import orjson

from app.errors import HallpassError
from app.intake.answers import Outcome, Status
from app.intake.roster.build import Builder
from app.intake.roster.facts import RosterFacts
from app.intake.roster.merge import RESTRICTED, VANISHED, Wrote, unchanged
from app.intake.roster.statements import Page, bucket
from app.intake.roster.units import digest

Take = Callable[[Outcome], None]


class Act(Enum):
    """Why a record is looked at: the source states it, no longer has it, or a refused row takes from it."""

    STATE = "state"
    GONE = "gone"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class Todo:
    """One record to look at."""

    key: str
    act: Act


def load(facts: RosterFacts, page: Page) -> None:
    """Keep the statements of a page beside the facts."""
    kind = page.name.partition("/")[0]
    rows = [(kind, key, s.id, orjson.dumps(s.wrote)) for key, s in page.entries.items()]
    facts.db.executemany("INSERT OR REPLACE INTO statement VALUES (?, ?, ?, ?)", rows)


def plan(facts: RosterFacts, builder: Builder, kind: str, buckets: int, *, complete: bool, take: Take) -> int:
    """Fill the list of what is to be done for a kind; answers how much. What is unchanged is counted and left out.

    A school that is gone is told and stays as it is, with its place: its students say for themselves that they left.
    """
    known = _known(facts.db, kind)
    for key in list(builder.keys(kind)):
        statement = known(key)
        if statement is None or _differs(facts, builder, kind, key, statement, take):
            _add(facts, kind, key, Act.STATE, buckets)  # what is new is built when it is written
    for key in facts.taken(kind):
        statement = known(key)
        if statement is not None and digest(RESTRICTED) not in statement[1]:
            _add(facts, kind, key, Act.TAKE, buckets)
    if not complete or kind not in facts.unattributed:
        for key in gone(facts, kind, complete=complete):
            if kind == "School":
                take(Outcome(kind, key, Status.GONE))
            elif kind != "Location":
                _add(facts, kind, key, Act.GONE, buckets)
    return int(facts.db.execute("SELECT count(*) FROM todo WHERE kind = ?", (kind,)).fetchone()[0])


def _differs(
    facts: RosterFacts, builder: Builder, kind: str, key: str, statement: tuple[str, Wrote], take: Take
) -> bool:
    """Whether the source says something else of a record than it did last; what does not, or is refused, is told."""
    try:
        units = builder.build(kind, key).units
    except HallpassError as e:
        take(refused(kind, key, e))
        facts.refuse(kind, key)
        return False
    if not unchanged(statement[1], units, partial=builder.partial):
        return True
    take(Outcome(kind, key, Status.UNCHANGED, id=statement[0]))
    return False


def gone(facts: RosterFacts, kind: str, *, complete: bool = True) -> list[str]:
    """The records that this source wrote once and no longer has; or that it says are gone, where it tells changes."""
    if not complete:
        query = """
            SELECT key, wrote FROM statement s WHERE kind = ?1 AND EXISTS (SELECT 1 FROM leaving l
                WHERE l.kind = s.kind AND l.person IN (s.key, substr(s.key, instr(s.key, '/') + 1)))
        """
        return _not_gone_yet(facts, query, kind)
    query = """
        SELECT key, wrote FROM statement s WHERE kind = ?1
           AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.kind = ?1 AND f.key = s.key)
           AND NOT EXISTS (SELECT 1 FROM spoken k WHERE k.kind = ?1 AND k.key = s.key)
    """
    if kind == "Enrollment":
        query = """
            SELECT key, wrote FROM statement s WHERE kind = ?1 AND NOT EXISTS
                (SELECT 1 FROM fact f WHERE f.kind = ?1 AND f.key >= s.key || '/' AND f.key < s.key || '0')
        """
    return _not_gone_yet(facts, query, kind)


def _not_gone_yet(facts: RosterFacts, query: str, kind: str) -> list[str]:
    rows = facts.db.execute(query, (kind,)).fetchall()
    return [key for key, wrote in rows if digest(VANISHED) not in orjson.loads(wrote)]


def todo(facts: RosterFacts, kind: str) -> Iterator[tuple[str, list[Todo]]]:
    """What is to be done for a kind, bucket by bucket."""
    names = facts.db.execute("SELECT DISTINCT bucket FROM todo WHERE kind = ? ORDER BY bucket", (kind,)).fetchall()
    for (name,) in names:
        rows = facts.db.execute("SELECT key, act FROM todo WHERE kind = ? AND bucket = ? ORDER BY key", (kind, name))
        yield name, [Todo(key, Act(act)) for key, act in rows.fetchall()]


def refused(kind: str, key: str, error: HallpassError) -> Outcome:
    """The Outcome of a record that the intake itself refuses."""
    reasons = (f"{i.text} ({i.expression})" if i.expression else i.text for i in error.issues)
    return Outcome(kind, key, Status.REFUSED, reason="; ".join(reasons))


def _known(db: sqlite3.Connection, kind: str) -> Callable[[str], tuple[str, Wrote] | None]:
    def known(key: str) -> tuple[str, Wrote] | None:
        row = db.execute("SELECT id, wrote FROM statement WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return (row[0], orjson.loads(row[1])) if row else None

    return known


def _add(facts: RosterFacts, kind: str, key: str, act: Act, buckets: int) -> None:
    row = (kind, bucket(kind, key, buckets), key, act.value)
    facts.db.execute("INSERT OR IGNORE INTO todo VALUES (?, ?, ?, ?)", row)
