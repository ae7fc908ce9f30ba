"""What a OneRoster package becomes. https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.intake.oneroster.reader import OneRoster
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Contact, Enrollment, Student
from tests.intake.oneroster.support import enrollment, family, findings, package, read, user


def students(path: Path) -> list[Student]:
    with RosterFacts() as facts:
        read(path, facts)
        return list(facts.all(Student))


def test_a_parent_has_no_authority_whatever_the_role(tmp_path: Path) -> None:
    """Parent, guardian and relative: OneRoster does not say who may sign."""
    rows = [
        *family(1),
        *family(2)[:1],
        user("P2", "guardian", givenName="Eva"),
        *family(3)[:1],
        user("P3", "relative", givenName="Tío"),
    ]
    with RosterFacts() as facts:
        read(package(tmp_path / "p.zip", users=rows), facts)
        found = list(facts.all(Contact))
    assert [c.relationship[0]["coding"][0]["code"] for c in found] == ["PRN", "GUARD", "FAMMEMB"]
    assert [c.authority for c in found] == [False] * 3


def test_one_child_with_several_source_ids_is_one_student(tmp_path: Path) -> None:
    """By the state's id; both source ids are identifiers, and both schools are its schools."""
    twice = [*family(1), user("S1-b", "student", identifier="1001", orgSourcedIds="s2", agentSourcedIds="P1")]
    with RosterFacts() as facts:
        read(package(tmp_path / "p.zip", users=twice), facts)
        (child,) = facts.all(Student)
        assert [i["value"] for i in child.identifiers] == ["1001", "S1", "S1-b"]
        assert [(e.student, e.school) for e in facts.all(Enrollment)] == [("1001", "s1"), ("1001", "s2")]
        assert facts.count("Contact") == 1


def test_two_children_with_one_id_are_refused_with_both_lines(tmp_path: Path) -> None:
    path = package(tmp_path / "p.zip", users=[*family(1), user("S9", "student", identifier="1001", givenName="Bo")])
    assert students(path) == []
    said = [str(f) for f in findings(path) if f.refused]
    assert ["users.csv, line 2" in s and "users.csv, line 4" in s for s in said] == [True, True]


def test_two_children_with_one_name_are_two(tmp_path: Path) -> None:
    """Nobody is matched by name."""
    assert len(students(package(tmp_path / "p.zip", users=[*family(1), *family(2)]))) == 2


@pytest.mark.parametrize(
    ("more", "enrolled"),
    [
        ({}, True),
        ({"endDate": "2025-12-19"}, False),
        ({"endDate": "2025-08-25"}, False),
        ({"endDate": "2026-06-12"}, True),
        ({"beginDate": "2026-08-24"}, True),
    ],
)
def test_who_is_enrolled_is_told_by_the_periods(tmp_path: Path, more: dict[str, str], enrolled: bool) -> None:
    path = package(tmp_path / "p.zip", users=family(1), enrollments=[enrollment(1, **more)])
    assert [s.enrolled for s in students(path)] == [enrolled]


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("role", "Student", "no role of OneRoster"),
        ("status", "inactive", "neither active nor tobedeleted"),
        ("identifier", "1.2E+05", "turned this id into a number"),
        ("givenName", "", "This cell is empty"),
    ],
)
def test_a_row_with_a_fault_is_refused_with_its_place_and_without_its_value(
    tmp_path: Path, column: str, value: str, says: str
) -> None:
    path = package(tmp_path / "p.zip", users=[{**family(1)[0], column: value}, *family(2)])
    (found,) = [f for f in findings(path) if f.refused]
    assert str(found).startswith(f"users.csv, line 2, column {column}: ")
    assert says in str(found)
    assert not value or value not in str(found)
    assert len(students(path)) == 1


def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path) -> None:
    row = {**family(1)[0], "givenName": "", "familyName": "", "role": "pupil"}
    assert [f.column for f in findings(package(tmp_path / "p.zip", users=[row])) if f.refused] == [
        "givenName",
        "familyName",
        "role",
    ]


def test_after_a_row_that_nobody_can_be_told_from_nobody_counts_as_gone(tmp_path: Path) -> None:
    with RosterFacts() as facts:
        read(package(tmp_path / "p.zip", users=[{**family(1)[0], "givenName": ""}, *family(2)]), facts)
        assert facts.unattributed >= {"Student", "Contact"}


def test_a_deletion_in_a_bulk_file_is_an_absence(tmp_path: Path) -> None:
    gone = [{**row, "status": "tobedeleted"} for row in family(1)]
    assert [s.key for s in students(package(tmp_path / "p.zip", users=[*gone, *family(2)]))] == ["1002"]


def test_a_delta_is_not_the_whole_truth(tmp_path: Path) -> None:
    rows = [{**r, "status": "active", "dateLastModified": "2026-01-01T00:00:00.000Z"} for r in family(1)]
    path = package(tmp_path / "p.zip", mode="delta", users=rows, orgs=[], academicSessions=[])
    about = OneRoster(path, "77").open()
    with RosterFacts() as facts:
        assert read(path, facts, "77").complete is about.package.complete is False
        assert facts.count("Student") == 1
