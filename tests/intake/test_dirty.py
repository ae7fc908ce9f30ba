"""Each kind of fault that real files have comes to what the page says. docs/roster-refusals.md"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import HallpassError
from app.intake.edfi.reader import EdFi
from app.intake.edfi.service import EdFiService
from app.intake.oneroster.reader import OneRoster
from app.intake.oneroster.service import OneRosterService
from app.intake.pull.credentials import Bearer, OAuth2
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Finding
from app.intake.roster.source import Source
from tests.intake.edfi.api import serving as ed_fi_api
from tests.intake.oneroster.service import serving as oneroster_service
from tests.intake.oneroster.support import SHARED, TODAY, enrollment, family, package, table, user
from tests.intake.support import interchange

PAGE = Path(__file__).parents[2] / "docs" / "roster-refusals.md"
LISTED = re.findall(r"^\| (\d+[a-z]?) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
PEOPLE = [*family(1), *family(2)]
ENROLLED = [enrollment(1), enrollment(2)]
USERS = table("users", PEOPLE)
Case = Callable[[Path], Source | Path]


def zipped(folder: Path, **more: Any) -> Path:
    """A package of two families, changed as said."""
    given = {"users": PEOPLE, "enrollments": ENROLLED, **more}
    return package(folder / "roster.zip", **given)


def users(change: Callable[[str], str | bytes]) -> Case:
    """The package with users.csv as it is after a change."""
    return lambda folder: zipped(folder, text={"users": change(USERS)})


def people(**more: str) -> Case:
    """The package with other cells in the first student's row."""
    return lambda folder: zipped(folder, users=[{**PEOPLE[0], **more}, *PEOPLE[1:]])


def born(**more: str) -> Case:
    """The package with demographics of the first student."""
    return lambda folder: zipped(folder, demographics=[{"sourcedId": "S1", **more}])


def rezipped(names: Callable[[str], str], **added: str) -> Case:
    """The package with its files under other names, and more files."""

    def case(folder: Path) -> Path:
        with zipfile.ZipFile(zipped(folder)) as archive:
            held = {names(n): archive.read(n) for n in archive.namelist()} | added
        path = folder / "again.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in held.items():
                if name:
                    archive.writestr(name, content)
        return path

    return case


def ed_fi(student: str = "", more: str = "", contact: str = "") -> Case:
    """A folder of Ed-Fi with one student and one contact."""

    def case(folder: Path) -> Source:
        name = "<Name>{}<FirstName>Ana</FirstName><LastSurname>Rivera</LastSurname></Name>"
        agency = "<LocalEducationAgency><LocalEducationAgencyId>77</LocalEducationAgencyId></LocalEducationAgency>"
        interchange(folder, "EducationOrganization", agency)
        key = "<StudentUniqueId>1</StudentUniqueId>"
        of = f"<StudentReference><StudentIdentity>{key}</StudentIdentity></StudentReference>"
        birth = "<BirthData><BirthDate>2014-03-09</BirthDate></BirthData>"
        interchange(folder, "Student", f"<Student>{key}{name.format(student)}{birth}</Student>")
        joined = "<StudentContactAssociation>{}<ContactReference {}</ContactReference>{}</StudentContactAssociation>"
        person = f"<Contact id='C'><ContactUniqueId>9</ContactUniqueId>{name.format('')}</Contact>"
        interchange(folder, "Contact", person + joined.format(of, "ref='C'>", contact))
        about = "<EducationOrganizationReference><EducationOrganizationIdentity><EducationOrganizationId>77"
        about += "</EducationOrganizationId></EducationOrganizationIdentity></EducationOrganizationReference>"
        held = f"<StudentEducationOrganizationAssociation>{of}{about}{more}</StudentEducationOrganizationAssociation>"
        interchange(folder, "StudentEnrollment", held)
        return EdFi(folder)

    return case


SAME = user("S1", "student", identifier="1001", agentSourcedIds="P1")
KEYED_BY_USER = table("demographics", []).replace("sourcedId", "userSourcedId", 1) + "S1" + "," * 15 + "\n"
CASES: dict[str, Case] = {
    "1": users(lambda t: "\ufeff" + t),
    "2": users(lambda t: t.encode("utf-16")),
    "2a": users(lambda t: t.replace("Ana", "Añá").encode("cp1252")),
    "3": users(lambda t: t.replace("dateLastModified", "dataLastModified")),
    "4": users(lambda t: t.replace("sourcedId,", "SourcedId,", 1)),
    "5": lambda folder: zipped(folder, text={"users": table("enrollments", ENROLLED)}),
    "6": rezipped(lambda n: f"roster/{n}", **{"__MACOSX/roster/._users.csv": "x", "roster/.DS_Store": "x"}),
    "6a": rezipped(lambda n: "../users.csv" if n == "users.csv" else n),
    "7": rezipped(lambda n: "" if n == "manifest.csv" else n),
    "7a": rezipped(lambda n: "" if n == "enrollments.csv" else n),
    "8": users(lambda t: t + ",,\n\n"),
    "8a": users(lambda t: t + "S9,one\n"),
    "8b": users(lambda t: t + 'S9,"one\n'),
    "8c": users(lambda t: t.replace("Ana", "A\0na")),
    "8d": users(lambda t: t.replace("\n", "\r")),
    "8e": users(lambda t: t.removesuffix("\n")),
    "8f": users(lambda t: t.replace('"Ana"', '"A\nna"', 1)),
    "9": users(lambda t: t.replace(",", ";")),
    "10": people(status="active", dateLastModified="2017-05-06 08:01:05"),
    "11": lambda folder: zipped(folder, users=[*PEOPLE, user("S3", "student", status="tobedeleted")]),
    "12": people(status="inactive"),
    "13": people(enabledUser="1"),
    "14": people(role="Student"),
    "15": born(sex="F", asian="Y"),
    "15a": born(sex="male", demographicRaceTwoOrMoreRaces="true"),
    "16": lambda folder: zipped(folder, demographics=[], text={"demographics": KEYED_BY_USER}),
    "16a": lambda folder: zipped(folder, demographics=[{"sourcedId": "nobody", "sex": "male"}]),
    "17": lambda folder: zipped(folder, users=[*PEOPLE, PEOPLE[0]]),
    "17a": lambda folder: zipped(folder, users=[*PEOPLE, {**PEOPLE[0], "givenName": "Eva"}]),
    "17b": lambda folder: zipped(folder, users=[*PEOPLE, {**SAME, "sourcedId": "S1-two"}]),
    "18": people(agentSourcedIds="P1,P7"),
    "18a": lambda folder: zipped(
        folder, users=[{**PEOPLE[0], "agentSourcedIds": ""}, {**PEOPLE[1], "agentSourcedIds": "S1"}, *PEOPLE[2:]]
    ),
    "19": people(grades=" 07 , 08 "),
    "20": people(grades="6"),
    "20a": people(grades="PS1"),
    "21": people(identifier="1.2E+05"),
    "22": people(familyName="=Rivera Łukasz 山田"),
    "22a": people(familyName="Ri\u202evera"),
    "23": people(password="P@ssword123"),
    "24": born(birthDate="1900-01-01"),
    "24a": born(birthDate="03/09/2014"),
    "25": lambda folder: zipped(folder, users=[*PEOPLE, user("S5", "student", identifier="1005")]),
    "26": people(identifier="1001 "),
    "27": ed_fi(student="<PersonalTitlePrefix>Dr</PersonalTitlePrefix>"),
    "28": ed_fi(contact="<LivesWith>false</LivesWith>"),
    "28a": ed_fi(contact="<LegalGuardian>maybe</LegalGuardian>"),
    "29": ed_fi(contact="<LivesWith>1</LivesWith>"),
    "30": ed_fi(more="<Sex>uri://gbisd.edu/SexDescriptor#Female</Sex>"),
}


def outcome(source: Source) -> str:
    """What becomes of a source, in the page's words."""
    found: list[Finding] = []
    with RosterFacts(found.append) as facts:
        try:
            about = source.open().read(facts, TODAY, lambda _: None)
        except HallpassError:
            return "all refused"
        assert facts.count("Student")
    if any(f.refused for f in found):
        return "row refused"
    return "warned" if found or any(r.startswith("warning") for r in about.remarks) else "taken"


@pytest.mark.parametrize(("number", "said"), [(number, said) for number, _, said in LISTED if number in CASES])
def test_a_kind_of_fault_comes_to_what_the_page_says(tmp_path: Path, number: str, said: str) -> None:
    source = CASES[number](tmp_path)
    assert outcome(OneRoster(source) if isinstance(source, Path) else source) == said


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded pages are not here")
@pytest.mark.parametrize("number", ["31", "32", "33"])
def test_a_kind_of_fault_of_a_service_comes_to_what_the_page_says(number: str) -> None:
    said = {n: s for n, _, s in LISTED}[number]
    if number == "33":
        with ed_fi_api() as ods:
            source = EdFiService(f"{ods.http.url}/", OAuth2("id", "secret"), backoff=0.001)
            with RosterFacts() as facts:
                mark = source.open().read(facts, TODAY, lambda _: None).mark
            keys = {"studentUniqueId": "604822", "contactUniqueId": "778167"}
            ods.delete("studentContactAssociations", "9ef7b1e2986f05f6cf6fa27467648c42", **keys)
            with RosterFacts() as facts:
                source.open(mark).read(facts, TODAY, lambda _: None)
                assert facts.db.execute("SELECT person FROM leaving").fetchall() == [("604822/778167",)]
                assert (said, facts.unattributed) == ("taken", set())
        return
    with oneroster_service("1.2") as service:
        if number == "31":
            service.links, service.totals, service.cap = False, False, 3
        assert outcome(OneRosterService(service.url, Bearer("t"), limit=4, backoff=0.001)) == said


def test_every_kind_is_on_the_page() -> None:
    assert {n for n, _, _ in LISTED} == {*CASES, "31", "32", "33"}
    assert {int(re.sub(r"\D", "", n)) for n, _, _ in LISTED} == set(range(1, 34))


def test_a_word_of_the_districts_own_is_not_read_as_one_of_ed_fi(tmp_path: Path) -> None:
    source = CASES["30"](tmp_path)
    assert not isinstance(source, Path)
    with RosterFacts() as facts:
        source.open().read(facts, TODAY, lambda _: None)
        assert "female" not in repr(facts.db.execute("SELECT CAST(body AS TEXT) FROM fact").fetchall())
