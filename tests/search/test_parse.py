"""A query string -> Search. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import HallpassError, Kind
from app.resources import TYPES
from app.search.parse import MAX_PAIRS, parse
from app.search.query import Criterion, Search
from tests.search.support import BASE, ID, ZONE, search

ENCOUNTER = [
    ("status", "finished,planned"),
    ("status:not", "planned"),
    ("patient", ID),
    ("patient", f"Patient/{ID}"),
    ("subject:Patient.name:exact", r"O\,Hara"),
    ("subject.name", "Ñandú & Söhne=1"),
    ("_has:Task:encounter:status", "requested"),
    ("date", "ge2024-09"),
    ("date", "lt2025-01-01T00:00:00+02:00"),
    ("length", "gt30|http://unitsofmeasure.org|min"),
    ("type:text", "visit"),
    ("identifier:of-type", "t|SB|1"),
    ("service-provider:missing", "true"),
    ("_lastUpdated", "gt2024"),
    ("_sort", "-date,status"),
    ("_count", "7"),
    ("_total", "accurate"),
    ("_summary", "data"),
    ("_elements", "status,class"),
    ("_include", "Encounter:patient"),
    ("_include:iterate", "Patient:organization"),
    ("_revinclude", "Task:encounter"),
]


def attempt(pairs: list[tuple[str, str]], *, lenient: bool = False) -> Search | Kind:
    """The search, or the kind of its refusal."""
    try:
        return parse("Encounter", pairs, zone=ZONE, base_url=BASE, default_count=50, max_count=500, lenient=lenient)
    except HallpassError as e:
        return e.kind


@given(st.lists(st.sampled_from(ENCOUNTER), unique_by=lambda p: p if p[0] in ("patient", "date") else p[0]))
def test_the_canonical_form_gives_the_same_search(pairs: list[tuple[str, str]]) -> None:
    """What was understood, written as a query string and parsed again, is the same search."""
    found = search("Encounter", urlencode(pairs))
    assert search("Encounter", found.canonical()) == found


@given(
    st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12),
    st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=12),
    st.booleans(),
)
def test_whatever_is_asked_is_understood_or_refused(key: str, text: str, lenient: bool) -> None:
    """Any pair ends in a criterion or control, in a refusal, or leniently in the list of what was ignored."""
    found = attempt([(key, text)], lenient=lenient)
    if isinstance(found, Kind):
        assert not lenient
        assert found in (Kind.UNKNOWN_PARAM, Kind.INVALID)
    else:
        assert bool(found.pairs) is not bool(found.ignored)


@given(st.sampled_from(ENCOUNTER), st.text(max_size=5), st.text(max_size=5))
def test_a_near_miss_is_understood_or_refused(pair: tuple[str, str], more_key: str, more_text: str) -> None:
    """Known keys and values with something behind them never fail in any other way."""
    pairs = [(pair[0] + more_key, pair[1] + more_text)]
    found = attempt(pairs)
    assert found in (Kind.UNKNOWN_PARAM, Kind.INVALID, Kind.TOO_COSTLY) or found.pairs == tuple(pairs)


def test_criteria_are_kept_in_their_order() -> None:
    """Each repetition is a criterion of its own: all must hold."""
    found = search("Patient", "name=a&gender=male&name=b")
    assert [c.parameter for c in found.criteria if isinstance(c, Criterion)] == ["name", "gender", "name"]


def test_the_cursor_is_no_part_of_the_canonical_form() -> None:
    """The search is the same on each of its pages."""
    found = search("Patient", "name=a&_cursor=opaque")
    assert found.cursor == "opaque"
    assert found.canonical() == "name=a"
    assert replace(found, cursor=None) == search("Patient", "name=a")


def test_lenient_names_what_it_ignores() -> None:
    """Unknown parameters and bad values are listed by name; what was understood stays, canonical form included."""
    found = search("Patient", "nothing=1&birthdate=x&name=a&birthdate=2010&_count=x", lenient=True)
    assert found.ignored == ("nothing", "birthdate", "_count")
    assert parse_qsl(found.canonical()) == [("name", "a"), ("birthdate", "2010")]
    assert len(found.criteria) == 2


def test_lenient_is_no_way_round_the_bounds() -> None:
    """A search that is too costly is refused however it is asked."""
    with pytest.raises(HallpassError) as e:
        search("Patient", "&".join(["name=a"] * (MAX_PAIRS + 1)), lenient=True)
    assert e.value.kind is Kind.TOO_COSTLY
    with pytest.raises(HallpassError) as e:
        search("Organization", "partof." * 11 + "name=x", lenient=True)
    assert e.value.kind is Kind.TOO_COSTLY


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_no_database_holds_is_refused(text: str) -> None:
    """NUL and half a surrogate pair are no characters of a FHIR string."""
    with pytest.raises(HallpassError) as e:
        parse("Patient", [("name", text)], zone=ZONE, base_url=BASE, default_count=1, max_count=1)
    assert e.value.kind is Kind.INVALID


def test_the_root_searches_all_types_or_some() -> None:
    """`_type` comes first wherever it stands, and the parameters are those that the types share."""
    assert search(None, "").types == tuple(TYPES)
    found = search(None, f"patient={ID}&_type=Encounter,ServiceRequest,Encounter")
    assert found.types == ("Encounter", "ServiceRequest")
    assert search(None, found.canonical()) == replace(found, pairs=tuple(parse_qsl(found.canonical())))
    with pytest.raises(HallpassError) as e:
        search(None, f"patient={ID}")
    assert e.value.kind is Kind.UNKNOWN_PARAM


@pytest.mark.parametrize("query", ["_type=", "_type=Specimen", "_type=Patient&_type=Task"])
def test_types_are_of_this_server(query: str) -> None:
    """A type that is not served is refused, not searched for nothing."""
    with pytest.raises(HallpassError) as e:
        search(None, query)
    assert e.value.kind is Kind.INVALID
