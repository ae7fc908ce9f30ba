"""The search parameters of each type. https://hl7.org/fhir/R4/searchparameter-registry.html"""

from __future__ import annotations

import pytest

from app.resources import REGISTRY
from app.search.own import OURS
from app.search.parameters import COLUMNS, PARAMETERS, UNSERVED, Parameter, ParamKind

EVERY = [(t, p) for t, table in PARAMETERS.items() for p in table.values()]
EVERY_ID = [f"{t}-{p.code}" for t, p in EVERY]


def test_every_type_has_its_parameters() -> None:
    """Each type of the registry is there, with the parameters of every resource."""
    assert list(PARAMETERS) == [t.name for t in REGISTRY]
    for table in PARAMETERS.values():
        assert {"_id", "_lastUpdated", "_tag", "_security", "_profile", "_source"} <= table.keys()


def test_the_list_is_the_specifications() -> None:
    """A type has the standard parameters, no more: counted on the page of the type."""
    encounter = "account appointment based-on class date diagnosis episode-of-care identifier length location "
    encounter += "location-period part-of participant participant-type patient practitioner reason-code "
    encounter += "reason-reference service-provider special-arrangement status subject type"
    assert {c for c in PARAMETERS["Encounter"] if c[0] != "_"} == set(encounter.split())
    request = "authored based-on body-site category code encounter identifier instantiates-canonical "
    request += "instantiates-uri intent occurrence patient performer performer-type priority replaces requester "
    request += "requisition specimen status subject"
    ours = "day-of-need program supporting-info"
    assert {c for c in PARAMETERS["ServiceRequest"] if c[0] != "_"} == set(f"{request} {ours}".split())


@pytest.mark.parametrize("code", sorted(UNSERVED))
def test_what_cannot_be_served_is_no_parameter(code: str) -> None:
    """A parameter that is left out says why, and no type has it."""
    assert UNSERVED[code]
    assert not any(code in table for table in PARAMETERS.values())


@pytest.mark.parametrize(("type_name", "parameter"), EVERY, ids=EVERY_ID)
def test_a_parameter_looks_at_elements_of_its_kind(type_name: str, parameter: Parameter) -> None:
    """Each type of element that a parameter can meet is one that rows are made of for its kind, or of a choice."""
    served = {
        ParamKind.TOKEN: {"code", "id", "boolean", "Coding", "CodeableConcept", "Identifier", "ContactPoint"}
        | {"HealthcareServiceAvailableTime", "LocationPosition", "string"},
        ParamKind.STRING: {"string", "markdown", "HumanName", "Address"},
        ParamKind.REFERENCE: {"Reference", "canonical", "Attachment"},
        ParamKind.DATE: {"date", "dateTime", "instant", "Period", "Timing"},
        ParamKind.QUANTITY: {"Duration", "Quantity", "Age", "Range"},
        ParamKind.URI: {"uri", "url", "canonical"},
        ParamKind.COMPOSITE: {"GroupCharacteristic", "ObservationComponent", "UsageContext"},
    }
    by_other_types = {ParamKind.DATE: {"string", "Age", "Range"}, ParamKind.QUANTITY: {"SampledData"}}
    assert parameter.types <= served[parameter.kind] | by_other_types.get(parameter.kind, set())
    assert parameter.url.startswith(("http://hl7.org/fhir/SearchParameter/", f"{OURS}/"))
    assert parameter.description
    assert bool(parameter.targets) is (parameter.kind is ParamKind.REFERENCE)


def test_modifiers_go_by_kind_and_element() -> None:
    """`:text` needs an element with a text, `:of-type` an Identifier, `:in` a code; the columns take none."""
    patient = PARAMETERS["Patient"]
    assert patient["identifier"].modifiers == {"missing", "not", "text", "of-type"}
    assert patient["gender"].modifiers == {"missing", "not", "in", "not-in"}
    assert patient["active"].modifiers == patient["phone"].modifiers == {"missing", "not"}
    assert patient["name"].modifiers == {"missing", "exact", "contains"}
    assert patient["organization"].modifiers == {"missing", "identifier"}
    assert patient["_profile"].modifiers == {"missing", "below", "above"}
    assert patient["birthdate"].modifiers == {"missing"}
    assert all(patient[c].modifiers == frozenset() for c in COLUMNS)


def test_a_code_knows_its_system() -> None:
    """The code system of a required value set comes with the parameter."""
    assert PARAMETERS["Patient"]["gender"].systems == {"http://hl7.org/fhir/administrative-gender"}
    assert PARAMETERS["Encounter"]["class"].systems == frozenset()


def test_a_description_is_of_its_type() -> None:
    """Where one definition serves several types, each has its own sentence."""
    assert PARAMETERS["Patient"]["birthdate"].description == "The patient's date of birth"
    assert PARAMETERS["RelatedPerson"]["birthdate"].description == "The Related Person's date of birth"
