"""The made-up district, and that memory does not grow with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.consent.codes import GUARDIAN_AUTHORITY
from app.fhir.validation.validate import issues
from app.intake.edfi.generate import AGENCY, generate
from app.intake.edfi.mapping import District
from tests.intake.support import organization, patient, related_person, stage

READ_ALL = """
import sys
from datetime import date
from pathlib import Path
import psutil
from app.intake.edfi.reader import EdFi
from app.intake.roster.build import Builder
from app.intake.roster.facts import RosterFacts

peak = done = 0

def sample(_=None):
    global peak, done
    done += 1
    if done % 500 == 0:
        peak = max(peak, psutil.Process().memory_info().rss)

with RosterFacts() as facts:
    EdFi(Path(sys.argv[1])).open().read(facts, date(2026, 1, 1), sample)
    facts.db.execute("INSERT INTO statement SELECT kind, key, 'p1', '{}' FROM fact WHERE kind IN ('School', 'Student')")
    builder = Builder(facts, "d1", date(2026, 1, 1))
    for kind in ("School", "Student", "Contact"):
        for key in builder.keys(kind):
            builder.build(kind, key)
            sample()
    print(facts.count("Contact"), peak // 1_000_000)
"""
"""Reads, joins and maps a folder; prints how many contacts it has and the most megabytes that were resident.

The process samples itself: the peak that the system keeps for a process begins with that of its parent.
"""


def test_the_same_seed_gives_the_same_district(tmp_path: Path) -> None:
    """Byte for byte, and another seed gives another one."""
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / folder, 20, seed=seed)
    read = {f: [p.read_bytes() for p in sorted((tmp_path / f).iterdir())] for f in "abc"}
    assert read["a"] == read["b"] != read["c"]


def test_the_made_up_district_has_what_a_real_one_has(tmp_path: Path) -> None:
    """Every record becomes a valid resource; some guardians have authority, some have none, most are not said."""
    generate(tmp_path, 40, contacts=3)
    district = District(AGENCY)
    with stage(tmp_path) as staging:
        schools = [organization(s.record, district) for s in staging.schools(AGENCY)]
        students = [patient(s.student, s.demographics, s.enrollments, district) for s in staging.students(AGENCY)]
        contacts = [
            related_person(c.contact, c.association, c.student, "p1", district) for c in staging.contacts() if c.contact
        ]
    assert (len(schools), len(students), len(contacts)) == (3, 40, 120)
    assert all(not issues(r["resourceType"], r) for r in schools + students + contacts)
    assert all({"gender", "address", "communication", "extension"} <= s.keys() for s in students)
    authority = [e["valueBoolean"] for c in contacts for e in c["extension"] if e["url"] == GUARDIAN_AUTHORITY]
    assert sorted(authority) == [False] * 4 + [True] * 4


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """Ten times the district (20 MB of XML) is read, joined and mapped in the memory of the small one."""

    def peak(students: int) -> int:
        folder = tmp_path / str(students)
        generate(folder, students)
        ran = subprocess.run(
            [sys.executable, "-c", READ_ALL, str(folder)], capture_output=True, text=True, check=True, timeout=120
        )
        contacts, megabytes = map(int, ran.stdout.split())
        assert contacts == students * 2
        return megabytes

    assert peak(5_000) - peak(500) < 8
