"""The part of FHIRPath that search parameters are written in. https://hl7.org/fhir/R4/search.html#construction"""

from __future__ import annotations

from typing import Any

import pytest

from app.resources import TYPES
from app.search.expressions import compile_below, compile_expression
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


def test_a_choice_is_narrowed_in_each_of_the_three_ways() -> None:
    """`as` before and behind, and ofType."""
    occurred = {"occurrenceDateTime": "2024"}
    for text in ("(ServiceRequest.occurrence as {})", "ServiceRequest.occurrence.{}"):
        own = "dateTime" if "as" in text else "as(dateTime)"
        assert values(text.format(own), occurred) == [("dateTime", "2024")]
    assert values("ServiceRequest.occurrence.ofType(Period)", occurred) == []


def test_an_extension_is_found_by_its_url() -> None:
    """With the types that its value can have."""
    patient = {"extension": [{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueCode": "y"}]}
    assert values("Patient.extension('urn:b')", patient) == [("code", "y")]


def test_one_of_a_list_is_found_by_its_place() -> None:
    assert values("Patient.name[1].family", {"name": [{"family": "A"}, {"family": "B"}]}) == [("string", "B")]


def test_a_composite_starts_at_its_element_or_at_the_resource() -> None:
    model = TYPES["Group"].model
    (path,) = compile_expression("Group.characteristic", model)
    group = {"type": "person", "characteristic": [{"valueBoolean": True}, {"valueCodeableConcept": {"text": "x"}}]}
    (typed,) = compile_below("value.as(boolean)", path, model)
    assert [f.value for e in path.values(group) for f in typed.values(group, e.value)] == [True]
    (rooted,) = compile_below("%resource.type", path, model)
    assert [f.value for f in rooted.values(group, {})] == ["person"]


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
        "Patient.name.where(nothing = 'official')",
        "Person.name",
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
