"""A CSV of anybody's by its mapping, the first guess at one, and the harm that no import does. docs/guides/roster.md"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.consent import codes as c
from app.db.engine import Database
from app.errors import HallpassError
from app.intake.csv.guess import guess
from app.intake.csv.mapping import load
from app.intake.csv.reader import Csv
from app.intake.guardians import mark
from app.intake.push import Exchange
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Contact, Finding, Student
from app.intake.token import Tokens
from tests.intake.importing import importing_into
from tests.intake.oneroster.support import TODAY
from tests.world import BASE

HEADER = "Student Number,First Name,Last Name,DOB,School ID,School Name,Exit Date,Guardian1 ID,Guardian1 First,\
Guardian1 Last,Guardian1 Relationship,Custody,Court Order"
MAPPING = """
name = "sis"
district = "51"
date_format = "%m/%d/%Y"
[student]
id = "Student Number"
given = "First Name"
family = "Last Name"
birth_date = "DOB"
[school]
id = "School ID"
name = "School Name"
[enrollment]
end = "Exit Date"
[[contact]]
id = "Guardian1 ID"
given = "Guardian1 First"
family = "Guardian1 Last"
relation = "Guardian1 Relationship"
authority = "Custody"
restriction = "Court Order"
"""


def source(folder: Path, *rows: str, mapping: str = MAPPING) -> Csv:
    """A CSV of these rows with its mapping."""
    (folder / "map.toml").write_text(mapping)
    (folder / "export.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return Csv(folder / "export.csv", folder / "map.toml")


def row(number: int, custody: str = "Y", order: str = "", name: str = "Kofi", end: str = "") -> str:
    return f"{number},{name},Abara,04/17/2013,701,Elm School,{end},G{number},Ama,Abara,Mother,{custody},{order}"


def facts_of(given: Csv) -> tuple[list[Student], list[Contact], list[Finding]]:
    found: list[Finding] = []
    with RosterFacts(found.append) as facts:
        given.open().read(facts, TODAY, lambda _: None)
        return list(facts.all(Student)), list(facts.all(Contact)), found


@pytest.mark.parametrize(
    ("custody", "order", "authority", "restricted"),
    [("Y", "", True, False), ("N", "", False, False), ("", "", False, False), ("yes", "Y", True, True)],
)
def test_authority_is_what_the_column_says_and_a_restriction_takes_it(
    tmp_path: Path, custody: str, order: str, authority: bool, restricted: bool
) -> None:
    _, (contact,), _ = facts_of(source(tmp_path, row(1, custody, order)))
    assert (contact.authority, contact.restricted) == (authority, restricted)


def test_an_authority_that_is_neither_yes_nor_no_refuses_the_contact_and_not_the_student(tmp_path: Path) -> None:
    students, contacts, found = facts_of(source(tmp_path, row(1, "joint?")))
    assert (len(students), contacts) == (1, [])
    assert [str(f) for f in found] == [
        "export.csv, line 2, column Custody: This is neither yes nor no. Authority is not guessed."
    ]


def test_two_rows_that_say_different_things_of_a_child_are_refused_with_both_lines(tmp_path: Path) -> None:
    students, _, found = facts_of(source(tmp_path, row(1), row(1, name="Bo")))
    assert students == []
    assert "export.csv, line 3" in str(found[0])
    assert "export.csv, line 2" in str(found[0])


def test_a_mapping_that_names_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    given = source(tmp_path, row(1), mapping=MAPPING.replace('"DOB"', '"Birthday"'))
    with pytest.raises(HallpassError, match="the mapping names columns that are not there: Birthday"):
        facts_of(given)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('district = "51"', "", "district is needed"),
        ('given = "First Name"', "", "student.given is needed"),
        ('birth_date = "DOB"', 'born = "DOB"', "student.born is unknown"),
        ("[school]", "[schools]", "schools is unknown"),
        ("[student]", "[student", "is no TOML"),
    ],
)
def test_a_mapping_with_a_fault_says_which(tmp_path: Path, old: str, new: str, says: str) -> None:
    (tmp_path / "map.toml").write_text(MAPPING.replace(old, new))
    with pytest.raises(HallpassError) as refused:
        load(tmp_path / "map.toml")
    assert says in " ".join(i.text for i in refused.value.issues)


def test_a_guess_is_a_mapping_and_says_nothing_of_authority(tmp_path: Path) -> None:
    given = source(tmp_path, row(1))
    given.mapping.write_text(guess(given.path).replace("fill-in", "51").replace("%Y-%m-%d", "%m/%d/%Y"))
    (student,), (contact,), _ = facts_of(given)
    assert (student.birth_date, contact.names[0]["given"], contact.authority) == ("2013-04-17", ["Ama"], False)


async def test_no_import_opens_what_a_person_closed_and_a_court_order_closes_what_a_person_opened(
    db: Database, tmp_path: Path
) -> None:
    async with importing_into(db, tmp_path) as importing:
        given = source(tmp_path, *(row(n) for n in range(1, 7)))
        await importing.run(given)
        student = await importing.one("/Patient?identifier=urn:sis:51:student|1")
        mother = await importing.one("/RelatedPerson?identifier=urn:sis:51:student-contact|1/G1")
        await importing.sign(student, mother)
        assert await importing.sees(student)
        http = importing.world.http
        tokens = Tokens(http, f"{BASE}/auth/token", importing.district.client_id, importing.district.key)
        exchange = Exchange(http, BASE, tokens)
        await mark(exchange, "1", "G1", authority=False)
        await importing.run(given)
        assert not await importing.sees(student)

        other = await importing.one("/Patient?identifier=urn:sis:51:student|2")
        await importing.run(source(tmp_path, row(1), row(2, "N"), *(row(n) for n in range(3, 7))))
        assert await mark(exchange, "2", "G2", authority=True)
        signer = await importing.one("/RelatedPerson?identifier=urn:sis:51:student-contact|2/G2")
        now = datetime.now(UTC).isoformat()  # authority that returns counts from then on
        await importing.sign(other, signer, dateTime=now)
        assert await importing.sees(other)
        await importing.run(source(tmp_path, row(1), row(2, "N", "Y"), *(row(n) for n in range(3, 7))))
        assert not await importing.sees(other)
        assert signer["extension"] == [{"url": c.GUARDIAN_AUTHORITY, "valueBoolean": True}]
        with pytest.raises(HallpassError, match="There is no contact G9 of a student 2"):
            await mark(exchange, "2", "G9", authority=True)
