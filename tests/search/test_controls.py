"""The parameters that say how results come. https://hl7.org/fhir/R4/search.html#return"""

from __future__ import annotations

import pytest

from app.errors import HallpassError, Kind
from app.resources import TYPES
from app.search.parameters import ParamKind
from app.search.query import Include, SortKey
from tests.search.support import search


def test_sort_keys_have_a_direction() -> None:
    """A minus is for the greatest first."""
    assert search("Encounter", "_sort=status,-date,_lastUpdated,_id").sort == (
        SortKey("status", ParamKind.TOKEN, False),
        SortKey("date", ParamKind.DATE, True),
        SortKey("_lastUpdated", ParamKind.DATE, False),
        SortKey("_id", ParamKind.TOKEN, False),
    )


def test_elements_are_json_keys() -> None:
    """A choice stands for each of its keys."""
    found = search("Patient", "_elements=identifier,deceased").elements
    assert found == ("identifier", "deceasedBoolean", "deceasedDateTime")


@pytest.mark.parametrize(("text", "expected"), [("", 50), ("_count=7", 7), ("_count=9999", 500), ("_count=0", 0)])
def test_count_is_held_to_the_bound(text: str, expected: int) -> None:
    """Absent it is the default, above the bound it is the bound, and 0 asks for the total alone."""
    assert search("Patient", text).count == expected


def test_summary_count_asks_for_the_total_alone() -> None:
    """It is another spelling of `_count=0`."""
    assert search("Patient", "_summary=count&_count=10").count == 0


@pytest.mark.parametrize("name", ["_total", "_totalMethod"])
def test_total_has_two_spellings(name: str) -> None:
    """Both say the same."""
    assert search("Patient", f"{name}=accurate").total == "accurate"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_include=Encounter:patient", Include(False, "Encounter", "patient", None, False)),
        ("_include=Encounter:subject:Group", Include(False, "Encounter", "subject", "Group", False)),
        ("_include=Encounter:*", Include(False, "Encounter", None, None, False)),
        ("_include=*", Include(False, "Encounter", None, None, False)),
        ("_include:iterate=Patient:organization", Include(False, "Patient", "organization", None, True)),
        ("_include:recurse=Patient:organization", Include(False, "Patient", "organization", None, True)),
        ("_revinclude=Task:encounter", Include(True, "Task", "encounter", None, False)),
        ("_revinclude=Task:focus:Encounter", Include(True, "Task", "focus", "Encounter", False)),
        ("_revinclude=Task:*", Include(True, "Task", None, None, False)),
    ],
)
def test_an_include_names_source_parameter_and_target(query: str, expected: Include) -> None:
    """None stands for every reference or every type."""
    assert search("Encounter", query).includes == (expected,)


def test_a_wildcard_goes_over_the_types() -> None:
    """Includes start at the matches, reverse includes may start anywhere."""
    assert {i.source for i in search("Encounter", "_revinclude=*").includes} == set(TYPES)
    assert {i.source for i in search("Encounter", "_include:iterate=*").includes} == set(TYPES)


def test_all_that_a_type_without_references_refers_to_may_be_asked_for() -> None:
    assert search("Practitioner", "_include=Practitioner:*").includes == search("Practitioner", "_include=*").includes


def test_the_same_include_counts_once() -> None:
    """Repetitions are no more work."""
    assert len(search("Encounter", "_include=Encounter:patient&_include=Encounter:patient").includes) == 1


@pytest.mark.parametrize(
    "query",
    [
        "_sort=",
        "_sort=nothing",
        "_sort=date,date",
        "_sort=date,-date",
        "_sort=--date",
        "_elements=",
        "_elements=nothing",
        "_elements=Encounter.status",
        "_count=",
        "_count=-1",
        "_count=ten",
        "_count=1e3",
        "_count=٣",
        "_count=1&_count=2",
        "_sort=date&_sort=status",
        "_total=all",
        "_total=none&_totalMethod=none",
        "_summary=yes",
        "_cursor=",
        "_cursor=a&_cursor=b",
        "_include=",
        "_include=patient",
        "_include=Encounter",
        "_include=Encounter:",
        "_include=Encounter:nothing",
        "_include=Encounter:status",
        "_include=Encounter:patient:",
        "_include=Encounter:patient:Group",
        "_include=Encounter:patient:Patient:more",
        "_include=Observation:subject",
        "_include=Patient:organization",
        "_include=Encounter:diagnosis:Medication",
        "_revinclude=Patient:organization",
        "_revinclude=Task:focus:Patient",
    ],
)
def test_what_is_not_understood_is_refused(query: str) -> None:
    """A control that cannot be carried out as asked is a 400 that names it."""
    with pytest.raises(HallpassError) as e:
        search("Encounter", query)
    assert e.value.kind is Kind.INVALID
    assert "'_" in e.value.issues[0].text


@pytest.mark.parametrize("query", ["_include:all=*", "_contained=true", "_score=1", "_sort:desc=date"])
def test_other_controls_are_unknown(query: str) -> None:
    """What is not served is refused like any unknown parameter."""
    with pytest.raises(HallpassError) as e:
        search("Encounter", query)
    assert e.value.kind is Kind.UNKNOWN_PARAM


@pytest.mark.parametrize(
    "query", ["_sort=status,date,type,class,length,patient", "_include:iterate=*&_revinclude=*&_revinclude:iterate=*&"
    "_include=*&" + "&".join(f"_include=Encounter:{c}" for c in ("patient", "subject", "location", "part-of"))
    + "&" + "&".join(f"_revinclude=Task:{c}" for c in ("focus", "encounter", "based-on", "subject"))
    + "&" + "&".join(f"_include:iterate=Patient:{c}" for c in ("organization", "general-practitioner", "link"))]
)  # fmt: skip
def test_controls_are_bounded(query: str) -> None:
    """A search has few sort keys and not too many includes."""
    with pytest.raises(HallpassError) as e:
        search("Encounter", query)
    assert e.value.kind is Kind.TOO_COSTLY
