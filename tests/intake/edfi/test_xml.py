"""Reading Ed-Fi interchange XML. https://docs.ed-fi.org/reference/data-exchange/data-standard"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from app.errors import HallpassError
from app.intake.edfi import xml as edfi
from app.intake.edfi.xml import interchanges, records
from tests.intake.support import GRAND_BEND, interchange, needs_grand_bend, read

STUDENT = "<Student><StudentUniqueId>1</StudentUniqueId></Student>"


@needs_grand_bend
def test_the_grand_bend_district_is_read_whole() -> None:
    """Each record of the sample district that has a shape is read, and the health and intervention files are not."""
    files, passed_over = interchanges(GRAND_BEND)
    found = Counter(name for file in files for name, _ in records(file.path))
    assert found == {
        "LocalEducationAgency": 1,
        "School": 3,
        "Student": 960,
        "Contact": 1873,
        "StudentContactAssociation": 1872,
    }
    assert passed_over == ["StudentHealth.xml", "StudentIntervention.xml"]


@needs_grand_bend
def test_an_identity_document_is_never_read() -> None:
    """What has no shape does not come out of the reader: no identity document, visa or citizenship."""
    everything = str([record for file in interchanges(GRAND_BEND)[0] for _, record in records(file.path)])
    for unwanted in ("PersonalIdentificationDocument", "Drivers license", "Visa", "Citizenship", "BirthSex"):
        assert unwanted not in everything


def test_a_record_keeps_its_texts_lists_and_references(tmp_path: Path) -> None:
    """Texts are trimmed, empty ones absent, repeated ones in order, and attributes named with @."""
    path = interchange(
        tmp_path,
        "Contact",
        "<StudentContactAssociation><ContactReference ref='C1'/><Relation> a\n b </Relation><LivesWith> </LivesWith>"
        "</StudentContactAssociation><Contact id='C1'><OtherName><FirstName>A</FirstName></OtherName>"
        "<OtherName><FirstName>B</FirstName></OtherName></Contact>",
    )
    assert read(path) == [
        ("StudentContactAssociation", {"ContactReference": [{"@ref": "C1"}], "Relation": ["a b"]}),
        ("Contact", {"@id": "C1", "OtherName": [{"FirstName": ["A"]}, {"FirstName": ["B"]}]}),
    ]


def test_an_element_of_another_namespace_is_not_taken_for_one_of_ed_fi(tmp_path: Path) -> None:
    """A vendor's extension element with a name of ours is passed over."""
    path = interchange(
        tmp_path, "Student", "<Student><x:StudentUniqueId xmlns:x='urn:x'>9</x:StudentUniqueId></Student>"
    )
    assert read(path) == [("Student", {})]


@pytest.mark.parametrize("system", ["SSN", "Canadian SIN", "Family", "Federal", "National Migrant", "Other", "made up"])
def test_a_social_security_number_is_never_read(tmp_path: Path, system: str) -> None:
    """Identification codes other than the school system's own do not come out of the reader."""
    path = interchange(
        tmp_path,
        "StudentEnrollment",
        "<StudentEducationOrganizationAssociation><StudentIdentificationCode><IdentificationCode>078-05-1120"
        "</IdentificationCode><StudentIdentificationSystem>uri://ed-fi.org/StudentIdentificationSystemDescriptor#"
        f"{system}</StudentIdentificationSystem></StudentIdentificationCode></StudentEducationOrganizationAssociation>",
    )
    assert read(path) == [("StudentEducationOrganizationAssociation", {})]


def test_entities_and_dtds_are_refused(tmp_path: Path) -> None:
    """A file with a DTD is refused before any entity could expand, and when it only declares the document type."""
    path = tmp_path / "Student.xml"
    for dtd in ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1/x">'):
        path.write_text(f"<?xml version='1.0'?>{dtd}<InterchangeStudent xmlns='http://ed-fi.org/5.2.0'/>")
        with pytest.raises(HallpassError, match=r"Student\.xml: a DTD or an entity is not accepted"):
            read(path)
        with pytest.raises(HallpassError, match="a DTD or an entity is not accepted"):
            interchanges(tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        "<Student><StudentUniqueId>" + "1" * 200_000 + "</StudentUniqueId></Student>",
        "<Student>" + "<OtherName/>" * 20_000 + "</Student>",
        "<Unread>" + "<x/>" * 50_000 + "</Unread>",
        "<Student x='" + "1" * 200_000 + "'/>",
    ],
    ids=["one endless text", "one endless record", "one endless record that is passed over", "one endless attribute"],
)
def test_a_record_larger_than_any_real_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """Neither an endless element nor an endless record is held in memory, whether it is one that is read or not."""
    monkeypatch.setattr(edfi, "MAX_RECORD_BYTES", 60_000)
    interchange(tmp_path, "Student", STUDENT * 5_000)
    assert len(read(tmp_path / "Student.xml")) == 5_000, "many small records are not one large one"
    interchange(tmp_path, "Student", body)
    with pytest.raises(HallpassError, match="one record is larger than 60000 bytes"):
        read(tmp_path / "Student.xml")


def test_a_truncated_file_is_refused_with_its_line(tmp_path: Path) -> None:
    """A file that breaks off is named with the line, and none of its content."""
    path = interchange(tmp_path, "Student", "\n\n" + STUDENT)
    path.write_text(path.read_text()[:-30])
    with pytest.raises(HallpassError, match=r"Student\.xml: .*line 3") as refused:
        read(path)
    assert "StudentUniqueId" not in str(refused.value)


def test_the_bytes_read_add_up_to_the_file(tmp_path: Path) -> None:
    """The callback of the progress bar is told of every byte."""
    path = interchange(tmp_path, "Student", STUDENT * 3_000)
    told: list[int] = []
    list(records(path, told.append))
    assert sum(told) == path.stat().st_size
    assert len(told) > 2, "it is told on the way"


def test_files_are_found_by_their_root_element(tmp_path: Path) -> None:
    """Any file name will do; the interchanges come in reading order, others and hidden files are left alone."""
    interchange(tmp_path, "Contact", "", file="a.xml")
    interchange(tmp_path, "Student", "", file="z.xml")
    interchange(tmp_path, "StudentGrade", "", file="grades.xml", version="4.0.0")
    (tmp_path / "other.xml").write_text("<feed xmlns='http://www.w3.org/2005/Atom'/>")
    (tmp_path / "._a.xml").write_bytes(b"\0")
    (tmp_path / "notes.txt").write_text("none")
    files, passed_over = interchanges(tmp_path)
    assert [(f.path.name, f.name) for f in files] == [("z.xml", "Student"), ("a.xml", "Contact")]
    assert passed_over == ["grades.xml", "other.xml"]


def test_another_version_of_the_standard_is_refused(tmp_path: Path) -> None:
    """An interchange of ours in another version of Ed-Fi is an error, not a file that is passed over."""
    interchange(tmp_path, "Student", STUDENT, version="3.3.0")
    with pytest.raises(HallpassError, match=r"Student\.xml is of Ed-Fi Data Standard 3\.3\.0\. Export it as"):
        interchanges(tmp_path)


@pytest.mark.parametrize("version", ["4.0.0", "5.2.0", "6.1.0"])
def test_a_parent_of_an_earlier_version_is_a_contact(tmp_path: Path, version: str) -> None:
    """What versions before 5 call Parent is what later ones call Contact."""
    interchange(tmp_path, "Student", STUDENT, version=version)
    body = (
        "<Parent id='P'><ParentUniqueId>7</ParentUniqueId></Parent><StudentParentAssociation>"
        "<ParentReference><ParentIdentity><ParentUniqueId>7</ParentUniqueId></ParentIdentity></ParentReference>"
        "</StudentParentAssociation>"
    )
    path = interchange(tmp_path, "Parent", body, version=version)
    assert [i.name for i in interchanges(tmp_path)[0]] == ["Student", "Contact"]
    assert read(path) == [
        ("Contact", {"@id": "P", "ContactUniqueId": ["7"]}),
        ("StudentContactAssociation", {"ContactReference": [{"ContactIdentity": [{"ContactUniqueId": ["7"]}]}]}),
    ]


def test_a_folder_without_students_is_refused(tmp_path: Path) -> None:
    """A folder that is not there, and one without a Student interchange, say so."""
    with pytest.raises(HallpassError, match="There is no folder"):
        interchanges(tmp_path / "nowhere")
    interchange(tmp_path, "Contact", "")
    with pytest.raises(HallpassError, match="no Ed-Fi Student interchange"):
        interchanges(tmp_path)
