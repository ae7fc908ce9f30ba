"""An Ed-Fi ODS/API as a source: all of it, or what changed, and never a part that looks like all.
https://docs.ed-fi.org/reference/ods-api/client-developers-guide/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.db.engine import Database
from app.errors import HallpassError, Kind
from app.intake.edfi.service import EdFiService
from app.intake.pull.credentials import OAuth2
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Contact, Enrollment, Finding, School, Student
from app.intake.roster.plan import gone
from tests.intake.edfi.api import AT, Ods, needs_pages, serving
from tests.intake.importing import importing_into
from tests.intake.pull.provider import CUT

pytestmark = needs_pages
TODAY = date(2021, 11, 1)


@pytest.fixture
def ods() -> Iterator[Ods]:
    """An API of version 7.3 with the data standard 5.2."""
    with serving() as found:
        yield found


def source(ods: Ods, **more: Any) -> EdFiService:
    """The API as a source."""
    return EdFiService(f"{ods.http.url}/", OAuth2("id", "secret"), backoff=0.001, **more)


class Pulled:
    """What a pull gave."""

    def __init__(self, source: EdFiService, last: dict[str, Any] | None = None) -> None:
        self.findings: list[Finding] = []
        with RosterFacts(self.findings.append) as facts:
            self.about = source.open(last).read(facts, TODAY, lambda _: None)
            self.counts = [facts.count(k.__name__) for k in (School, Student, Contact, Enrollment)]
            self.students = {s.key: s for s in facts.all(Student)}
            self.contacts = list(facts.all(Contact))
            self.enrollments = list(facts.all(Enrollment))
            self.leaving = [p for (p,) in facts.db.execute("SELECT person FROM leaving ORDER BY person")]

    @property
    def mark(self) -> dict[str, Any]:
        assert self.about.mark is not None
        return self.about.mark


def whole(ods: Ods) -> list[int]:
    """How many facts the records that the API holds come to."""
    known = {s["studentUniqueId"] for s in ods.held["students"]}
    people = {c["contactUniqueId"] for c in ods.held["contacts"]}
    joined = [
        a
        for a in ods.held["studentContactAssociations"]
        if a["studentReference"]["studentUniqueId"] in known and a["contactReference"]["contactUniqueId"] in people
    ]
    return [len(ods.held["schools"]), len(known), len(joined), len(ods.held["studentSchoolAssociations"])]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"cursor": False},
        {"ceiling": 100},
        {"ceiling": 100, "cursor": False},
        {"changes": False},
        {"snapshots": True},
    ],
    ids=str,
)
def test_everything_is_read_whatever_the_api_can(ods: Ods, how: dict[str, Any]) -> None:
    for name, value in how.items():
        setattr(ods, name, value)
    pulled = Pulled(source(ods))
    assert pulled.counts == whole(ods)
    assert pulled.counts[1] == 60
    assert (pulled.about.district, pulled.about.complete) == ("255901", True)
    assert pulled.mark["version"] == (AT if ods.changes else None)


def test_an_item_says_what_the_xml_of_the_same_district_says(ods: Ods) -> None:
    pulled = Pulled(source(ods))
    woods = pulled.students["604822"]
    assert woods.names[0] == {"use": "official", "family": "Woods", "given": ["Lisa", "Sybil"], "prefix": ["Ms"]}
    assert woods.names[1] == {"use": "usual", "family": "Woodlock", "given": ["Lisarae"]}
    assert (woods.birth_date, woods.gender, woods.enrolled) == ("2008-09-13", "male", True)
    dyer = pulled.students["604821"]
    assert dyer.communication == [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}}]
    mother = next(c for c in pulled.contacts if (c.student, c.key) == ("604822", "778167"))
    assert mother.relationship[0]["coding"][0]["code"] == "MTH"
    assert mother.telecom[0]["value"].startswith("(950)")
    assert mother.addresses[0]["state"] == "TX"


@pytest.mark.parametrize("version", ["7.3", "6.2", "5.4"])
def test_a_snapshot_is_read_where_there_is_one(ods: Ods, version: str) -> None:
    ods.snapshots, ods.version = True, version
    Pulled(source(ods))
    read = [a.headers for a in ods.http.asked if "/students" in a.path]
    assert all("Use-Snapshot" in h or h.get("Snapshot-Identifier") == "2" for h in read)


def test_a_snapshot_that_goes_begins_the_pull_again(ods: Ods) -> None:
    ods.snapshots, ods.cursor = True, False
    ods.http.trouble.extend([None] * 9 + [(404, {}, b"{}")])
    pulled = Pulled(source(ods))
    assert pulled.counts == whole(ods)
    assert len([a for a in ods.http.asked if a.path.endswith("/localEducationAgencies")]) >= 2
    assert pulled.findings == []


def test_what_is_deleted_while_pages_are_counted_begins_the_pull_again(ods: Ods) -> None:
    ods.cursor = False
    ods.moves.append("studentContactAssociations")
    pulled = Pulled(source(ods))
    assert pulled.counts == whole(ods)
    assert len([a for a in ods.http.asked if a.path.endswith("/schools")]) >= 2


def test_data_that_moves_each_time_is_refused(ods: Ods) -> None:
    ods.cursor = False
    ods.moves.extend(["studentContactAssociations"] * 9)
    with pytest.raises(HallpassError, match="The data changed each time"):
        Pulled(source(ods))


def test_parents_of_an_earlier_standard_are_contacts(ods: Ods) -> None:
    ods.standard = "3.3.1-b"
    ods.held["parents"] = [{**c, "parentUniqueId": c.pop("contactUniqueId")} for c in ods.held.pop("contacts")]
    ods.held["studentParentAssociations"] = [
        {**a, "parentReference": {"parentUniqueId": a.pop("contactReference")["contactUniqueId"]}}
        for a in ods.held.pop("studentContactAssociations")
    ]
    pulled = Pulled(source(ods))
    assert (len(pulled.contacts), pulled.findings[:1]) == (len(ods.held["studentParentAssociations"]), [])


def test_nothing_changed_asks_for_no_person(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    ods.http.asked.clear()
    pulled = Pulled(source(ods), mark)
    assert (pulled.counts[1:], pulled.about.complete) == ([0, 0, 0], False)
    assert not [a for a in ods.http.asked if "/students" in a.path]


def test_a_changed_student_comes_whole(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    ods.change("students", "91d87766322d8a0e811c48593f077563", firstName="Lise")
    pulled = Pulled(source(ods), mark)
    woods = pulled.students["604822"]
    assert (woods.names[0]["given"][0], woods.gender, woods.enrolled) == ("Lise", "male", True)
    assert ({c.student for c in pulled.contacts}, pulled.findings) == ({"604822"}, [])
    assert pulled.mark["version"] == AT + 1


def test_a_changed_contact_comes_with_its_students(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    contact = next(c for c in ods.held["contacts"] if c["contactUniqueId"] == "778167")
    ods.change("contacts", contact["id"], telephones=[{"telephoneNumber": "555-0102"}])
    pulled = Pulled(source(ods), mark)
    assert {c.student for c in pulled.contacts} == {"604822"}
    assert "555-0102" in [t["value"] for c in pulled.contacts for t in c.telecom]


def test_a_withdrawal_is_told_by_the_changes(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    ods.change("studentSchoolAssociations", "24d86ce28a5fdf56639c418d2b464efa", exitWithdrawDate="2021-10-01")
    pulled = Pulled(source(ods), mark)
    assert (pulled.students["604822"].enrolled, pulled.enrollments[0].end) == (False, "2021-10-01")


def test_a_restriction_is_told_by_the_changes(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    ods.change("studentContactAssociations", "9ef7b1e2986f05f6cf6fa27467648c42", contactRestrictions="court order")
    assert [c.key for c in Pulled(source(ods), mark).contacts if c.restricted] == ["778167"]


def test_a_deleted_association_takes_the_contact_from_that_student(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    keys = {"studentUniqueId": "604822", "contactUniqueId": "778167"}
    ods.delete("studentContactAssociations", "9ef7b1e2986f05f6cf6fa27467648c42", **keys)
    assert Pulled(source(ods), mark).leaving == ["604822/778167"]


def test_a_contact_with_a_new_key_leaves_under_the_old_one(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    ods.newest += 1
    row = {"id": "x", "changeVersion": ods.newest, "oldKeyValues": {"contactUniqueId": "778167"}, "newKeyValues": {}}
    ods.key_changes["contacts"] = [row]
    assert Pulled(source(ods), mark).leaving == ["778167"]


def test_a_deleted_contact_is_not_the_student_with_the_same_id(ods: Ods) -> None:
    """Students and contacts are numbered apart from each other."""
    mark = Pulled(source(ods)).mark
    contact = next(c for c in ods.held["contacts"] if c["contactUniqueId"] == "778167")
    ods.delete("contacts", contact["id"], contactUniqueId="604822")
    with RosterFacts() as facts:
        wrote = [(kind, key, "x", b"{}") for kind, key in (("Student", "604822"), ("Contact", "1/604822"))]
        facts.db.executemany("INSERT INTO statement VALUES (?, ?, ?, ?)", wrote)
        source(ods).open(mark).read(facts, TODAY, lambda _: None)
        assert gone(facts, "Contact", complete=False) == ["1/604822"]
        assert gone(facts, "Student", complete=False) == []


@pytest.mark.parametrize("since", [False, True])
@pytest.mark.parametrize(
    "stated",
    [
        {"contactRestrictions": {"text": "court order"}},
        {"contactRestrictions": "court order", "livesWith": {}},
        {"legalGuardian": False, "livesWith": []},
    ],
)
def test_a_restriction_counts_in_an_association_that_cannot_be_read(
    ods: Ods, since: bool, stated: dict[str, Any]
) -> None:
    mark = Pulled(source(ods)).mark if since else None
    ods.change("studentContactAssociations", "9ef7b1e2986f05f6cf6fa27467648c42", **stated)
    with RosterFacts() as facts:
        source(ods).open(mark).read(facts, TODAY, lambda _: None)
        assert list(facts.taken("Contact")) == ["604822/778167"]


@pytest.mark.parametrize("kind", ["deletes", "key_changes"])
def test_an_enrollment_that_is_taken_back_or_re_keyed_pulls_everything(ods: Ods, kind: str) -> None:
    mark = Pulled(source(ods)).mark
    ods.newest += 1
    row = {"id": "x", "changeVersion": ods.newest, "keyValues": {"studentUniqueId": "604822"}}
    getattr(ods, kind)["studentSchoolAssociations"] = [row]
    assert Pulled(source(ods), mark).about.complete


def test_a_mark_that_the_api_no_longer_reaches_pulls_everything(ods: Ods) -> None:
    mark = Pulled(source(ods)).mark
    assert Pulled(source(ods), {**mark, "version": AT + 7}).about.complete
    old = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    assert Pulled(source(ods), {**mark, "full": old}).about.complete


def test_trouble_that_passes_is_waited_for(ods: Ods) -> None:
    ods.http.trouble.extend([None, CUT, (429, {"Retry-After": "0"}, b""), (502, {}, b""), None, (200, {}, b"<html>")])
    assert Pulled(source(ods)).counts == whole(ods)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ([(200, {}, b"{}")], "is not the root of an Ed-Fi ODS/API"),
        ([None, None, None, (200, {}, b"{}")], "without a list"),
        ([None, (403, {}, b"")], "HTTP 403"),
    ],
)
def test_an_answer_of_another_shape_refuses_the_pull(ods: Ods, trouble: Any, said: str) -> None:
    ods.changes, ods.cursor = False, False
    ods.http.trouble.extend(trouble)
    with pytest.raises(HallpassError, match=said):
        Pulled(source(ods))


def test_fewer_items_than_the_api_counts_refuse_the_pull(ods: Ods) -> None:
    ods.cursor = False
    answer = ods.answer

    def short(asked: Any) -> Any:
        found = answer(asked)
        if asked.path.endswith("/students") and "totalCount" in asked.query:
            found.headers["Total-Count"] = "61"
        return found

    ods.http.answer = short
    with pytest.raises(HallpassError, match="gave 60 of 61 records"):
        Pulled(source(ods))


def test_the_credentials_go_to_no_other_host(ods: Ods) -> None:
    root = {**ods._root(), "urls": {"oauth": "https://elsewhere.example/t", "dataManagementApi": ods.http.url}}
    ods.http.trouble.append((200, {}, orjson.dumps(root)))
    with pytest.raises(HallpassError, match="leads to another host"):
        Pulled(source(ods))
    assert ods.http.tokens == []


def test_a_wrong_secret_is_told(ods: Ods) -> None:
    with pytest.raises(HallpassError, match="invalid_client") as e:
        Pulled(EdFiService(ods.http.url, OAuth2("id", "hush"), backoff=0.001))
    assert e.value.kind is Kind.LOGIN
    assert "hush" not in str(e.value)


async def test_an_api_is_imported_and_a_withdrawal_ends_the_enrollment(db: Database, tmp_path: Path) -> None:
    with serving() as ods:
        today = datetime.now(UTC).date()
        ods.held["sessions"][0]["endDate"] = (today + timedelta(days=60)).isoformat()
        async with importing_into(db, tmp_path) as importing:
            await importing.run(source(ods), accept_shrink=True)
            assert importing.counts("Student") == {"created": 60}
            yesterday = (today - timedelta(days=1)).isoformat()
            ods.change("studentSchoolAssociations", "24d86ce28a5fdf56639c418d2b464efa", exitWithdrawDate=yesterday)
            await importing.run(source(ods))
            assert importing.counts("Student") == {"changed": 1}
            student = await importing.one("/Patient?identifier=urn:edfi:255901:student|604822")
            assert student["active"] is False
            groups = await importing.every("/Group?code=enrollment")
            ends = [m["period"]["end"] for g in groups for m in g["member"] if "end" in m["period"]]
            assert ends == [yesterday]
