"""The import as a command, against a foreign exchange over real HTTP."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from app.auth.jose import generate as generate_key
from app.fhir.validation.validate import issues
from app.intake.command import run
from app.intake.generate import AGENCY, generate
from tests.intake.stand_in import StandIn, outcome
from tests.intake.support import GRAND_BEND, interchange, needs_grand_bend


class Import:
    """An import of a folder into a stand-in, with what it printed."""

    def __init__(self, stand_in: StandIn, folder: Path, key_file: Path) -> None:
        self.stand_in, self.folder, self.key_file = stand_in, folder, key_file
        key_file.write_bytes(orjson.dumps(stand_in.key))
        self.printed = ""

    def run(self, **options: Any) -> int:
        """Run it, and return its exit status."""
        out = io.StringIO()
        arguments: dict[str, Any] = {
            "folder": self.folder,
            "base_url": self.stand_in.base_url,
            "client_id": "district",
            "key_file": self.key_file,
            "console": Console(file=out, width=200),
        }
        status = run(**(arguments | options))
        self.printed = out.getvalue()
        return status

    def row(self, name: str) -> list[int]:
        """The counts of a row of the table: created, changed, unchanged, refused."""
        line = next(line for line in self.printed.splitlines() if line.startswith(f"│ {name}"))
        return [int(cell) for cell in line.split("│")[3:7]]


@pytest.fixture
def importing(stand_in: StandIn, tmp_path: Path) -> Import:
    """An import of a made-up district of twelve students."""
    generate(tmp_path / "folder", 12)
    return Import(stand_in, tmp_path / "folder", tmp_path / "key.json")


@needs_grand_bend
def test_the_grand_bend_district_arrives_whole(stand_in: StandIn, tmp_path: Path) -> None:
    """Schools, students and contacts are stored, valid, each contact with its student, and nothing else of them."""
    importing = Import(stand_in, GRAND_BEND, tmp_path / "key.json")
    assert importing.run() == 0, importing.printed
    assert (importing.row("School"), importing.row("Student"), importing.row("Contact")) == (
        [3, 0, 0, 0],
        [960, 0, 0, 0],
        [1872, 0, 0, 0],
    )
    assert "not sent: 1 Contact that no student has." in importing.printed
    assert "not read: StudentHealth.xml, StudentIntervention.xml." in importing.printed
    assert [f for r in stand_in.store.values() for f in issues(r["resourceType"], r)] == []
    patients = {f"Patient/{p['id']}": p for p in stand_in.of("Patient")}
    for contact in stand_in.of("RelatedPerson"):
        student = patients[contact["patient"]["reference"]]["identifier"][0]["value"]
        assert contact["identifier"][0]["value"].startswith(f"{student}/")
    assert all(b"Drivers license" not in body and b"BirthSex" not in body for body in stand_in.bodies)


def test_a_second_run_changes_nothing(importing: Import) -> None:
    """The end state is the same, and every record is told to be unchanged."""
    assert importing.run() == 0
    assert importing.row("Contact") == [24, 0, 0, 0]
    before = copy.deepcopy(importing.stand_in.store)
    assert importing.run() == 0
    assert (importing.row("School"), importing.row("Student"), importing.row("Contact")) == (
        [0, 0, 3, 0],
        [0, 0, 12, 0],
        [0, 0, 24, 0],
    )
    assert importing.stand_in.store == before


def test_a_changed_record_is_the_only_one_changed(importing: Import) -> None:
    """A new name of one student changes its Patient and no other resource."""
    importing.run()
    students = importing.folder / "Student.xml"
    students.write_text(students.read_text().replace("<FirstName>", "<FirstName>X", 1))
    assert importing.run() == 0
    assert (importing.row("Student"), importing.row("Contact")) == ([0, 1, 11, 0], [0, 0, 24, 0])


def test_the_district_comes_from_the_token_and_the_folder(importing: Import) -> None:
    """managingOrganization and partOf are the caller's organization, identifier systems the agency's."""
    importing.run()
    (school, *_), (student, *_) = importing.stand_in.of("Organization"), importing.stand_in.of("Patient")
    assert school["partOf"] == student["managingOrganization"] == {"reference": "Organization/d1"}
    assert student["identifier"][0]["system"] == f"urn:edfi:{AGENCY}:student"


def test_the_district_can_be_given(importing: Import) -> None:
    """An option is taken before what the token says, and is asked for where the token says nothing."""
    importing.stand_in.organization = None
    assert importing.run() == 2
    assert importing.printed == "The exchange does not tell the district's organization: give its id.\n"
    assert importing.stand_in.bundles == []
    assert importing.run(organization="d2") == 0
    assert importing.stand_in.of("Patient")[0]["managingOrganization"] == {"reference": "Organization/d2"}


def test_organizations_go_first_and_contacts_last(importing: Import) -> None:
    """What is referred to is there before what refers to it."""
    importing.run()
    sent = [key.partition("?")[0] for keys in importing.stand_in.bundles for key in keys]
    assert sent == ["Organization"] * 3 + ["Patient"] * 12 + ["RelatedPerson"] * 24


def test_a_refused_student_is_named_with_its_reason_and_so_are_its_contacts(importing: Import) -> None:
    """Exit status 1; one line for each refused record by its Ed-Fi id; its contacts are not sent."""
    refusal = outcome("The birth date is in the future.", "Patient.birthDate")
    importing.stand_in.refusals[f"Patient?identifier=urn:edfi:{AGENCY}:student|S0000003"] = refusal
    assert importing.run() == 1
    assert "refused: Student S0000003: The birth date is in the future. (Patient.birthDate)\n" in importing.printed
    assert "refused: Contact C000000300 of student S0000003: Its Student was refused.\n" in importing.printed
    assert (importing.row("Student"), importing.row("Contact")) == ([11, 0, 0, 1], [22, 0, 0, 2])


def test_a_record_that_cannot_be_mapped_is_refused_here(importing: Import) -> None:
    """A record with a fault is named with the element, is not sent, and does not keep the others."""
    contacts = importing.folder / "Contact.xml"
    contacts.write_text(contacts.read_text().replace("<LivesWith>true<", "<LivesWith>perhaps<", 1))
    students = importing.folder / "Student.xml"
    students.write_text(students.read_text().replace("</InterchangeStudent>", "<Student/></InterchangeStudent>"))
    assert importing.run() == 1
    assert "Contact C000000100 of student S0000001: This element is true or false. (LivesWith)\n" in importing.printed
    assert "refused: Student in Student.xml: This element is required. (StudentUniqueId)\n" in importing.printed
    assert (importing.row("Student"), importing.row("Contact")) == ([12, 0, 0, 1], [23, 0, 0, 1])


def test_an_association_that_joins_nothing_is_refused_here(importing: Import) -> None:
    """A contact or a student that is not in the folder is said to be so, by the reference as the file has it."""
    contacts = importing.folder / "Contact.xml"
    contacts.write_text(
        contacts.read_text()
        .replace('<ContactReference ref="CTCT_C000000100"/>', '<ContactReference ref="CTCT_X"/>')
        .replace("<StudentUniqueId>S0000002<", "<StudentUniqueId>S9<")
    )
    assert importing.run() == 1
    assert (
        "refused: Contact Contact.xml CTCT_X of student S0000001: Its Contact is not in the folder.\n"
        in importing.printed
    )
    assert "refused: Contact C000000200 of student S9: Its Student is not in the folder.\n" in importing.printed


def test_nothing_is_sent_of_a_truncated_folder(importing: Import) -> None:
    """A file that breaks off ends the import with one line before anything has been sent."""
    contacts = importing.folder / "Contact.xml"
    contacts.write_text(contacts.read_text()[:-100])
    assert importing.run() == 2
    assert importing.printed.splitlines()[-1].startswith("Contact.xml: ")
    assert importing.stand_in.bundles == []


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"folder": Path("nowhere")}, "There is no folder nowhere."),
        ({"key_file": Path("nowhere.json")}, "There is no private JWK in nowhere.json."),
        ({"base_url": "http://exchange.example"}, "http://exchange.example is not https."),
        ({"base_url": "exchange.example"}, "exchange.example is not the address of an exchange."),
        ({"agency": "12345"}, "The folder is not of the local education agency 12345."),
        ({"organization": "d 1"}, "The exchange does not tell the district's organization: give its id."),
    ],
)
def test_what_cannot_run_says_so_in_one_line(importing: Import, options: dict[str, Any], line: str) -> None:
    """Exit status 2, one clear line, nothing sent."""
    assert importing.run(**options) == 2
    assert importing.printed.splitlines()[-1] == line
    assert importing.stand_in.bundles == []


def test_a_client_that_cannot_authenticate_says_so(importing: Import) -> None:
    """A key that the exchange does not know is exit status 2, before the folder is read."""
    importing.stand_in.key = generate_key()
    assert importing.run() == 2
    assert importing.printed == f"{importing.stand_in.base_url}/auth/token gave no token: invalid_client\n"


def test_an_address_where_nobody_answers_says_so(importing: Import) -> None:
    """A closed port is exit status 2 after a few attempts."""
    assert importing.run(base_url="http://127.0.0.1:9") == 2
    assert importing.printed == "http://127.0.0.1:9/fhir cannot be reached, or stays too busy.\n"


def test_a_folder_of_several_agencies_asks_which(importing: Import) -> None:
    """The agency is never guessed; once it is given, only its schools are sent."""
    other = "<LocalEducationAgency><LocalEducationAgencyId>7</LocalEducationAgencyId></LocalEducationAgency>"
    interchange(importing.folder, "EducationOrganization", other, file="other.xml")
    assert importing.run() == 2
    assert importing.printed.splitlines()[-1] == (
        f"Say which local education agency this is; the folder has 7, {AGENCY}."
    )
    assert importing.run(agency="7") == 0
    assert importing.stand_in.of("Organization") == []
    assert importing.stand_in.of("Patient")[0]["identifier"][0]["system"] == "urn:edfi:7:student"
