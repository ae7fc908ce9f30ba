"""Search -> SQL, over real rows and row-level security. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.consent.codes import OURS
from app.db import search_queries
from tests.db.shelf import Shelf, uid
from tests.search.support import BASE, search

ANA = str(uid("ana"))

CASES: list[tuple[str, str, set[str]]] = [
    # ids and columns
    ("Patient", "", {"ana", "ben"}),
    ("Patient", f"_id={ANA}", {"ana"}),
    ("Patient", f"_id={ANA},{uid('ben')}", {"ana", "ben"}),
    ("Patient", f"_id={ANA.upper()}", set()),
    ("Patient", "_id=no-uuid", set()),
    ("Patient", "_lastUpdated=2023", set()),
    ("Patient", "_lastUpdated=2024", {"ana", "ben"}),
    ("Patient", "_lastUpdated=2024-01-01T12:03:00Z", {"ana"}),
    ("Patient", "_lastUpdated=gt2024-01-01T12:03:00Z", {"ben"}),
    ("Patient", "_lastUpdated=sa2024-01-01T12:03:00Z", {"ben"}),
    ("Patient", "_lastUpdated=ge2024-01-01T12:03:00Z", {"ana", "ben"}),
    ("Patient", "_lastUpdated=lt2024-01-01T12:04:00Z", {"ana"}),
    ("Patient", "_lastUpdated=eb2024-01-01T12:04:00Z", {"ana"}),
    ("Patient", "_lastUpdated=le2024-01-01T12:03:00Z", {"ana"}),
    ("Patient", "_lastUpdated=ne2024-01-01T12:03:00Z", {"ben"}),
    ("Patient", "_lastUpdated=ap2024", {"ana", "ben"}),
    ("Patient", "_lastUpdated=ap1950", set()),
    # tokens
    ("Patient", "gender=female", {"ana"}),
    ("Patient", "gender=http://hl7.org/fhir/administrative-gender|female", {"ana"}),
    ("Patient", "gender=other|female", set()),
    ("Patient", "gender=female,male", {"ana", "ben"}),
    ("Patient", "gender=female&gender=male", set()),
    ("Patient", "gender:not=female", {"ben"}),
    ("Patient", "gender:not=female,male", set()),
    ("Patient", "active=true", {"ana"}),
    ("Patient", "active:not=true", {"ben"}),
    ("Patient", "active:missing=true", {"ben"}),
    ("Patient", "active:missing=false", {"ana"}),
    ("Patient", "deceased=true", {"ben"}),
    ("Patient", "deceased=false", {"ana"}),
    ("Patient", "identifier=urn:d|1", {"ana"}),
    ("Patient", "identifier=1", {"ana", "ben"}),
    ("Patient", "identifier=|bare", {"ben"}),
    ("Patient", "identifier=|1", set()),
    ("Patient", "identifier=urn:e|", {"ben"}),
    ("Patient", "identifier=urn:d|1,|bare", {"ana", "ben"}),
    ("Patient", "identifier:text=state", {"ana"}),
    ("Patient", "identifier:of-type=t|SB|1", {"ana"}),
    ("Patient", "identifier:of-type=t|SB|2", set()),
    ("Patient", "phone=555-123-4567", {"ana"}),
    ("Patient", "telecom=ana@s.test", {"ana"}),
    ("Patient", "email=555-123-4567", set()),
    ("Patient", "_tag=g|7", {"ana"}),
    ("Patient", "_tag:text=grade", {"ana"}),
    ("Encounter", "type=counsel", {"visit-1"}),
    ("Encounter", "type:text=beratung", {"visit-1"}),
    ("Encounter", "type:text=counseling", {"visit-1"}),
    ("Encounter", "type:text=only", {"visit-2"}),
    ("Encounter", "type:missing=true", {"visit-3", "visit-4"}),
    ("Encounter", "type:missing=false", {"visit-1", "visit-2"}),
    ("Patient", "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", {"ana", "ben"}),
    ("Patient", "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender%7C4.0.1", {"ana", "ben"}),
    ("Patient", "gender:in=http://hl7.org/fhir/ValueSet/group-type", set()),
    ("Patient", "gender:not-in=http://hl7.org/fhir/ValueSet/group-type", {"ana", "ben"}),
    ("Patient", "gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender", set()),
    ("Encounter", "status:in=http://hl7.org/fhir/ValueSet/encounter-status&status:not=planned", {"visit-1"}),
    ("Encounter", "type:not-in=http://hl7.org/fhir/ValueSet/encounter-type&type:missing=true", {"visit-3", "visit-4"}),
    ("Task", f"status:in={OURS}/ValueSet/referral-task-status", {"task", "misled"}),
    ("ServiceRequest", "category:in=ValueSet/service-category", {"referral"}),
    (
        "ServiceRequest",
        f"category:in=http://hl7.org/fhir/ValueSet/program,{BASE}/ValueSet/service-category",
        {"referral"},
    ),
    ("ServiceRequest", "category:in=http://hl7.org/fhir/ValueSet/service-category", set()),
    ("ServiceRequest", "category:not-in=ValueSet/service-category", set()),
    ("Patient", "_has:ServiceRequest:patient:category:in=ValueSet/service-category", {"ana"}),
    ("Group", "characteristic-value=grade$7", {"class"}),
    ("Group", "characteristic-value=c|grade$g|7", {"class"}),
    ("Group", "characteristic-value=c|$g|", {"class"}),
    ("Group", "characteristic-value=|closed$false", {"class"}),
    ("Group", "characteristic-value=grade$false", set()),
    ("Group", "characteristic-value=|grade$7", set()),
    # strings
    ("Patient", "family=diaz", {"ana", "ben"}),
    ("Patient", "family=DÍAZEP", {"ben"}),
    ("Patient", "family:exact=Díaz", {"ana"}),
    ("Patient", "family:exact=Diaz", set()),
    ("Patient", "family:contains=AZEP", {"ben"}),
    ("Patient", "family=azep", set()),
    ("Patient", "given=ana maria", {"ana"}),
    ("Patient", "name=ben,ana", {"ana", "ben"}),
    ("Patient", "name=d%25z", set()),
    ("Patient", "name:contains=_", set()),
    ("Organization", "name=aby", {"dist-org"}),
    ("Organization", "name=north", {"dist-org"}),
    # references
    ("Encounter", f"patient={ANA}", {"visit-1", "visit-2"}),
    ("Encounter", f"patient=Patient/{ANA}", {"visit-1", "visit-2"}),
    ("Encounter", f"subject:Patient={ANA}", {"visit-1", "visit-2"}),
    ("Encounter", f"subject:Group={ANA}", set()),
    ("Encounter", f"subject={BASE}/Patient/{ANA}", {"visit-1", "visit-2"}),
    ("Encounter", f"subject={ANA},{uid('ben')}", {"visit-1", "visit-2", "visit-3"}),
    ("Encounter", f"subject:Patient={ANA},Patient/{uid('ben')}", {"visit-1", "visit-2", "visit-3"}),
    ("Encounter", f"patient={uid('cleo')}", {"visit-4"}),
    ("Encounter", "patient=no-uuid", set()),
    ("Encounter", "service-provider:missing=true", {"visit-2", "visit-3", "visit-4"}),
    ("Patient", "organization=https://e.test/Organization/9", {"ben"}),
    ("Patient", "general-practitioner:identifier=npi|77", {"ben"}),
    ("Patient", "general-practitioner:identifier=77", {"ben"}),
    ("ServiceRequest", "instantiates-canonical=http://plan.test", {"referral"}),
    ("ServiceRequest", "instantiates-canonical=http://plan.test%7C3", {"referral"}),
    ("ServiceRequest", "instantiates-canonical=http://plan.test%7C4", set()),
    # dates
    ("Patient", "birthdate=2010-05-01", {"ana"}),
    ("Patient", "birthdate=2010", {"ana"}),
    ("Patient", "birthdate=2011-03", set()),
    ("Patient", "birthdate=ge2010-05-01", {"ana", "ben"}),
    ("Patient", "birthdate=gt2010-05-01", {"ben"}),
    ("Patient", "birthdate=le2010-05-01", {"ana"}),
    ("Patient", "birthdate=lt2011", {"ana"}),
    ("Patient", "birthdate=ne2010", {"ben"}),
    ("Patient", "birthdate=sa2010-12-31", {"ben"}),
    ("Patient", "birthdate=eb2011", {"ana"}),
    ("Patient", "birthdate=ge2010-01-01&birthdate=lt2011", {"ana"}),
    ("Patient", "birthdate=ap2011", {"ana", "ben"}),
    ("Encounter", "date=2024-09", {"visit-1"}),
    ("Encounter", "date=2024-09-11", set()),
    ("Encounter", "date=ap2024-09-11", {"visit-1", "visit-2"}),
    ("Encounter", "date=gt2024-09-11", {"visit-1", "visit-2"}),
    ("Encounter", "date=sa2024-09-11", {"visit-2"}),
    ("Encounter", "date=sa2024-09", {"visit-2"}),
    ("Encounter", "date=eb2024-09", set()),
    ("Encounter", "date=eb2024-09-13", {"visit-1"}),
    ("Encounter", "date=lt2024-10-01", {"visit-1"}),
    ("Encounter", "date=le2024-10-01", {"visit-1"}),
    ("Encounter", "date=le2024-10-02", {"visit-1", "visit-2"}),
    ("Encounter", "date=ge2024-09-10", {"visit-1", "visit-2"}),
    ("Encounter", "date=ge2024-09-12", {"visit-2"}),
    # quantities
    ("Encounter", "length=30", {"visit-1"}),
    ("Encounter", "length=30.4", set()),
    ("Encounter", "length=3e1", {"visit-1"}),
    ("Encounter", "length=ne30", {"visit-3"}),
    ("Encounter", "length=gt30", {"visit-3"}),
    ("Encounter", "length=ge30", {"visit-1", "visit-3"}),
    ("Encounter", "length=lt45", {"visit-1"}),
    ("Encounter", "length=le45", {"visit-1", "visit-3"}),
    ("Encounter", "length=sa30", {"visit-3"}),
    ("Encounter", "length=eb45", {"visit-1"}),
    ("Encounter", "length=gt1000", {"visit-3"}),
    ("Encounter", "length=ap31", {"visit-1"}),
    ("Encounter", "length=30|http://unitsofmeasure.org|min", {"visit-1"}),
    ("Encounter", "length=30|other|min", set()),
    ("Encounter", "length=30|http://unitsofmeasure.org|minutes", set()),
    ("Encounter", "length=30||minutes", {"visit-1"}),
    ("Encounter", "length=ge30||min", {"visit-1", "visit-3"}),
    ("Encounter", "length=ge30||h", set()),
    # uris
    ("Patient", "_profile=http://p.test/a", {"ben"}),
    ("Patient", "_profile=http://p.test/a/student", {"ana"}),
    ("Patient", "_profile=http://p.test/a/student%7C2", {"ana"}),
    ("Patient", "_profile:below=http://p.test/a", {"ana", "ben"}),
    ("Patient", "_profile:below=http://p.test/", {"ana", "ben"}),
    ("Patient", "_profile:below=http://p", set()),
    ("Patient", "_profile:above=http://p.test/a/b/c", {"ben"}),
    ("Patient", "_source=urn:feed", {"ben"}),
    # chains and _has
    ("Encounter", "patient.name=diaz", {"visit-1", "visit-2", "visit-3"}),
    ("Encounter", "patient.family:exact=Díaz", {"visit-1", "visit-2"}),
    ("Encounter", f"patient._id={ANA}", {"visit-1", "visit-2"}),
    ("Encounter", "subject:Patient.organization.name=elm", {"visit-1", "visit-2"}),
    ("Encounter", "patient.organization.partof.name=aby", {"visit-1", "visit-2"}),
    ("Encounter", "patient.gender:not=female", {"visit-3"}),
    ("Patient", "general-practitioner.name=grey", {"ana"}),
    ("Patient", "_has:Encounter:patient:status=finished", {"ana"}),
    ("Patient", "_has:Encounter:patient:status=planned", {"ana", "ben"}),
    ("Patient", "_has:Encounter:patient:_has:Task:encounter:status=requested", {"ana"}),
    ("Patient", "_has:Encounter:patient:service-provider.name=elm", {"ana"}),
    ("Organization", "_has:Patient:organization:name=ana", {"school"}),
    ("Task", "patient._has:Group:member:actual=true", {"task"}),
    ("Task", "focus.status=active", {"task"}),
    # a reference to the wrong type of the right id
    ("Task", "subject.name=ana", {"task"}),
    ("Task", "subject:Patient.name=ana", {"task"}),
    ("Patient", "_has:Task:subject:status=draft", set()),
]


@pytest.mark.parametrize(("type_name", "query", "expected"), CASES, ids=[f"{t}?{q}" for t, q, _ in CASES])
async def test_a_search_finds_what_it_asks_for(shelf: Shelf, type_name: str, query: str, expected: set[str]) -> None:
    """Each form of criterion, over the district's own resources; the total agrees."""
    assert set(await shelf.names("district", type_name, query)) == expected


@pytest.mark.parametrize(
    ("type_name", "query"),
    [
        ("Encounter", "patient.name=cleo"),
        ("Encounter", "patient.gender:missing=false&_id=" + str(uid("visit-4"))),
        ("Patient", "_has:Encounter:patient:status=in-progress"),
        ("Patient", f"_has:Encounter:patient:_id={uid('secret')}"),
        ("Organization", "_has:Encounter:service-provider:status=in-progress"),
        ("Encounter", "status=in-progress"),
        ("Encounter", f"_id={uid('secret')}"),
        ("Patient", f"_id={uid('cleo')}"),
    ],
)
async def test_what_the_caller_may_not_see_neither_matches_nor_joins(shelf: Shelf, type_name: str, query: str) -> None:
    """The clinic's resources do not show themselves through chains, _has or their own index rows."""
    assert await shelf.names("district", type_name, query) == []


async def test_an_access_index_that_says_too_much_opens_nothing(shelf: Shelf) -> None:
    """The row itself is checked live: a wrong index row brings neither a match nor a join."""
    await shelf.mislead("district", "secret", "Encounter", "ana")
    await shelf.mislead("district", "cleo", "Patient", "cleo")
    assert "secret" not in await shelf.names("district", "Encounter", "")
    assert await shelf.names("district", "Encounter", "patient.name=cleo") == []
    assert await shelf.names("district", "Patient", "_has:Encounter:patient:status=in-progress") == []
    assert "cleo" not in await shelf.brought("district", "Encounter", "_include=Encounter:patient")
    assert "secret" not in await shelf.brought("district", "Patient", "_revinclude=Encounter:patient")


async def test_each_sees_its_own(shelf: Shelf) -> None:
    """The same searches give the clinic its own resources, and the directory to both."""
    assert await shelf.names("clinic", "Patient", "") == ["cleo"]
    assert await shelf.names("clinic", "Encounter", "") == ["secret"]
    assert await shelf.names("clinic", "Encounter", "patient.name=ana") == []
    assert set(await shelf.names("clinic", "Organization", "")) == {"dist-org", "school"}


async def test_the_root_searches_several_types(shelf: Shelf) -> None:
    """Directory types and others come in one order, the newest first."""
    assert await shelf.names("district", None, "_type=Organization,Patient,Group") == [
        "class", "ben", "ana", "school", "dist-org",
    ]  # fmt: skip
    assert set(await shelf.names("district", None, f"_type=Encounter,Task&patient={ANA}")) == {
        "visit-1", "visit-2", "task",
    }  # fmt: skip
    assert await shelf.names("district", None, f"_id={ANA}") == ["ana"]


@pytest.mark.parametrize(
    ("type_name", "query", "expected"),
    [
        ("Encounter", "", ["visit-4", "visit-3", "visit-2", "visit-1"]),
        ("Encounter", "_sort=_lastUpdated", ["visit-1", "visit-2", "visit-3", "visit-4"]),
        ("Encounter", "_sort=status,-_lastUpdated", ["visit-1", "visit-4", "visit-3", "visit-2"]),
        ("Encounter", "_sort=-status,_lastUpdated", ["visit-2", "visit-3", "visit-4", "visit-1"]),
        ("Encounter", "_sort=date,_lastUpdated", ["visit-1", "visit-2", "visit-3", "visit-4"]),
        ("Encounter", "_sort=-date,_lastUpdated", ["visit-2", "visit-1", "visit-3", "visit-4"]),
        ("Encounter", "_sort=-length,_lastUpdated", ["visit-3", "visit-1", "visit-2", "visit-4"]),
        ("Encounter", "_sort=service-provider,-_lastUpdated", ["visit-1", "visit-4", "visit-3", "visit-2"]),
        ("Encounter", "_sort=type,_lastUpdated", ["visit-1", "visit-2", "visit-3", "visit-4"]),
        ("Patient", "_sort=family", ["ana", "ben"]),
        ("Patient", "_sort=-birthdate", ["ben", "ana"]),
        ("Patient", "_sort=_profile", ["ben", "ana"]),
        ("Organization", "_sort=name", ["dist-org", "school"]),
        ("Patient", "_sort=_id", sorted(["ana", "ben"], key=uid)),
    ],
)
async def test_matches_come_in_order(shelf: Shelf, type_name: str, query: str, expected: list[str]) -> None:
    """The newest first, or by parameters; what has no value comes last in both directions."""
    assert await shelf.names("district", type_name, query) == expected


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize(
    "query",
    ["", "_sort=date", "_sort=-date", "_sort=status", "_sort=-length,status", "_sort=_id", "_sort=-_lastUpdated,_id"],
)
async def test_pages_forth_and_back_make_the_whole(shelf: Shelf, query: str, limit: int) -> None:
    """Each match is on one page, and going back gives the same pages, whatever is sorted by and absent."""
    wanted = search("Encounter", query)
    whole = await shelf.names("district", "Encounter", query)
    forth, after = [], None
    while True:
        rows = await shelf.page("district", wanted, after, limit)
        forth.append(rows[:limit])
        if len(rows) <= limit:
            break
        after = search_queries.cursor_at(rows[limit - 1], wanted, back=False)
    assert [shelf.name_of(r) for page in forth for r in page] == whole
    for before, page in pairwise(forth):
        back = await shelf.page("district", wanted, search_queries.cursor_at(page[0], wanted, back=True), limit)
        assert [r.id for r in back[:limit]] == [r.id for r in reversed(before)]


async def test_what_was_deleted_neither_matches_nor_joins(shelf: Shelf) -> None:
    """A deletion is the current version, and a search does not see it: as a match, through a chain, by _has."""
    async with shelf.deleted("ana"), shelf.deleted("dr"):
        assert await shelf.names("district", "Patient", "") == ["ben"]
        assert await shelf.names("district", "Practitioner", "") == []
        assert await shelf.names("district", "Encounter", "patient.name=ana") == []
        assert await shelf.names("district", "Organization", "_has:Patient:organization:name=ana") == []
        assert await shelf.brought("district", "Encounter", "_include=Encounter:patient") == {"ben"}
    async with shelf.deleted("dr"):
        assert await shelf.names("district", "Patient", "general-practitioner.name=grey") == []


async def test_only_current_versions_are_found(shelf: Shelf) -> None:
    """An older version is no match, also in the directory, where no access index stands before it."""
    async with shelf.superseded("dist-org"):
        assert await shelf.names("district", "Organization", "") == ["school"]
        assert await shelf.names("district", "Organization", "partof.name=aby") == []


async def test_custody_narrows_what_is_visible(shelf: Shelf) -> None:
    """With `held` only what the caller holds is found, directory or not."""
    wanted = search("Organization", "")
    for holder, expected in (("district", {"dist-org", "school"}), ("clinic", set())):
        rows = await shelf.rows(holder, *search_queries.page(wanted, uid(holder), None, 10, held=True))
        assert {shelf.name_of(r) for r in rows} == expected
