"""A OneRoster service as a source: all of it or nothing, whatever the service does.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/rest
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.errors import HallpassError, Kind
from app.intake.oneroster.service import OneRosterService
from app.intake.pull import provider as providers
from app.intake.pull.credentials import Bearer, OAuth2
from app.intake.roster.facts import RosterFacts
from app.intake.roster.model import Contact, Enrollment, Finding, School, Student
from app.intake.roster.source import About
from tests.intake.oneroster.service import Service, serving
from tests.intake.oneroster.support import needs_shared
from tests.intake.pull.provider import CUT, DRIP

pytestmark = needs_shared
WHOLE = {"School": 1, "Student": 6, "Contact": 11, "Enrollment": 6}
ENROLLED = datetime(2021, 11, 1, tzinfo=UTC).date()


@pytest.fixture(params=["1.1", "1.2"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """A service of each version."""
    with serving(request.param) as found:
        yield found


@pytest.fixture
def one() -> Iterator[Service]:
    """A service of version 1.2."""
    with serving("1.2") as found:
        yield found


def source(service: Service, **more: Any) -> OneRosterService:
    """The service as a source, with pages of 4."""
    return OneRosterService(service.url, Bearer("t"), **{"limit": 4, "backoff": 0.001, **more})


class Pulled:
    """What a pull gave."""

    def __init__(self, source: OneRosterService, last: dict[str, Any] | None = None) -> None:
        self.findings: list[Finding] = []
        with RosterFacts(self.findings.append) as facts:
            self.about: About = source.open(last).read(facts, ENROLLED, lambda _: None)
            self.counts = {k.__name__: facts.count(k.__name__) for k in (School, Student, Contact, Enrollment)}
            self.students = list(facts.all(Student))
            self.contacts = list(facts.all(Contact))
            self.leaving = [p for (p,) in facts.db.execute("SELECT person FROM leaving ORDER BY person")]

    @property
    def mark(self) -> dict[str, Any]:
        assert self.about.mark is not None
        return self.about.mark


def refused(source: OneRosterService) -> HallpassError:
    """Why a pull is refused."""
    with pytest.raises(HallpassError) as e:
        Pulled(source)
    return e.value


def test_a_service_gives_what_the_package_of_the_same_district_gives(service: Service) -> None:
    pulled = Pulled(source(service))
    assert (pulled.counts, pulled.findings, pulled.about.district) == (WHOLE, [], "255901")
    assert pulled.about.complete
    student = pulled.students[0]
    assert (student.key, student.birth_date, student.enrolled) == ("604822", "2008-09-13", True)
    assert {c.authority for c in pulled.contacts} == {False}


@pytest.mark.parametrize(
    "how",
    [
        {"links": False},
        {"links": False, "totals": False},
        {"links": False, "totals": False, "cap": 3},
        {"cap": 1},
        {"cap": 3, "link_by_limit": True},
        {"sorts": False},
    ],
    ids=str,
)
def test_pages_are_followed_by_what_came(one: Service, how: dict[str, Any]) -> None:
    for name, value in how.items():
        setattr(one, name, value)
    pulled = Pulled(source(one))
    assert (pulled.counts, pulled.findings) == (WHOLE, [])


def test_an_ignored_offset_with_everything_on_one_page_is_whole(one: Service) -> None:
    one.ignores_offset, one.links = True, False
    assert Pulled(source(one, limit=1000)).counts == WHOLE


@pytest.mark.parametrize(("totals", "cap"), [(True, 7), (False, 5), (False, 1000)])
def test_an_ignored_offset_that_hides_records_refuses_the_pull(one: Service, totals: bool, cap: int) -> None:
    one.ignores_offset, one.links, one.totals, one.cap = True, False, totals, cap
    assert "ignores the offset" in str(refused(source(one, limit=4 if cap == 1000 else 100)))


def test_a_service_that_stops_before_its_total_refuses_the_pull(one: Service) -> None:
    one.links = False
    answer = one.answer
    one.http.answer = lambda a: (
        answer(replace(a, query={**a.query, "offset": "99"})) if int(a.query["offset"]) > 7 else answer(a)
    )
    assert "gave 8 of 19 records" in str(refused(source(one)))


@pytest.mark.parametrize(
    "trouble",
    [(429, {"Retry-After": "0"}, b"{}"), (503, {}, b""), (500, {}, b"<html>"), CUT, (200, {}, b"not JSON")],
    ids=str,
)
def test_what_passes_is_waited_for(one: Service, trouble: Any) -> None:
    one.http.trouble.extend([None, trouble, trouble, None, trouble])
    assert Pulled(source(one)).counts == WHOLE


def test_a_retry_after_is_kept(one: Service) -> None:
    one.http.trouble.append((429, {"Retry-After": "1"}, b""))
    began = datetime.now(UTC)
    Pulled(source(one))
    assert datetime.now(UTC) - began >= timedelta(seconds=1)


def test_a_service_that_stays_busy_ends_the_pull(one: Service) -> None:
    one.http.trouble.extend([(429, {}, b"")] * 50)
    e = refused(source(one))
    assert (e.kind, "HTTP 429" in str(e)) == (Kind.UNAVAILABLE, True)


def test_a_page_that_drips_ends_the_pull(one: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "ATTEMPTS", 2)
    monkeypatch.setattr(providers, "PAGE_SECONDS", 0.2)
    one.http.trouble.extend([DRIP] * 2)
    assert refused(source(one)).kind is Kind.UNAVAILABLE


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"user":[]}', b'{"orgs":null}', b"null"])
def test_a_200_without_its_envelope_refuses_the_pull(one: Service, body: bytes) -> None:
    one.http.trouble.append((200, {}, body))
    assert "answered 200 without a list of orgs" in str(refused(source(one)))


def test_a_page_that_is_too_large_ends_the_pull(one: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "MAX_PAGE", 100)
    assert refused(source(one)).kind is Kind.TOO_LARGE


def test_a_redirect_is_not_followed(one: Service) -> None:
    one.http.trouble.append((302, {"Location": "https://elsewhere.example/"}, b""))
    assert "redirects elsewhere" in str(refused(source(one)))


@pytest.mark.parametrize("name", ["orgs", "users", "enrollments"])
def test_a_service_without_what_a_roster_needs_is_refused(one: Service, name: str) -> None:
    one.refuses[name] = 403
    assert f"Without its {name} nothing is imported" in str(refused(source(one)))


def test_demographics_that_are_no_longer_given_take_no_birth_date_away(one: Service) -> None:
    mark = Pulled(source(one)).mark
    one.refuses["demographics"] = 403
    with pytest.raises(HallpassError, match="Without its demographics nothing is imported"):
        Pulled(source(one, full=True), mark)
    never = Pulled(source(one))
    assert never.counts == WHOLE
    assert never.about.remarks[0].startswith("not read: ")


def test_a_token_is_fetched_by_basic_and_again_when_it_is_refused(one: Service) -> None:
    one.http.authorize = lambda a: a.authorization == f"Bearer {one.http.tokens[-1]}"
    one.http.trouble.extend([None, (401, {}, b"{}")])
    credentials = OAuth2("id", "secret", f"{one.http.url}/token")
    pulled = Pulled(OneRosterService(one.url, credentials, limit=4, backoff=0.001))
    assert (pulled.counts, len(one.http.tokens)) == (WHOLE, 2)


def test_a_wrong_secret_is_told_without_it(one: Service) -> None:
    e = refused(OneRosterService(one.url, OAuth2("id", "wrong-secret", f"{one.http.url}/token"), backoff=0.001))
    assert e.kind is Kind.LOGIN
    assert "invalid_client" in str(e)
    assert "wrong-secret" not in str(e)


def modified(service: Service, name: str, id_: str, **elements: Any) -> None:
    """A record changes at the service."""
    later = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for record in service.held[name]:
        if record["sourcedId"] == id_:
            record.update({"dateLastModified": later, **elements})


def test_a_second_pull_asks_only_for_what_changed(service: Service) -> None:
    mark = Pulled(source(service)).mark
    service.http.asked.clear()
    pulled = Pulled(source(service), mark)
    assert pulled.counts == dict.fromkeys(WHOLE, 0)
    assert not pulled.about.complete
    assert len(service.http.asked) == 5


def test_a_changed_student_comes_with_its_contacts(service: Service) -> None:
    mark = Pulled(source(service)).mark
    modified(service, "users", "STU-604822", givenName="Lise")
    pulled = Pulled(source(service), mark)
    assert (pulled.counts, pulled.findings) == ({"School": 0, "Student": 1, "Contact": 2, "Enrollment": 0}, [])
    assert pulled.students[0].names[0]["given"][0] == "Lise"


def test_changed_demographics_come_with_their_student(service: Service) -> None:
    mark = Pulled(source(service)).mark
    modified(service, "demographics", "STU-604822", birthDate="2008-09-14")
    assert Pulled(source(service), mark).students[0].birth_date == "2008-09-14"


def test_a_changed_contact_comes_with_its_student(service: Service) -> None:
    mark = Pulled(source(service)).mark
    modified(service, "users", "PAR-778167", phone="555-0101")
    pulled = Pulled(source(service), mark)
    assert "555-0101" in [t["value"] for c in pulled.contacts for t in c.telecom]
    assert pulled.findings == []


def test_a_person_whom_the_service_calls_deleted_is_gone(service: Service) -> None:
    mark = Pulled(source(service)).mark
    modified(service, "users", "PAR-778167", status="tobedeleted")
    assert "778167" in Pulled(source(service), mark).leaving


@pytest.mark.parametrize("name", ["enrollments", "orgs", "academicSessions"])
def test_a_change_that_moves_enrollments_pulls_everything(service: Service, name: str) -> None:
    mark = Pulled(source(service)).mark
    modified(service, name, service.held[name][0]["sourcedId"])
    pulled = Pulled(source(service), mark)
    assert pulled.about.complete
    assert pulled.counts == WHOLE


@pytest.mark.parametrize("how", ["ignored", "refused"])
def test_a_service_that_tells_no_changes_is_pulled_whole(one: Service, how: str) -> None:
    mark = Pulled(source(one)).mark
    one.ignores_filter = how == "ignored"
    if how == "refused":
        one.http.trouble.extend([(400, {}, b"{}")] * 2)
    pulled = Pulled(source(one), mark)
    assert (pulled.about.complete, pulled.counts, pulled.findings) == (True, WHOLE, [])


def test_after_a_day_everything_is_pulled(one: Service) -> None:
    mark = Pulled(source(one)).mark
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert Pulled(source(one), {**mark, "full": yesterday}).about.complete
    assert Pulled(source(one, full=True), mark).about.complete


def test_changes_are_asked_for_from_before_the_last_pull_began(one: Service) -> None:
    mark = Pulled(source(one)).mark
    since = datetime.fromisoformat(mark["since"])
    assert timedelta(minutes=9) < datetime.now(UTC) - since < timedelta(minutes=12)
    Pulled(source(one), mark)
    assert one.http.asked[-1].query["filter"] == f"dateLastModified>'{mark['since']}'"


def test_a_record_that_changes_between_two_pages_counts_as_it_was_last(one: Service) -> None:
    held = one.held["users"]
    held.insert(9, {**next(u for u in held if u["sourcedId"] == "STU-604822"), "givenName": "Later"})
    held.append(held.pop(9))
    pulled = Pulled(source(one))
    assert pulled.students[0].names[0]["given"][0] == "Later"
    assert pulled.findings == []


@pytest.mark.parametrize(
    ("name", "elements", "column"),
    [
        ("users", {"givenName": {"a": 1}}, "givenName"),
        ("users", {"agents": "PAR-1"}, "agentSourcedIds"),
        ("users", {"agents": [{"sourcedId": "a,b"}]}, "agentSourcedIds"),
        ("users", {"familyName": "Wo\0ods"}, "familyName"),
        ("users", {"status": "inactive"}, "status"),
        ("enrollments", {"beginDate": "08/23/2021"}, "beginDate"),
    ],
)
def test_a_record_of_another_shape_is_refused_and_stops_nothing(
    one: Service, name: str, elements: dict[str, Any], column: str
) -> None:
    next(r for r in one.held[name] if "604822" in r["sourcedId"]).update(elements)
    pulled = Pulled(source(one))
    assert pulled.counts["Student"] == (5 if name == "users" else 6)
    (finding,) = [f for f in pulled.findings if f.refused]
    assert finding.column == column
    assert str(finding).startswith(f"{name}, record ")


def test_a_record_that_is_no_object_is_refused(one: Service) -> None:
    one.held["users"].append("STU-1")  # type: ignore[arg-type]
    assert [f.column for f in Pulled(source(one)).findings if f.refused] == [""]


def test_a_password_is_never_kept(one: Service) -> None:
    one.held["users"][0]["password"] = "Sunny-Secret-9"
    pulled = Pulled(source(one))
    assert "Sunny-Secret-9" not in repr((pulled.students, pulled.findings))
    assert pulled.findings[0].column == "password"


def test_a_secret_is_in_no_representation(one: Service) -> None:
    assert "t0p" not in repr(OneRosterService(one.url, Bearer("t0p")))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://sis.example/api", "ends with /ims/oneroster/v1p1"),
        ("http://sis.example/ims/oneroster/v1p1", "is not https"),
        ("https://u:hidden@sis.example/ims/oneroster/v1p1", "Leave the password out"),
        ("ftp://sis.example/v1p1", "is not the address of a provider"),
    ],
)
def test_an_unfit_address_is_refused_before_anything_is_sent(url: str, said: str) -> None:
    with pytest.raises(HallpassError, match=said) as e:
        OneRosterService(url, Bearer("t")).open()
    assert "hidden" not in str(e.value)
