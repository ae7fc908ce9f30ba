"""What takes authority away: a court order, a loss that is stated, a contradiction; and what a kill leaves behind."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.consent.codes import GUARDIAN_AUTHORITY
from app.db.engine import Database
from app.errors import HallpassError
from app.intake.edfi.generate import AGENCY, generate
from app.intake.edfi.reader import EdFi
from tests.intake.importing import Importing, importing_into

STUDENTS = 12
ORDER = "<ContactRestrictions>No contact, by order of the court</ContactRestrictions>"


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    generate(tmp_path / "folder", STUDENTS)
    async with importing_into(db, tmp_path) as found:
        yield found


async def signed(importing: Importing, number: int) -> dict[str, Any]:
    """A student whose mother signed a release, after a first import."""
    await again(importing)
    student = await importing.one(f"/Patient?identifier=urn:edfi:{AGENCY}:student|S{number:07}")
    identifier = f"urn:edfi:{AGENCY}:student-contact|S{number:07}/C{number:07}00"
    mother = await importing.one(f"/RelatedPerson?identifier={identifier}")
    await importing.sign(student, mother)
    assert await importing.sees(student)
    return student


async def again(importing: Importing) -> None:
    await importing.run(EdFi(importing.folder / "folder"))


def association(importing: Importing, number: int, change: str, *, twice: str | None = None) -> None:
    """Put something into the association of a student and its mother; `twice` adds another with that in it."""
    path = importing.folder / "folder" / "Contact.xml"
    text = path.read_text()
    at = text.index(f'<ContactReference ref="CTCT_C{number:07}00"/>')
    begin, end = text.rindex("\t<StudentContactAssociation>", 0, at), text.index("</StudentContactAssociation>\n", at)
    one = text[begin:end]
    parts = [one + change] + ([one + twice] if twice is not None else [])
    close = "</StudentContactAssociation>\n"
    path.write_text(text[:begin] + close.join(parts) + text[end:])


async def test_a_court_order_takes_the_authority_away(importing: Importing) -> None:
    student = await signed(importing, 2)
    association(importing, 2, ORDER)
    await again(importing)
    assert not await importing.sees(student)
    assert "order of the court" not in importing.printed


async def test_a_court_order_in_a_row_that_is_refused_takes_it_away_as_well(importing: Importing) -> None:
    student = await signed(importing, 3)
    association(importing, 3, ORDER + "<LivesWith>perhaps</LivesWith>")
    path = importing.folder / "folder" / "Contact.xml"
    text = path.read_text()
    at = text.index(ORDER)
    begin = text.rindex("<LivesWith>true</LivesWith>", 0, at)
    path.write_text(text[:begin] + text[begin + len("<LivesWith>true</LivesWith>") :])
    await again(importing)
    assert importing.counts("Contact")["refused"] == 1
    assert not await importing.sees(student)


async def test_a_loss_that_the_source_states_takes_effect(importing: Importing) -> None:
    student = await signed(importing, 4)
    association(importing, 4, "<LegalGuardian>false</LegalGuardian>")
    await again(importing)
    assert not await importing.sees(student)


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_mark_that_a_person_gave_and_took_out_is_not_given_by_a_source_that_was_silent(
    importing: Importing, looked_at: bool
) -> None:
    await again(importing)
    mother = await importing.one(f"/RelatedPerson?identifier=urn:edfi:{AGENCY}:student-contact|S0000004/C000000400")
    before = mother["extension"]
    assert GUARDIAN_AUTHORITY not in {e["url"] for e in before}
    await importing.change(mother, extension=[*before, {"url": GUARDIAN_AUTHORITY, "valueBoolean": True}])
    if looked_at:
        path = importing.folder / "folder" / "Contact.xml"
        path.write_text(path.read_text().replace("<FirstName>", "<FirstName>X"))
        await again(importing)
    await importing.change(mother, extension=before)
    association(importing, 4, "<LegalGuardian>true</LegalGuardian>")
    await again(importing)
    assert (await importing.district.get(f"/RelatedPerson/{mother['id']}")).json()["extension"] == before


async def test_a_guardian_flagged_both_ways_is_refused_with_both_lines_and_loses_the_authority(
    importing: Importing,
) -> None:
    student = await signed(importing, 5)
    yes, no = (f"<LegalGuardian>{flag}</LegalGuardian>" for flag in ("true", "false"))
    association(importing, 5, yes, twice=no)
    await again(importing)
    (line,) = [text for text in importing.printed.splitlines() if "contradicts" in text]
    assert len(re.findall(r"Contact\.xml, line \d+", line)) == 2
    assert not await importing.sees(student)


async def test_one_student_twice_with_different_names_is_refused_with_both_lines_and_stays_as_it_was(
    importing: Importing,
) -> None:
    student = await signed(importing, 6)
    path = importing.folder / "folder" / "Student.xml"
    text = path.read_text()
    begin = text.index("\t<Student>", text.index("S0000005<"))
    end = text.index("</Student>\n", begin) + len("</Student>\n")
    other = text[begin:end].replace("<FirstName>", "<FirstName>X")
    path.write_text(text[:end] + other + text[end:])
    await again(importing)
    (said,) = [words for words in importing.printed.splitlines() if "contradicts" in words]
    assert said.startswith("refused: Student S0000006: Student.xml, line ")
    assert len(re.findall(r"Student\.xml, line \d+", said)) == 2
    assert (await importing.district.get(f"/Patient/{student['id']}")).json() == student
    assert await importing.sees(student)


@pytest.mark.parametrize("requests", [3, 5, 6, 7, 8, 9, 10, 11, 12])
async def test_an_import_that_was_cut_off_anywhere_ends_as_one_that_was_not(
    importing: Importing, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is gone for good after so many requests, as by a kill; the next import finishes."""
    monkeypatch.setattr("app.intake.push.ATTEMPTS", 1)
    await again(importing)
    association(importing, 2, ORDER)
    for name in ("Student.xml", "Contact.xml"):
        path = importing.folder / "folder" / name
        path.write_text(path.read_text().replace("<FirstName>", "<FirstName>X"))
    real, whole = importing.world.http, importing.world.http._transport
    importing.world.http = httpx.AsyncClient(transport=_Cut(whole, requests))
    with pytest.raises(HallpassError):
        await again(importing)
    importing.world.http = real
    await again(importing)
    assert "kept:" not in importing.printed
    await again(importing)
    assert importing.counts("Student") == {"unchanged": STUDENTS}
    assert importing.counts("Contact") == {"unchanged": 2 * STUDENTS}
    names = [r["name"][0]["given"][0] for t in ("Patient", "RelatedPerson") for r in await importing.every(f"/{t}")]
    assert len(names) == 3 * STUDENTS
    assert {name[0] for name in names} == {"X"}


class _Cut(httpx.AsyncBaseTransport):
    """Lets so many requests through; of the next one the answer is lost, and then nobody answers any more."""

    def __init__(self, whole: httpx.AsyncBaseTransport, requests: int) -> None:
        self._whole, self._left = whole, requests

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or fail as a connection that is gone."""
        self._left -= 1
        if self._left >= -1:
            response = await self._whole.handle_async_request(request)
            if self._left >= 0:
                return response
            await response.aread()
        raise httpx.ConnectError("gone", request=request)
