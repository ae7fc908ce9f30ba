"""What the models say of an element. https://hl7.org/fhir/R4/formats.html#choice"""

from __future__ import annotations

import pytest

from app.resources import REGISTRY, TYPES, ResourceType
from app.search.elements import elements


def of(type_name: str, name: str) -> list[tuple[str, str]]:
    return [(e.key, e.type) for e in elements(TYPES[type_name].model, name)]


def test_a_plain_element_is_one_key() -> None:
    """An element is its JSON key and its FHIR type, also where the key is a word of Python."""
    assert of("Patient", "birthDate") == [("birthDate", "date")]
    assert of("Task", "for") == [("for", "Reference")]
    assert of("Encounter", "class") == [("class", "Coding")]


def test_a_choice_is_a_key_for_each_type() -> None:
    """A choice is asked for by its stem."""
    assert of("Patient", "deceased") == [("deceasedBoolean", "boolean"), ("deceasedDateTime", "dateTime")]


def test_what_is_no_element_is_none() -> None:
    """A name that the type lacks, and a note of the library beside an element, are no elements."""
    assert of("Patient", "nothing") == []
    assert of("Patient", "_birthDate") == []


@pytest.mark.parametrize("declared", REGISTRY, ids=lambda t: t.name)
def test_every_element_of_our_types_has_a_type(declared: ResourceType) -> None:
    """No field of a model stays without a FHIR type."""
    for name in declared.model.elements_sequence():
        assert elements(declared.model, name), name
