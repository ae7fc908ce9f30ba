"""The index rows of a resource. https://hl7.org/fhir/R4/search.html#ptypes"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.search.rows import Date, Quantity, Reference, String, Token, Uri
from tests.search.support import BASE, ID, index

CODED = {"coding": [{"system": "s", "code": "a", "display": "Äpfel"}, {"code": "b"}], "text": "Obst"}


def tokens(resource: dict[str, Any], param: str) -> set[tuple[str, str]]:
    return {(r.system, r.code) for r in index(resource).tokens if r.param == param}


def strings(resource: dict[str, Any], param: str) -> set[tuple[str, str]]:
    return {(r.folded, r.exact) for r in index(resource).strings if r.param == param}


@pytest.mark.parametrize(
    ("resource", "param", "expected"),
    [
        ({"resourceType": "Patient", "gender": "male"}, "gender", {("", "male")}),
        ({"resourceType": "Patient", "active": True}, "active", {("", "true")}),
        ({"resourceType": "Patient", "active": False}, "active", {("", "false")}),
        ({"resourceType": "Patient"}, "active", set()),
        ({"resourceType": "Patient"}, "deceased", {("", "false")}),
        ({"resourceType": "Patient", "deceasedDateTime": "2024"}, "deceased", {("", "true")}),
        ({"resourceType": "Task", "code": CODED}, "code", {("s", "a"), ("", "b")}),
        ({"resourceType": "Task", "code": {"text": "x"}}, "code", {("", "")}),
        ({"resourceType": "Encounter", "class": {"system": "s", "code": "AMB"}}, "class", {("s", "AMB")}),
        ({"resourceType": "Patient", "identifier": [{"system": "s", "value": "1"}]}, "identifier", {("s", "1")}),
        ({"resourceType": "Patient", "identifier": [{"value": "1"}]}, "identifier", {("", "1")}),
        ({"resourceType": "Patient", "telecom": [{"system": "phone", "value": "(555) 123-4567"}]}, "phone",
         {("", "5551234567")}),
        ({"resourceType": "Patient", "telecom": [{"system": "phone", "value": "(555) 123-4567"}]}, "email", set()),
        ({"resourceType": "Patient", "meta": {"tag": [{"system": "s", "code": "t"}]}}, "_tag", {("s", "t")}),
        ({"resourceType": "Patient", "meta": {"security": [{"system": "s", "code": "R"}]}}, "_security", {("s", "R")}),
        ({"resourceType": "Group", "characteristic": [{"valueBoolean": True}, {"valueCodeableConcept": CODED}]},
         "value", {("", "true"), ("s", "a"), ("", "b")}),
    ],
)  # fmt: skip
def test_a_token_is_a_system_and_a_code(resource: dict[str, Any], param: str, expected: set[tuple[str, str]]) -> None:
    """Each coding is a row; an element without a code leaves an empty row, an absent element none."""
    assert tokens(resource, param) == expected


def test_texts_of_tokens_are_strings() -> None:
    """`:text` looks at the concept's text, displays and the identifier type's text."""
    task = {"resourceType": "Task", "code": CODED, "identifier": [{"value": "1", "type": {"text": "Local"}}]}
    assert strings(task, "code:text") == {("obst", "Obst"), ("apfel", "Äpfel")}
    assert strings(task, "identifier:text") == {("local", "Local")}
    tagged = {"resourceType": "Task", "meta": {"tag": [{"code": "t", "display": "Tag"}]}}
    assert strings(tagged, "_tag:text") == {("tag", "Tag")}


def test_an_identifier_is_found_by_its_type() -> None:
    """`:of-type` joins the type's code and the value."""
    kind = {"coding": [{"system": "t", "code": "SB"}]}
    patient = {"resourceType": "Patient", "identifier": [{"system": "s", "value": "1", "type": kind}]}
    assert tokens(patient, "identifier:of-type") == {("t", "SB|1")}


def test_names_and_addresses_are_strings_by_part() -> None:
    """Each part of a name or address is a row of its own."""
    patient = {
        "resourceType": "Patient",
        "name": [{"family": "Díaz", "given": ["Ana", None], "prefix": ["Dr."], "use": "official"}],
        "address": [{"line": ["1 Main St"], "city": "Bridgeport", "postalCode": "06604"}],
    }
    assert {f for f, _ in strings(patient, "name")} == {"diaz", "ana", "dr"}
    assert strings(patient, "family") == {("diaz", "Díaz")}
    assert {f for f, _ in strings(patient, "address")} == {"1 main st", "bridgeport", "06604"}
    assert strings(patient, "address-city") == {("bridgeport", "Bridgeport")}


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"reference": f"Practitioner/{ID}"}, ("Practitioner", UUID(ID), "", "", "")),
        ({"reference": f"{BASE}/Practitioner/{ID}"}, ("Practitioner", UUID(ID), "", "", "")),
        (
            {"reference": "https://e.test/Practitioner/1"},
            ("Practitioner", None, "https://e.test/Practitioner/1", "", ""),
        ),
        ({"identifier": {"system": "s", "value": "1"}, "type": "Practitioner"}, ("Practitioner", None, "", "s", "1")),
        ({"display": "Someone"}, ("", None, "", "", "")),
        ({"reference": "#c"}, ("", None, "", "", "")),
    ],
)
def test_a_reference_is_a_resource_a_url_or_an_identifier(element: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """A reference has one row, also when it only says that there is something."""
    patient = {"resourceType": "Patient", "generalPractitioner": [element]}
    assert index(patient).references == (Reference("general-practitioner", *expected),)


def test_a_canonical_is_found_with_and_without_its_version() -> None:
    """`url|version` has a row for the whole and one for the url."""
    request = {
        "resourceType": "ServiceRequest",
        "instantiatesCanonical": ["http://p|1"],
        "meta": {"profile": ["http://p|1"]},
    }
    assert [r.url for r in index(request).references] == ["http://p|1", "http://p"]
    assert index(request).uris == (Uri("_profile", "http://p|1"), Uri("_profile", "http://p"))


def test_an_attachment_is_no_reference() -> None:
    """A choice of another type leaves no row."""
    consent = {"resourceType": "Consent", "sourceAttachment": {"title": "t"}}
    assert index(consent).references == ()


def test_dates_are_intervals_in_the_zone() -> None:
    """A partial date covers its day in the zone; a day that is nothing but a day is the same everywhere."""
    encounter = {"resourceType": "Encounter", "period": {"start": "2024-09-30", "end": "2024-10-01T10:00:00Z"}}
    assert index(encounter).dates == (
        Date("date", datetime(2024, 9, 30, 4, tzinfo=UTC), datetime(2024, 10, 1, 10, 0, 1, tzinfo=UTC)),
    )
    patient = {"resourceType": "Patient", "birthDate": "2010-05-01"}
    assert index(patient).dates == (
        Date("birthdate", datetime(2010, 5, 1, tzinfo=UTC), datetime(2010, 5, 2, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    ("quantity", "low", "high"),
    [
        ({"value": Decimal("30.0")}, "30.0", "30.0"),
        ({"value": 30, "comparator": "<"}, "-Infinity", "30"),
        ({"value": 30, "comparator": "<="}, "-Infinity", "30"),
        ({"value": 30, "comparator": ">="}, "30", "Infinity"),
    ],
)
def test_a_comparator_makes_a_quantity_a_range(quantity: dict[str, Any], low: str, high: str) -> None:
    """Less than 30 minutes is anything up to 30."""
    encounter = {"resourceType": "Encounter", "length": {**quantity, "system": "u", "code": "min", "unit": "minutes"}}
    expected = Quantity("length", Decimal(low), Decimal(high), "u", "min", "minutes")
    assert index(encounter).quantities == (expected,)


def test_a_quantity_without_a_value_has_no_row() -> None:
    """There is nothing to compare."""
    assert index({"resourceType": "Encounter", "length": {"unit": "min"}}).quantities == ()


def test_a_composite_pairs_what_stands_together() -> None:
    """A pair is of one characteristic, never of two; each code is kept in the forms in which it can be asked for."""
    group = {
        "resourceType": "Group",
        "characteristic": [
            {"code": {"coding": [{"system": "s", "code": "a"}]}, "valueBoolean": True},
            {"code": {"coding": [{"code": "b"}]}, "valueBoolean": False},
        ],
    }
    found = tokens(group, "characteristic-value")
    assert {("a", "true"), ("s|a", "true"), ("s|", "|true"), ("b", "false"), ("|b", "false")} <= found
    assert ("a", "false") not in found
    assert ("b", "true") not in found


def test_a_row_is_there_once() -> None:
    """Two equal elements give one row, the rows of one parameter come in the order of the resource."""
    names = [{"family": "B"}, {"family": "A"}, {"family": "B"}]
    patient = {"resourceType": "Patient", "name": names}
    assert [r for r in index(patient).strings if r.param == "family"] == [
        String("family", "b", "B"),
        String("family", "a", "A"),
    ]


def test_columns_of_the_resource_have_no_rows() -> None:
    """`_id` and `_lastUpdated` are not in the index."""
    patient = {"resourceType": "Patient", "id": ID, "meta": {"lastUpdated": "2024-01-01T00:00:00Z"}}
    assert index(patient).tokens == (Token("deceased", "", "false"),)
    assert index(patient).dates == ()
