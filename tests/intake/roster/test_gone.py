"""What is gone from a complete source, and what is refused as a whole. docs/whose-word-counts.md"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.consent import codes as c
from app.db.engine import Database
from app.intake.edfi.reader import EdFi
from app.intake.oneroster.reader import OneRoster
from tests import build
from tests.intake.importing import Importing, importing_into
from tests.intake.oneroster.support import enrollment, family, package
from tests.intake.support import GRAND_BEND, needs_grand_bend

STUDENTS = range(1, 21)
DERIVED = GRAND_BEND.parent / "edfi" / "xml-5.2" / "StudentEnrollment-derived.xml"
YES = [{"url": c.GUARDIAN_AUTHORITY, "valueBoolean": True}]


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    """Twenty students with their parents were imported from a OneRoster package."""
    async with importing_into(db, tmp_path) as found:
        await found.run(roster(tmp_path))
        yield found


def roster(folder: Path, *, without: tuple[str, ...] = (), ended: tuple[int, ...] = (), **more: Any) -> OneRoster:
    """The package without the users of these ids; the enrollment of some is ended."""
    users = [row for n in STUDENTS for row in family(n) if row["sourcedId"] not in without]
    times = [
        enrollment(n, **({"endDate": "2025-12-19"} if n in ended else {})) for n in STUDENTS if f"S{n}" not in without
    ]
    born = [{"sourcedId": f"S{n}", "birthDate": "2014-05-02"} for n in STUDENTS]
    held = {"users": more.get("users", users), "enrollments": times, "demographics": born}
    return OneRoster(package(folder / "p.zip", **held))


async def child(importing: Importing, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A student and its parent."""
    student = await importing.one(f"/Patient?identifier=urn:oneroster:77:student|{1000 + number}")
    parent = await importing.one(
        f"/RelatedPerson?identifier=urn:oneroster:77:student-contact|{1000 + number}/P{number}"
    )
    return student, parent


async def test_a_guardian_of_oneroster_signs_only_once_marked_and_the_mark_outlasts_imports(
    importing: Importing,
) -> None:
    student, parent = await child(importing, 1)
    refused = await importing.district.post("/Consent", await consent(importing, student, parent))
    assert refused.status_code == 422
    await importing.change(parent, extension=YES)
    await importing.sign(student, parent)
    assert await importing.sees(student)
    await importing.run(roster(importing.folder))
    assert await importing.sees(student)


async def test_a_guardian_who_is_gone_loses_the_authority_at_once_and_a_mark_does_not_come_back(
    importing: Importing,
) -> None:
    student, parent = await child(importing, 2)
    await importing.change(parent, extension=YES)
    await importing.sign(student, parent)
    await importing.run(roster(importing.folder, without=("P2",)))
    assert not await importing.sees(student)
    assert "gone: Contact 1002/P2 is no longer in the source.\n" in importing.printed
    await importing.run(roster(importing.folder))
    now = (await importing.district.get(f"/RelatedPerson/{parent['id']}")).json()
    assert (now["active"], now["extension"][0]["valueBoolean"]) == (True, False)
    assert not await importing.sees(student)


async def test_a_student_who_is_gone_is_told_once_and_no_longer_enrolled_until_it_returns(
    importing: Importing,
) -> None:
    student, _ = await child(importing, 3)
    await importing.run(roster(importing.folder, without=("S3",)))
    assert "gone: Student 1003 is no longer in the source.\n" in importing.printed
    assert (await child(importing, 3))[0]["active"] is False
    assert [m.get("period", {}).get("end") for m in await members(importing, student)] != [None]
    await importing.run(roster(importing.folder, without=("S3",)))
    assert importing.counts("Student") == {"unchanged": 19}
    await importing.run(roster(importing.folder))
    assert (await child(importing, 3))[0]["active"] is True


async def test_an_enrollment_that_ended_ends(importing: Importing) -> None:
    student, _ = await child(importing, 4)
    await importing.run(roster(importing.folder, ended=(4,)))
    assert (await child(importing, 4))[0]["active"] is False
    assert [m["period"] for m in await members(importing, student)] == [{"start": "2025-08-25", "end": "2025-12-19"}]


async def test_a_student_whom_a_person_ended_stays_so_when_the_source_ends_and_opens_it(importing: Importing) -> None:
    student, _ = await child(importing, 5)
    await importing.change(student, active=False)
    await importing.run(roster(importing.folder, ended=(5,)))
    await importing.run(roster(importing.folder))
    assert (await child(importing, 5))[0]["active"] is False


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"without": tuple(f"S{n}" for n in range(1, 5))}, "4 of 20 students are no longer in it."),
        ({"without": tuple(f"P{n}" for n in range(1, 9))}, "8 of 20 contacts are no longer in it."),
        ({"ended": tuple(range(1, 8))}, "7 of 20 students would no longer be enrolled."),
        ({"users": []}, "It has no student that can be taken."),
    ],
    ids=["students", "contacts", "enrollment", "empty"],
)
async def test_a_source_that_lost_much_is_refused_whole_until_it_is_accepted(
    importing: Importing, change: dict[str, Any], why: str
) -> None:
    before = await importing.every("/Patient?_count=100")
    source = roster(importing.folder, **change)
    said = await importing.refused(source)
    assert said.startswith("The source was refused as a whole.")
    assert why in said
    assert "run it with --accept-shrink" in said
    assert await importing.every("/Patient?_count=100") == before
    await importing.run(source, accept_shrink=True)
    assert await importing.every("/Patient?_count=100") != before or "without" in change


async def test_a_source_of_another_district_is_refused_whole(importing: Importing) -> None:
    orgs = [
        {"sourcedId": "d", "name": "Other", "type": "district", "identifier": "78"},
        {"sourcedId": "s1", "name": "North", "type": "school"},
    ]
    users = [row for n in STUDENTS for row in family(n)]
    other = OneRoster(package(importing.folder / "p.zip", users=users, orgs=orgs))
    assert "was of the district 77, this one is of 78." in await importing.refused(other)


async def test_a_refused_row_leaves_its_record_as_it_was(importing: Importing) -> None:
    """And after a row that nobody can be told from, nobody of its kind is gone."""
    before = await importing.every("/RelatedPerson?_count=100")
    users = [row for n in STUDENTS for row in family(n)]
    users[1] = {**users[1], "givenName": ""}
    await importing.run(roster(importing.folder, users=users))
    assert importing.counts("Student") == {"unchanged": 20}
    assert await importing.every("/RelatedPerson?_count=100") == before


async def test_a_deletion_in_a_delta_ends_the_one_it_names_and_nobody_else(importing: Importing) -> None:
    at = {"status": "tobedeleted", "dateLastModified": "2026-01-01T00:00:00.000Z"}
    rows = [{"sourcedId": "P6", **at}, {**family(7)[0], **at}]
    delta = package(importing.folder / "d.zip", mode="delta", users=rows, orgs=[], academicSessions=[])
    await importing.run(OneRoster(delta, "77"))
    assert [c["id"] for c in await importing.every("/RelatedPerson?active=false")] == [
        (await child(importing, 6))[1]["id"]
    ]
    assert [p["id"] for p in await importing.every("/Patient?active=false")] == [(await child(importing, 7))[0]["id"]]


@needs_grand_bend
async def test_forty_withdrawals_of_a_district_take_effect(db: Database, tmp_path: Path) -> None:
    """The later enrollment file of the sample district ends forty students."""
    if not DERIVED.exists():
        pytest.skip("the enrollment file is not here")
    shutil.copytree(GRAND_BEND, tmp_path / "folder")
    later = DERIVED.with_name("StudentEnrollment-derived-later.xml")
    async with importing_into(db, tmp_path) as importing:
        (tmp_path / "folder" / "StudentEnrollment.xml").write_bytes(DERIVED.read_bytes())
        await importing.run(EdFi(tmp_path / "folder"))
        assert importing.counts("Enrollment") == {"created": 3}
        text = later.read_text() if later.exists() else ended(DERIVED.read_text(), 40)
        (tmp_path / "folder" / "StudentEnrollment.xml").write_text(text)
        await importing.run(EdFi(tmp_path / "folder"))
        assert importing.counts("Student") == {"changed": 40, "unchanged": 920}
        assert importing.report.json()["elements"] == {"Patient.active": 40, "Group.member": 40}


def ended(text: str, count: int) -> str:
    """The first enrollments with an end."""
    exit_ = "<ExitWithdrawDate>2021-12-17</ExitWithdrawDate>"
    return text.replace("<FullTimeEquivalency>", f"{exit_}<FullTimeEquivalency>", count)


async def members(importing: Importing, student: dict[str, Any]) -> list[dict[str, Any]]:
    """The memberships of a student in the schools' Groups."""
    groups = await importing.every("/Group?code=enrollment")
    here = f"Patient/{student['id']}"
    return [m for g in groups for m in g.get("member", []) if m["entity"]["reference"] == here]


async def consent(importing: Importing, student: dict[str, Any], signer: dict[str, Any]) -> dict[str, Any]:
    return build.consent(student, signer, importing.district.reference, importing.clinic.reference)
