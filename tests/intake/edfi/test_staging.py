"""Joining the records of a folder on disk. https://www.sqlite.org/inmemorydb.html#temp_db"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.errors import HallpassError
from app.intake.edfi.staging import Staging
from tests.intake.support import GRAND_BEND, interchange, needs_grand_bend, stage


def student(number: str, xml: str = "") -> str:
    return f"<Student {xml}><StudentUniqueId>{number}</StudentUniqueId></Student>"


def contact(number: str) -> str:
    return f"<Contact id='C{number}'><ContactUniqueId>{number}</ContactUniqueId></Contact>"


def association(of: str, contact: str, more: str = "") -> str:
    return f"<StudentContactAssociation>{of}{contact}{more}</StudentContactAssociation>"


def student_is(number: str) -> str:
    return (
        "<StudentReference><StudentIdentity><StudentUniqueId>"
        f"{number}</StudentUniqueId></StudentIdentity></StudentReference>"
    )


def contact_is(number: str) -> str:
    return (
        "<ContactReference><ContactIdentity><ContactUniqueId>"
        f"{number}</ContactUniqueId></ContactIdentity></ContactReference>"
    )


CONTACT_REF = "<ContactReference ref='C9'/>"


@needs_grand_bend
def test_every_association_of_the_grand_bend_district_finds_its_contact_and_student() -> None:
    """1,872 associations by reference, and the one contact that no student has."""
    with stage(GRAND_BEND) as staging:
        contacts = list(staging.contacts())
        assert len(contacts) == 1872
        assert all(c.contact and c.student_known and not c.clash for c in contacts)
        assert staging.contacts_of_no_student() == 1
        assert staging.agencies() == ["255901"]
        assert [s.key for s in staging.schools("255901")] == ["255901001", "255901044", "255901107"]


def test_a_reference_may_point_ahead_or_name_the_key(tmp_path: Path) -> None:
    """A ref to a record further down the file and an identity lead to the same contact."""
    interchange(tmp_path, "Student", student("1") + student("2"))
    body = association(student_is("1"), CONTACT_REF) + contact("9") + association(student_is("2"), contact_is("9"))
    interchange(tmp_path, "Contact", body)
    with stage(tmp_path) as staging:
        assert [(c.student, c.key, c.contact is not None) for c in staging.contacts()] == [
            ("1", "9", True),
            ("2", "9", True),
        ]


def test_a_reference_points_into_its_own_file(tmp_path: Path) -> None:
    """An XML id is unique in one document: the same id in another file is another record."""
    interchange(tmp_path, "Student", student("1"))
    interchange(tmp_path, "Contact", contact("9") + association(student_is("1"), CONTACT_REF), file="a.xml")
    interchange(tmp_path, "Contact", contact("9").replace("Id>9<", "Id>10<"), file="b.xml")
    with stage(tmp_path) as staging:
        assert [c.key for c in staging.contacts()] == ["9"]


def test_what_is_joined_to_nothing_is_still_told(tmp_path: Path) -> None:
    """An association with a contact or a student that is not in the folder comes out, without it."""
    interchange(tmp_path, "Student", student("1"))
    body = association(student_is("1"), contact_is("7")) + contact("9") + association(student_is("8"), CONTACT_REF)
    interchange(tmp_path, "Contact", body)
    with stage(tmp_path) as staging:
        found = [(c.student, c.key, c.contact is not None, c.student_known) for c in staging.contacts()]
    assert found == [("1", "7", False, True), ("8", "9", True, False)]


def test_two_that_contradict_each_other_are_told_with_both_lines(tmp_path: Path) -> None:
    """A record that is there twice with other content joins nothing; the same again is one."""
    interchange(tmp_path, "Student", student("1") + "\n" + student("2") + "\n" + student("2", "id='again'"))
    other = contact("9").replace("</Contact>", "<Sex>#Male</Sex></Contact>")
    interchange(tmp_path, "Contact", f"{contact('9')}\n\n{other}{association(student_is('1'), contact_is('9'))}")
    told: list[tuple[str, str, str, str]] = []
    with stage(tmp_path, lambda kind, key, one, other: told.append((kind, key, str(one), str(other)))) as staging:
        assert [(c.contact, c.clash) for c in staging.contacts()] == [(None, True)]
        assert [s.key for s in staging.students("")] == ["1", "2"]
    assert told == [("Contact", "9", "Contact.xml, line 3", "Contact.xml, line 1")]


def test_a_student_comes_with_its_associations_the_districts_first(tmp_path: Path) -> None:
    """Demographics of the agency itself before those of its schools; enrollments by school and entry date."""
    interchange(tmp_path, "Student", student("1"))
    demographics = "".join(
        f"<StudentEducationOrganizationAssociation>{student_is('1')}<EducationOrganizationReference>"
        f"<EducationOrganizationIdentity><EducationOrganizationId>{o}</EducationOrganizationId>"
        f"</EducationOrganizationIdentity></EducationOrganizationReference><Sex>#{o}</Sex>"
        "</StudentEducationOrganizationAssociation>"
        for o in ("10", "99", "20")
    )
    enrollments = "".join(
        f"<StudentSchoolAssociation>{student_is('1')}<SchoolReference><SchoolIdentity><SchoolId>10</SchoolId>"
        f"</SchoolIdentity></SchoolReference><EntryDate>{d}</EntryDate></StudentSchoolAssociation>"
        for d in ("2025-08-25", "2024-08-25")
    )
    interchange(tmp_path, "StudentEnrollment", demographics + enrollments)
    with stage(tmp_path) as staging:
        found = next(staging.students("99"))
    assert [d["Sex"] for d in found.demographics] == [["#99"], ["#10"], ["#20"]]
    assert [e["EntryDate"] for e in found.enrollments] == [["2024-08-25"], ["2025-08-25"]]


def test_only_the_agencys_own_schools_come(tmp_path: Path) -> None:
    """A school of another agency is not the district's; one that names none is."""
    interchange(tmp_path, "Student", "")
    agencies = "".join(
        f"<LocalEducationAgency id='L{n}'><LocalEducationAgencyId>{n}</LocalEducationAgencyId></LocalEducationAgency>"
        for n in (1, 2)
    )
    schools = "".join(
        f"<School><SchoolId>{n}</SchoolId>{of}</School>"
        for n, of in (
            (10, "<LocalEducationAgencyReference ref='L1'/>"),
            (20, "<LocalEducationAgencyReference ref='L2'/>"),
            (30, ""),
        )
    )
    interchange(tmp_path, "EducationOrganization", schools + agencies)
    with stage(tmp_path) as staging:
        assert staging.agencies() == ["1", "2"]
        assert [s.key for s in staging.schools("1")] == ["10", "30"]


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("Student", "StudentUniqueId"),
        ("StudentContactAssociation", "StudentReference"),
        ("School", "SchoolId"),
    ],
)
def test_a_record_that_does_not_say_what_it_is_is_refused(name: str, expression: str) -> None:
    """A missing key or an empty reference is an error at its element."""
    with Staging() as staging, pytest.raises(HallpassError) as refused:
        staging.add("a.xml", name, {})
    assert refused.value.issues[0].expression == expression


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While records are staged, more of them than the cache holds, no file has a name."""
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    with Staging() as staging:
        for number in range(20_000):
            staging.add("a.xml", "Student", {"StudentUniqueId": [f"{number}"], "Name": [{"FirstName": ["x" * 300]}]})
        staging.resolve()
        assert os.listdir(tmp_path) == []
        assert staging.count("Student") == 20_000
