"""The import as a command: into the real exchange, and what cannot run at all."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from rich.console import Console

from app.auth.jose import generate as generate_key
from app.db.engine import Database
from app.errors import HallpassError, Kind
from app.intake.command import Job, run
from app.intake.edfi.generate import AGENCY, generate
from app.intake.edfi.reader import EdFi
from app.intake.roster.statements import content, group
from tests.intake.importing import Importing, importing_into
from tests.intake.stand_in import StandIn
from tests.intake.support import GRAND_BEND, interchange, needs_grand_bend


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    """A district of twelve students that was not imported yet."""
    generate(tmp_path / "folder", 12)
    async with importing_into(db, tmp_path) as found:
        yield found


def source(importing: Importing, agency: str | None = None) -> EdFi:
    return EdFi(importing.folder / "folder", agency)


@needs_grand_bend
async def test_the_grand_bend_district_arrives_whole(importing: Importing) -> None:
    """Schools, students and contacts are stored, each contact with its student, and nothing else of them."""
    report = await importing.run(EdFi(GRAND_BEND))
    assert report.refused == 0, importing.printed
    assert [importing.counts(kind) for kind in ("School", "Student", "Contact", "Enrollment")] == [
        {"created": 3},
        {"created": 960},
        {"created": 1872},
        {},
    ]
    assert "not sent: 1 Contact that no student has." in importing.printed
    assert "not read: StudentHealth.xml, StudentIntervention.xml." in importing.printed
    patients = {f"Patient/{p['id']}": p for p in await importing.every("/Patient?_count=500")}
    for contact in await importing.every("/RelatedPerson?_count=500"):
        student = patients[contact["patient"]["reference"]]["identifier"][0]["value"]
        assert contact["identifier"][0]["value"].startswith(f"{student}/")


async def test_a_second_run_writes_nothing(importing: Importing) -> None:
    """Every record is told to be unchanged, and none has a new version."""
    await importing.run(source(importing))
    assert importing.counts("Contact") == {"created": 24}
    before = await importing.every("/RelatedPerson?_count=500")
    await importing.run(source(importing))
    assert [importing.counts(kind) for kind in ("School", "Student", "Contact", "Enrollment")] == [
        {"unchanged": 3},
        {"unchanged": 12},
        {"unchanged": 24},
        {"unchanged": 3},
    ]
    assert await importing.every("/RelatedPerson?_count=500") == before


async def test_a_changed_record_is_the_only_one_changed(importing: Importing) -> None:
    """A new name of one student changes its Patient and no other resource, and the element is told."""
    await importing.run(source(importing))
    students = importing.folder / "folder" / "Student.xml"
    students.write_text(students.read_text().replace("<FirstName>", "<FirstName>X", 1))
    report = await importing.run(source(importing))
    assert (importing.counts("Student"), importing.counts("Contact")) == (
        {"changed": 1, "unchanged": 11},
        {"unchanged": 24},
    )
    assert report.json()["elements"] == {"Patient.name": 1}


async def test_a_dry_run_says_what_would_change_and_writes_nothing(importing: Importing) -> None:
    await importing.run(source(importing), dry_run=True)
    assert importing.counts("Contact") == {"created": 24}
    assert await importing.every("/Patient") == await importing.every("/Group") == []
    await importing.run(source(importing))
    students = importing.folder / "folder" / "Student.xml"
    students.write_text(students.read_text().replace("<FirstName>", "<FirstName>X", 1))
    report = await importing.run(source(importing), dry_run=True)
    assert (importing.counts("Student"), report.json()["elements"]) == (
        {"changed": 1, "unchanged": 11},
        {"Patient.name": 1},
    )
    assert not [p for p in await importing.every("/Patient") if p["name"][0]["given"][0].startswith("X")]


async def test_the_district_comes_from_the_token_and_the_folder(importing: Importing) -> None:
    """managingOrganization and partOf are the caller's organization, identifier systems the agency's."""
    await importing.run(source(importing))
    student = await importing.one(f"/Patient?identifier=urn:edfi:{AGENCY}:student|S0000001")
    part = f"partof={importing.district.reference['reference']}"
    school = await importing.one(f"/Organization?identifier=urn:edfi:{AGENCY}:school|900100001&{part}")
    assert school["partOf"] == student["managingOrganization"] == importing.district.reference


async def test_an_association_that_joins_nothing_is_refused_and_the_others_go_in(importing: Importing) -> None:
    """A contact or a student that is not in the folder is said to be so, with the line of the association."""
    contacts = importing.folder / "folder" / "Contact.xml"
    contacts.write_text(
        contacts.read_text()
        .replace('<ContactReference ref="CTCT_C000000100"/>', '<ContactReference ref="CTCT_X"/>')
        .replace("<StudentUniqueId>S0000002<", "<StudentUniqueId>S9<")
    )
    report = await importing.run(source(importing))
    assert report.refused == 3
    assert "refused: Contact S9/C000000200: Contact.xml, line " in importing.printed
    assert "Its Student is not in the folder.\n" in importing.printed
    assert "refused: Contact S0000001/ Contact.xml CTCT_X: Contact.xml, line " in importing.printed
    assert "Its Contact is not in the folder.\n" in importing.printed


async def test_a_record_that_cannot_be_read_is_refused_with_every_fault_and_its_line(importing: Importing) -> None:
    """A record with faults is named with file, line and element, is not sent, and does not keep the others."""
    contacts = importing.folder / "folder" / "Contact.xml"
    broken = contacts.read_text().replace("<LivesWith>true<", "<LivesWith>perhaps<", 1)
    contacts.write_text(broken.replace("<LegalGuardian>false<", "<LegalGuardian>maybe<", 1))
    students = importing.folder / "folder" / "Student.xml"
    students.write_text(students.read_text().replace("</InterchangeStudent>", "<Student/></InterchangeStudent>"))
    await importing.run(source(importing))
    line = broken[: broken.index("<LivesWith>perhaps")].count("\n") - 7
    assert f"Contact.xml, line {line}, column LivesWith: This element is true or false.\n" in importing.printed
    assert f"Contact.xml, line {line}, column LegalGuardian: This element is true or false.\n" in importing.printed
    assert "column StudentUniqueId: This element is required.\n" in importing.printed
    assert importing.counts("Contact") == {"created": 23, "refused": 1}
    assert importing.counts("Student") == {"created": 12, "refused": 1}


async def test_nothing_is_sent_of_a_truncated_folder(importing: Importing) -> None:
    """A file that breaks off ends the import with one line before anything has been sent."""
    contacts = importing.folder / "folder" / "Contact.xml"
    contacts.write_text(contacts.read_text()[:-100])
    assert (await importing.refused(source(importing))).startswith("Contact.xml: ")
    assert await importing.every("/Patient") == await importing.every("/Group") == []


async def test_a_folder_of_several_agencies_asks_which(importing: Importing) -> None:
    """The agency is never guessed; once it is given, only its schools are sent."""
    other = "<LocalEducationAgency><LocalEducationAgencyId>7</LocalEducationAgencyId></LocalEducationAgency>"
    interchange(importing.folder / "folder", "EducationOrganization", other, file="other.xml")
    why = await importing.refused(source(importing))
    assert why == f"Say which local education agency this is; the folder has 7, {AGENCY}."
    await importing.run(source(importing, "7"))
    assert importing.counts("School") == {}
    assert (await importing.every("/Patient"))[0]["identifier"][0]["system"] == "urn:edfi:7:student"


class Command:
    """The command against a foreign exchange that knows tokens only."""

    def __init__(self, stand_in: StandIn, folder: Path) -> None:
        self.stand_in, self.folder = stand_in, folder
        self.key_file = folder / "key.json"
        self.key_file.write_bytes(orjson.dumps(stand_in.key))
        generate(folder / "folder", 2)

    def run(self, **options: Any) -> tuple[int, str]:
        """The exit status and what was printed."""
        out = io.StringIO()
        given: dict[str, Any] = {
            "source": EdFi(self.folder / "folder"),
            "base_url": self.stand_in.base_url,
            "client_id": "district",
            "key_file": self.key_file,
        }
        status = run(Job(**(given | options)), console=Console(file=out, width=200), report_file=self.folder / "r.json")
        return status, out.getvalue()


@pytest.fixture
def command(stand_in: StandIn, tmp_path: Path) -> Command:
    return Command(stand_in, tmp_path)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"source": EdFi(Path("nowhere"))}, "There is no folder nowhere."),
        ({"key_file": Path("nowhere.json")}, "There is no private JWK in nowhere.json."),
        ({"base_url": "http://exchange.example"}, "http://exchange.example is not https."),
        ({"base_url": "exchange.example"}, "exchange.example is not the address of an exchange."),
        ({"organization": "d 1"}, "The exchange does not tell the district's organization: give its id."),
    ],
)
def test_what_cannot_run_says_so_in_one_line(command: Command, options: dict[str, Any], line: str) -> None:
    """Exit status 2, one clear line here and in the report, nothing sent."""
    status, printed = command.run(**options)
    assert (status, printed.splitlines()[-1]) == (2, line)
    told = orjson.loads((command.folder / "r.json").read_bytes())
    assert (told["status"], told["error"]) == (2, line)
    assert command.stand_in.bundles == []


def test_a_client_that_cannot_authenticate_says_so(command: Command) -> None:
    """A key that the exchange does not know is exit status 2, before the folder is read."""
    command.stand_in.key = generate_key()
    assert command.run() == (2, f"{command.stand_in.base_url}/auth/token gave no token: invalid_client\n")


def test_an_address_where_nobody_answers_says_so(command: Command) -> None:
    """A closed port is exit status 2 after a few attempts."""
    status, printed = command.run(base_url="http://127.0.0.1:9")
    assert (status, printed) == (2, "http://127.0.0.1:9/fhir cannot be reached, or stays too busy.\n")


async def test_two_imports_at_once_are_one(importing: Importing) -> None:
    """The second says that another is running, and writes nothing."""
    await importing.run(source(importing))
    head = await importing.one("/Group?identifier=https://hallpass.example/fhir/NamingSystem/import/edfi|head")
    held = {**content(head), "running": {"host": "elsewhere", "pid": 1, "at": "2999-01-01T00:00:00+00:00"}}
    await importing.district.save({**group("edfi", "head", held), "id": head["id"]})
    with pytest.raises(HallpassError) as busy:
        await importing.run(source(importing))
    assert busy.value.kind is Kind.CONFLICT
    assert busy.value.issues[0].text.startswith("Another import of this source is running.")


def test_what_asks_a_server_loads_none_itself() -> None:
    """A nightly import that changes nothing would take longer to load the server than to be done."""
    asks = ("imports", "guardians", "export", "directory", "token")
    code = f"import sys, {', '.join(f'app.commands.{name}' for name in asks)}; print('fastapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
