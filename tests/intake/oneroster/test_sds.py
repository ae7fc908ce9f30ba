"""School Data Sync 2 and 2.1: what the files of others become, and what is refused of them. docs/roster-refusals.md"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import HallpassError
from app.intake.oneroster.sds import SchoolDataSync
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import KINDS, Contact, Finding, Student
from tests.intake.oneroster.support import SHARED, TODAY, needs_shared

FILES = {
    "orgs": "sourcedId,name,type\ns,North,School\nu,College,college\nm,Ministry,ministryofeducation\n",
    "users": "sourcedId,username,givenName,familyName,password,email\n"
    "1,a,Ana,Rivera,hush-hush,\n2,b,Luz,Rivera,hush-hush,luz@home.example\n3,c,Kai,Rowe,hush-hush,\n",
    "roles": "userSourcedId,orgSourcedId,role,grade,roleStartDate,roleEndDate\n"
    "1,s,student,10,2025-08-25,\n3,s,Professor,,,\n",
    "relationships": "userSourcedId,relationshipUserSourcedId,relationshipRole\n1,2,guardian\n",
    "demographics": 'userSourcedId,sex,birthDate,raceCodes\n1,female,2014-03-09,"asian, white"\n',
}


def facts_of(source: SchoolDataSync) -> tuple[dict[str, int], list[Finding], list[Student], list[Contact], str]:
    """The counts of what is read, what is found, and all of it as text."""
    found: list[Finding] = []
    with RosterFacts(found.append) as facts:
        source.open().read(facts, TODAY, lambda _: None)
        counts = {kind: n for kind in sorted(KINDS) if (n := facts.count(kind))}
        text = repr(facts.db.execute("SELECT CAST(body AS TEXT) FROM fact").fetchall()) + repr(found)
        return counts, found, list(facts.all(Student)), list(facts.all(Contact)), text


def written(folder: Path, **files: str) -> SchoolDataSync:
    for name, text in (FILES | files).items():
        (folder / f"{name}.csv").write_text(text)
    return SchoolDataSync(folder, "77", ("professor",))


def test_people_are_read_with_their_roles_and_a_guardian_has_no_authority(tmp_path: Path) -> None:
    counts, _, (student,), (contact,), text = facts_of(written(tmp_path))
    assert counts == {"Contact": 1, "Enrollment": 1, "Post": 1, "School": 2, "Staff": 1, "Student": 1}
    assert (student.gender, student.birth_date, student.enrolled) == ("female", "2014-03-09", True)
    assert (contact.student, contact.authority) == ("1", False)
    assert "hush-hush" not in text


def test_a_relation_that_is_none_of_a_guardians_refuses_its_row_alone(tmp_path: Path) -> None:
    files = {"relationships": FILES["relationships"] + "1,3,friend\n"}
    counts, found, *_ = facts_of(written(tmp_path, **files))
    assert [str(f) for f in found if f.refused] == [
        "relationships.csv, line 3, column relationshipRole: This is neither parent, guardian nor relative."
        " A relation is not guessed."
    ]
    assert counts["Contact"] == 1


def test_files_of_version_1_are_refused(tmp_path: Path) -> None:
    (tmp_path / "student.csv").write_text("SIS ID,Name\n1,Ana\n")
    with pytest.raises(HallpassError) as e:
        SchoolDataSync(tmp_path, "77").open()
    assert "There is no orgs.csv and no users.csv." in e.value.issues[0].text


@needs_shared
@pytest.mark.parametrize(
    ("folder", "counts"),
    [
        (SHARED.parent / "roster-sds-v2.1", {"Contact": 3, "Enrollment": 4, "School": 2, "Student": 4}),
        (SHARED / "sds-v2", {"Enrollment": 22, "School": 4, "Student": 22}),
    ],
    ids=["v2.1", "v2"],
)
def test_the_samples_of_microsoft_go_in_whole_and_without_a_password(folder: Path, counts: dict[str, int]) -> None:
    found, findings, _, _, text = facts_of(SchoolDataSync(folder, "77"))
    assert found == counts
    assert not any(f.refused for f in findings)
    assert "P@ssword" not in text
