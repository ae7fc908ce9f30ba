"""The made-up district, and that memory does not grow with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.fhir.validation.validate import issues
from app.intake.generate import AGENCY, generate
from app.intake.mapping import GUARDIAN_AUTHORITY, District, organization, patient, related_person
from tests.intake.support import stage

READ_ALL = """
import sys
from pathlib import Path
import psutil
from app.intake import plan
from app.intake.edfi import interchanges, records
from app.intake.mapping import District
from app.intake.staging import Staging

peak = done = 0

def sample():
    global peak, done
    done += 1
    if done % 500 == 0:
        peak = max(peak, psutil.Process().memory_info().rss)

with Staging() as staging:
    for file in interchanges(Path(sys.argv[1]))[0]:
        for name, record in records(file.path):
            staging.add(file.path.name, name, record)
            sample()
    staging.resolve()
    district = District("900100", "d1")
    for entry in plan.students(staging, district, print):
        staging.remember(entry.key, "p1")
        sample()
    contacts = 0
    for entry in plan.contacts(staging, district, print):
        contacts += 1
        sample()
print(contacts, peak // 1_000_000)
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
    district = District(AGENCY, "d1")
    with stage(tmp_path) as staging:
        schools = [organization(s, district) for _, s in staging.schools(AGENCY)]
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
