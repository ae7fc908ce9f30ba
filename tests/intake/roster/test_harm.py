"""An import of unchanged files opens nothing that a person closed. docs/whose-word-counts.md"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.consent import codes as c
from app.db.engine import Database
from app.intake.edfi.generate import AGENCY, generate
from app.intake.edfi.reader import EdFi
from tests.intake.importing import Importing, importing_into

STUDENTS = 12
ENDED_PERIOD = {"start": "2020-01-01", "end": "2020-12-31"}
NOT = [{"url": c.GUARDIAN_AUTHORITY, "valueBoolean": False}]


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    generate(tmp_path / "folder", STUDENTS)
    async with importing_into(db, tmp_path) as found:
        await found.run(EdFi(tmp_path / "folder"))
        yield found


async def family(importing: Importing, number: int = 2) -> tuple[dict[str, Any], dict[str, Any]]:
    """A student and its mother."""
    student = await importing.one(f"/Patient?identifier=urn:edfi:{AGENCY}:student|S{number:07}")
    identifier = f"urn:edfi:{AGENCY}:student-contact|S{number:07}/C{number:07}00"
    return student, await importing.one(f"/RelatedPerson?identifier={identifier}")


async def again(importing: Importing) -> None:
    await importing.run(EdFi(importing.folder / "folder"))


@pytest.mark.parametrize(
    "closing",
    [{"active": False}, {"period": ENDED_PERIOD}, {"extension": NOT}, {"relationship": None}],
    ids=lambda closing: next(iter(closing)),
)
async def test_a_guardian_whom_a_person_ended_is_ended_after_an_unchanged_import(
    importing: Importing, closing: dict[str, Any]
) -> None:
    student, mother = await family(importing)
    await importing.sign(student, mother)
    assert await importing.sees(student)
    await importing.change(mother, **closing)
    assert not await importing.sees(student)
    await again(importing)
    assert not await importing.sees(student)
    now = (await importing.district.get(f"/RelatedPerson/{mother['id']}")).json()
    assert {k: now.get(k) for k in closing} == closing


@pytest.mark.parametrize(
    "decided",
    [
        {"active": False},
        {"deceasedBoolean": True},
        {"meta": {"security": [{"system": c.CONFIDENTIALITY_SYSTEM, "code": "R"}]}},
        {"gender": "other"},
        {"telecom": [{"system": "phone", "value": "555-0199"}]},
    ],
    ids=lambda decided: next(iter(decided)),
)
async def test_what_a_person_decided_about_a_student_stands_after_an_unchanged_import(
    importing: Importing, decided: dict[str, Any]
) -> None:
    student, _ = await family(importing, 3)
    await importing.change(student, **decided)
    before = (await importing.district.get(f"/Patient/{student['id']}")).json()
    await again(importing)
    assert (await importing.district.get(f"/Patient/{student['id']}")).json() == before
    assert importing.counts("Student") == {"unchanged": STUDENTS}


async def test_a_label_that_a_person_set_keeps_the_clinic_out_after_any_import(importing: Importing) -> None:
    student, mother = await family(importing, 4)
    await importing.sign(student, mother)
    await importing.change(student, meta={"security": [{"system": c.CONFIDENTIALITY_SYSTEM, "code": "R"}]})
    rename(importing, 4)
    await again(importing)
    assert importing.counts("Student")["changed"] == 1
    assert not await importing.sees(student)


async def test_a_link_and_another_identifier_stay_when_the_name_changes(importing: Importing) -> None:
    (student, _), (other, _) = await family(importing, 5), await family(importing, 6)
    link = [{"other": {"reference": f"Patient/{other['id']}"}, "type": "seealso"}]
    more = {"system": "urn:test:medicaid", "value": "M-1"}
    await importing.change(student, link=link, identifier=[*student["identifier"], more])
    rename(importing, 5)
    await again(importing)
    now = (await importing.district.get(f"/Patient/{student['id']}")).json()
    assert (now["link"], now["identifier"][-1], now["name"][0]["given"][0][0]) == (link, more, "X")


async def test_a_name_that_a_person_corrected_stands_and_the_conflict_is_listed(importing: Importing) -> None:
    student, _ = await family(importing, 7)
    await importing.change(student, name=[{"use": "official", "family": "Corrected", "given": ["Ann"]}])
    rename(importing, 7)
    await again(importing)
    assert f"kept: Student S{7:07}: a person at the exchange decided otherwise about name.\n" in importing.printed
    assert (await importing.district.get(f"/Patient/{student['id']}")).json()["name"][0]["family"] == "Corrected"


async def test_another_machine_goes_on_from_what_the_exchange_keeps(importing: Importing, tmp_path: Path) -> None:
    generate(tmp_path / "elsewhere", STUDENTS)
    await importing.run(EdFi(tmp_path / "elsewhere"))
    assert importing.counts("Contact") == {"unchanged": 2 * STUDENTS}


async def test_a_record_that_somebody_deleted_is_not_made_again(importing: Importing) -> None:
    _, mother = await family(importing, 8)
    assert (await importing.district.delete(f"/RelatedPerson/{mother['id']}")).status_code == 204
    rename(importing, 8, file="Contact.xml")
    await again(importing)
    assert (await importing.district.get(f"/RelatedPerson/{mother['id']}")).status_code == 410
    assert "decided otherwise about the whole record, which was deleted" in importing.printed


async def test_the_clinic_sees_nothing_of_what_the_import_keeps(importing: Importing) -> None:
    student, mother = await family(importing, 9)
    await importing.sign(student, mother)
    assert await importing.every("/Group")
    assert await importing.clinic.ids("/Group") == []


async def test_what_was_there_before_the_first_import_is_not_opened(importing: Importing, tmp_path: Path) -> None:
    """As after the loss of what the last import wrote: a record that this source never wrote keeps what decides."""
    student, mother = await family(importing, 12)
    await importing.sign(student, mother)
    await importing.change(mother, relationship=None)
    for group in await importing.every("/Group?code=import"):
        await importing.district.delete(f"/Group/{group['id']}")
    await again(importing)
    assert not await importing.sees(student)
    assert "decided otherwise about relationship" in importing.printed


async def test_what_a_person_opened_and_closed_again_between_two_imports_stays_closed(importing: Importing) -> None:
    """The record is then as the import left it, but a person said so."""
    student, mother = await family(importing, 6)
    await importing.sign(student, mother)
    contacts = importing.folder / "folder" / "Contact.xml"
    before = contacts.read_text()
    contacts.write_text(without_association(before, 6))
    await again(importing)
    assert not await importing.sees(student)
    await importing.change(mother, active=True, extension=None)
    await importing.change(mother, active=False)
    contacts.write_text(before)
    await again(importing)
    assert (await importing.district.get(f"/RelatedPerson/{mother['id']}")).json()["active"] is False
    assert not await importing.sees(student)


def without_association(text: str, number: int) -> str:
    """A Contact file without what joins a student and the first contact."""
    at = text.index(f'<ContactReference ref="CTCT_C{number:07}00"/>')
    begin, end = text.rindex("\t<StudentContactAssociation>", 0, at), text.index("</StudentContactAssociation>\n", at)
    return text[:begin] + text[end + len("</StudentContactAssociation>\n") :]


def rename(importing: Importing, number: int, file: str = "Student.xml") -> None:
    """The source gives a student, or its first contact, another first name."""
    path = importing.folder / "folder" / file
    mark = f"S{number:07}<" if file == "Student.xml" else f"<ContactUniqueId>C{number:07}00<"
    head, _, tail = path.read_text().partition(mark)
    path.write_text(head + mark + tail.replace("<FirstName>", "<FirstName>X", 1))
