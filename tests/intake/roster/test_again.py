"""The same files again are not read, until the day on which they say something else. docs/whose-word-counts.md"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from app.db.engine import Database
from app.intake.answers import Outcome, Status
from app.intake.edfi.generate import generate
from app.intake.edfi.reader import EdFi
from app.intake.report import Report
from app.intake.roster.again import is_same, note
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Enrollment, Finding, Origin, Session
from tests.intake.importing import importing_into

TODAY = date(2026, 1, 15)
HERE = Origin("a.csv", 2)


def noted(*facts: Any, outcomes: tuple[Outcome, ...] = (), finding: Finding | None = None) -> dict[str, Any] | None:
    """What is kept of an import of these facts."""
    report = Report(Console(quiet=True))
    for outcome in outcomes:
        report.take(outcome)
    if finding:
        report.find(finding)
    with RosterFacts() as held:
        for fact in facts:
            held.add(fact)
        return note("f", held, report, TODAY)


def test_files_say_the_same_until_an_enrollment_ends_or_a_year_begins() -> None:
    year = Session("y", HERE, "schoolYear", "2025-08-25", "2026-06-12")
    assert noted(year) == {"fingerprint": "f", "on": "2026-01-15", "until": "2026-01-22", "counts": {}}
    ending = noted(year, Enrollment("1", "s", HERE, "2025-08-25", "2026-01-16"))
    assert ending
    assert ending["until"] == "2026-01-17"
    assert is_same(ending, "f", date(2026, 1, 16))
    assert not is_same(ending, "f", date(2026, 1, 17))
    assert not is_same(ending, "g", date(2026, 1, 16))
    over = noted(Session("y", HERE, "schoolYear", "2024-08-25", "2025-09-18"))
    assert over
    assert over["until"] == "2026-01-17", "120 days after its end summer is over"


def test_files_of_which_something_was_refused_or_kept_are_read_again() -> None:
    assert noted(outcomes=(Outcome("Student", "1", Status.CHANGED),))
    assert not noted(outcomes=(Outcome("Student", "1", Status.KEPT),))
    assert not noted(outcomes=(Outcome("Student", "1", Status.REFUSED),))
    assert not noted(finding=Finding(HERE, "bad", refused=True, kind="users"))


async def test_the_same_files_are_not_read_again_and_changed_ones_are(db: Database, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    generate(folder, 3)
    async with importing_into(db, tmp_path) as importing:
        await importing.run(EdFi(folder))
        await importing.run(EdFi(folder), full=False)
        assert "They were not read again." in importing.printed
        assert importing.counts("Contact") == {"unchanged": 6}
        students = folder / "Student.xml"
        students.write_text(students.read_text().replace("<FirstName>", "<FirstName>X", 1))
        await importing.run(EdFi(folder), full=False)
        assert importing.counts("Student") == {"changed": 1, "unchanged": 2}
