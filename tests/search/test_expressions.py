"""The part of FHIRPath that search parameters are written in. https://hl7.org/fhir/R4/search.html#construction"""

from __future__ import annotations

from typing import Any

import pytest

from app.resources import TYPES
from app.search.expressions import compile_expression
from tests.search.support import ID


def values(expression: str, resource: dict[str, Any]) -> list[tuple[str, Any]]:
    paths = compile_expression(expression, TYPES[expression.lstrip("(").split(".")[0]].model)
    return [(f.type, f.value) for p in paths for f in p.values(resource)]


def test_a_path_goes_through_lists() -> None:
    """Every repetition at every step counts, in document order; an empty place of a list does not."""
    patient = {"name": [{"given": ["A", None, "B"]}, {"family": "X"}, {"given": ["C"]}]}
    assert values("Patient.name.given", patient) == [("string", "A"), ("string", "B"), ("string", "C")]


def test_a_union_has_the_values_of_each_member() -> None:
    """The members of a union come one after the other."""
    found = values("Organization.name | Organization.alias", {"name": "N", "alias": ["A"]})
    assert found == [("string", "N"), ("string", "A")]


def test_a_choice_says_which_type_it_has() -> None:
    """A choice element is found under each of its keys, with the type of the key."""
    assert values("ServiceRequest.occurrence", {"occurrenceDateTime": "2024"}) == [("dateTime", "2024")]
    assert values("ServiceRequest.occurrence", {"occurrencePeriod": {"start": "2024"}})[0][0] == "Period"


def test_as_takes_one_type_of_a_choice() -> None:
    """Other types of the choice are left out."""
    assert values("(Patient.deceased as dateTime)", {"deceasedDateTime": "2024"}) == [("dateTime", "2024")]
    assert values("(Patient.deceased as dateTime)", {"deceasedBoolean": True}) == []


def test_where_takes_elements_with_a_value() -> None:
    """Elements with another value, or none, are left out."""
    telecom = [{"system": "email", "value": "e"}, {"system": "phone", "value": "p"}, {"value": "n"}]
    assert values("Patient.telecom.where(system='email')", {"telecom": telecom}) == [("ContactPoint", telecom[0])]


@pytest.mark.parametrize(
    ("reference", "is_patient"),
    [
        ({"reference": f"Patient/{ID}"}, True),
        ({"reference": f"Group/{ID}"}, False),
        ({"reference": "https://elsewhere.test/fhir/Patient/1"}, True),
        ({"reference": "#p"}, True),
        ({"reference": "#g"}, False),
        ({"reference": "#none"}, False),
        ({"type": "Patient", "identifier": {"value": "1"}}, True),
        ({"display": "someone"}, False),
    ],
)
def test_resolve_goes_by_what_the_reference_says(reference: dict[str, Any], is_patient: bool) -> None:
    """The type comes from the text, the contained resource or the type element; nothing is fetched."""
    encounter = {
        "subject": reference,
        "contained": [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}],
    }
    assert bool(values("Encounter.subject.where(resolve() is Patient)", encounter)) is is_patient


@pytest.mark.parametrize(
    ("patient", "deceased"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2024"}, True),
    ],
)
def test_a_truth_is_always_there(patient: dict[str, Any], deceased: bool) -> None:
    """'exists and is not false' is false, not absent, where there is nothing."""
    expression = "Patient.deceased.exists() and Patient.deceased != false"
    assert values(expression, patient) == [("boolean", deceased)]


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.first()",
        "Patient.nothing",
        "Patient.name.nothing",
        "(Patient.deceased as Quantity)",
        "Patient.name.where(use = 'official')",
        "Patient.deceased.exists() and Patient.active != false",
        "",
    ],
)
def test_anything_else_fails_at_import(expression: str) -> None:
    """An expression or element that is not understood is an error, never an empty result."""
    with pytest.raises(TypeError):
        compile_expression(expression, TYPES["Patient"].model)


def test_a_value_that_is_no_object_has_nothing_below() -> None:
    """A path into a primitive finds nothing."""
    assert values("Patient.name.given", {"name": "text"}) == []
