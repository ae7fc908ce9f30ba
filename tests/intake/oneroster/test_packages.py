"""Packages that others made, as docs/roster-refusals.md says, and what is wrong with a package as a whole."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from app.errors import HallpassError
from app.intake.oneroster import package as packages
from app.intake.roster.facts import RosterFacts
from tests.intake.oneroster.support import SHARED, family, findings, needs_shared, package, read, table

PAGE = Path(__file__).parents[3] / "docs" / "roster-refusals.md"
LISTED = re.findall(r"^\| (\S+) \| (.+) \|$", PAGE.read_text().partition("## The files of others")[2], re.MULTILINE)


def outcome(path: Path) -> str:
    """What becomes of a package, as the page has it."""
    with RosterFacts((found := []).append) as facts:
        try:
            read(path, facts)
        except HallpassError as e:
            return " ".join(i.text for i in e.issues)
        refused = sum(f.refused for f in found)
        return f"{facts.count('Student')} + {facts.count('Contact')} / {refused} / {len(found) - refused}"


@needs_shared
@pytest.mark.parametrize(("name", "said"), [row for row in LISTED if row[0] not in ("file", "---")])
def test_a_package_of_others_comes_to_what_the_page_says(name: str, said: str) -> None:
    assert outcome(SHARED / name) == said


@needs_shared
def test_every_package_of_others_is_on_the_page() -> None:
    there = {str(p.relative_to(SHARED)) for p in SHARED.rglob("*.zip")}
    assert there <= {name for name, _ in LISTED}


@needs_shared
def test_a_dirty_package_is_handled_as_its_maker_expects() -> None:
    """What expected.json asks: taken, taken with a warning, single rows refused, or refused whole."""
    for case in json.loads((SHARED / "dirty" / "expected.json").read_text()):
        said = dict(LISTED)[case["file"]]
        counts = re.fullmatch(r"(\d+) \+ (\d+) / (\d+) / (\d+)", said)
        match case["outcome"]:
            case "accept":
                assert said == "6 + 11 / 0 / 0"
            case "accept-with-warning" | "accept-with-warning-or-refuse":
                assert counts
                assert (counts[1], counts[3]) == ("6", "0")
                assert counts[4] != "0"
            case "refuse-rows":
                assert counts
                assert counts[3] != "0"
            case "refuse-package":
                assert counts is None
            case "refuse-until-confirmed":
                assert said.startswith("0 + 0")
            case other:
                assert other == "refuse-or-accept-with-warning"


@needs_shared
def test_no_password_of_any_package_is_kept(tmp_path: Path) -> None:
    path = SHARED / "dirty" / "D38-passwords.zip"
    with zipfile.ZipFile(path) as archive:
        header, *rows = archive.read("users.csv").decode().splitlines()
    at = header.split(",").index("password")
    secrets = {row.rsplit(",", len(header.split(",")) - at)[1] for row in rows} - {""}
    assert secrets
    with RosterFacts((found := []).append) as facts:
        read(path, facts)
        held = str([tuple(map(str, row)) for row in facts.db.execute("SELECT * FROM fact")]) + str(found)
    assert not [s for s in secrets if s in held]


@pytest.mark.parametrize(
    ("replace", "said"),
    [
        ({"users": b"\xff\xfes\0"}, "users.csv, line 1: The file is UTF-16. Export it as UTF-8."),
        (
            {"users": b"sourcedId,givenName,familyName,role\nS1,Jos\xe9,A,student\n"},
            "users.csv, line 2: Byte 7 of the line is not UTF-8.",
        ),
        ({"users": "sourcedId;givenName;familyName;role\nS1;A;B;student\n"}, "not separated by commas"),
        ({"users": "sourcedId,givenName,familyName,role,role\n"}, "A column stands twice in the header: role."),
        ({"users": "sourcedId,givenName\n"}, "the column familyName, role is missing in a package of version 1.1."),
        ({"users": 'sourcedId,givenName,familyName,role\nS1,"A,B,student\nS2,A,B,student\n'}, "users.csv, line 2: "),
        (
            {"users": 'sourcedId,givenName,familyName,role\nS1,"A"B,C,student\n'},
            "A quotation mark is where none may be",
        ),
        ({"users": "sourcedId,givenName,familyName,role\nS1,A\0,B,student\n"}, "A cell holds a NUL byte"),
        ({"users": ""}, "users.csv, line 1: The file is empty."),
        ({"users": "x" * 300_000}, "A line is longer than 200000 bytes."),
        ({"manifest": "propertyName,value\nsource.systemName,SIS\n"}, "oneroster.version is 1.1 or 1.2."),
        ({"manifest": "propertyName,value\na,1\na,2\n"}, "line 3, column propertyName: This property stands twice."),
        ({"roles": "sourcedId\n"}, "roles.csv is in the package, and manifest.csv says that it is absent."),
        ({"teachers": "sourcedId\n"}, "teachers.csv is no file of OneRoster."),
        ({"../users": "sourcedId\n"}, "in a place that no OneRoster package has"),
    ],
)
def test_a_package_that_is_unfit_is_refused_whole_and_says_why(
    tmp_path: Path, replace: dict[str, str | bytes], said: str
) -> None:
    path = package(tmp_path / "p.zip", users=family(1), text=replace)
    with RosterFacts() as facts, pytest.raises(HallpassError) as refused:
        read(path, facts)
    assert said in " ".join(i.text for i in refused.value.issues)


def test_a_zip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = package(tmp_path / "p.zip", users=[r for n in range(200) for r in family(n)])
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(HallpassError, match="is no zip file, or is cut off"):
        packages.open_package(path)


def test_a_zip_whose_content_is_damaged_is_refused(tmp_path: Path) -> None:
    path = package(tmp_path / "p.zip", users=[r for n in range(200) for r in family(n)])
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("users.csv").header_offset
    raw = bytearray(path.read_bytes())
    raw[at + 200 : at + 260] = b"\0" * 60
    path.write_bytes(raw)
    with RosterFacts() as facts, pytest.raises(HallpassError, match=r"users\.csv"):
        read(path, facts)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = package(tmp_path / "p.zip", users=family(1), text={"orgs": b"\n" * 30_000_000})
    with pytest.raises(HallpassError, match="unpacks to many times its size"):
        packages.open_package(path)


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_any_line_end_is_read_and_the_last_row_counts(tmp_path: Path, end: str) -> None:
    """Old Macintosh ends do not make the file one header."""
    text = table("users", family(1)).rstrip("\n").replace("\n", end)
    path = package(tmp_path / "p.zip", users=family(1), text={"users": text})
    assert outcome(path) == "1 + 1 / 0 / 0"


def test_a_ragged_row_is_one_bad_row_with_its_line(tmp_path: Path) -> None:
    """A cell with a line break before it does not move the line that is told."""
    text = table("users", [*family(1, middleName="two\nlines"), *family(2)]) + "S9,short\n"
    found = findings(package(tmp_path / "p.zip", users=[], text={"users": text}))
    assert [str(f) for f in found] == ["users.csv, line 7: This row has 2 cells, the header has 18. Mend the row."]


def test_a_folder_is_read_as_a_zip_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(package(tmp_path / "p.zip", users=family(1))) as archive:
        archive.extractall(tmp_path / "folder")
    assert outcome(tmp_path / "folder") == "1 + 1 / 0 / 0"
