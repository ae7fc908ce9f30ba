"""What refuses a source as a whole, before anything is written: it is empty, or much of it is gone."""

from __future__ import annotations

import orjson

from app.errors import HallpassError, Issue, Kind
from app.intake.roster.facts import RosterFacts
from app.intake.roster.merge import VANISHED, last_said
from app.intake.roster.model import Student
from app.intake.roster.plan import gone
from app.intake.roster.units import digest

SHRINK = 0.10
"""The part of a kind that may go from one import to the next."""
FEW = 3
"""So many may always go, in a small roster too."""
NOUNS = {"School": "schools", "Student": "students", "Contact": "contacts"}


def require_whole(facts: RosterFacts, complete: bool) -> None:
    """Raise HallpassError where a complete source has no students, or lost too many, with every reason."""
    reasons: list[str] = []
    if complete and not facts.count("Student"):
        reasons.append("It has no student that can be taken.")
    for kind, noun in NOUNS.items():
        known = _known(facts, kind)
        lost = len(gone(facts, kind)) if complete else 0
        if _too_many(lost, known):
            reasons.append(f"{lost} of {known} {noun} are no longer in it.")
    known, left = _known(facts, "Student"), _left(facts)
    if _too_many(left, known):
        reasons.append(f"{left} of {known} students would no longer be enrolled.")
    if reasons:
        advice = "Nothing was written. If this is meant, run it with --accept-shrink."
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue("The source was refused as a whole."), *map(Issue, [*reasons, advice])
        )


def _too_many(lost: int, known: int) -> bool:
    return lost > max(FEW, known * SHRINK)


def _known(facts: RosterFacts, kind: str) -> int:
    """How many records of a kind this source wrote and has not lost."""
    rows = facts.db.execute("SELECT wrote FROM statement WHERE kind = ?", (kind,))
    return sum(1 for (wrote,) in rows if digest(VANISHED) not in orjson.loads(wrote))


def _left(facts: RosterFacts) -> int:
    """How many students the last import wrote as enrolled, and the source says have left."""
    return sum(1 for s in facts.all(Student) if s.enrolled is False and _was_active(facts, s.key))


def _was_active(facts: RosterFacts, key: str) -> bool:
    row = facts.db.execute("SELECT wrote FROM statement WHERE kind = 'Student' AND key = ?", (key,)).fetchone()
    return row is not None and last_said(orjson.loads(row[0]).get(digest("active"))) == digest(True)
