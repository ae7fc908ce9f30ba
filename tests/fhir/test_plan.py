"""What the types may hold, read from the models. https://hl7.org/fhir/R4/structuredefinition.html

The expected value sets are those of R4's required bindings. The exceptions in `app.fhir.validation.plan`
were found by holding
every field of the models against HL7's definitions of 4.0.1 (profiles-types, profiles-resources, valuesets).
"""

from __future__ import annotations

import pytest
from fhir.resources.R4B import get_fhir_model_class

from app.fhir.validation.plan import Plan, plan, resource_model
from app.resources import REGISTRY, TYPES

ENCOUNTER_STATUS = "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
OBSERVATION_STATUS = "cancelled registered preliminary final amended corrected entered-in-error unknown"
TASK_STATUS = (
    "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error"
)


def of(name: str) -> Plan:
    return plan(get_fhir_model_class(name))


@pytest.mark.parametrize(
    ("type_name", "element", "codes"),
    [
        ("Patient", "gender", "male female other unknown"),
        ("Encounter", "status", ENCOUNTER_STATUS),
        ("EncounterStatusHistory", "status", ENCOUNTER_STATUS),
        ("Task", "status", TASK_STATUS),
        ("Observation", "status", OBSERVATION_STATUS),
        ("Consent", "status", "draft proposed active rejected inactive entered-in-error"),
        ("ConsentProvision", "type", "deny permit"),
        ("ServiceRequest", "status", "draft active on-hold revoked completed entered-in-error unknown"),
        ("Quantity", "comparator", "< <= >= >"),
        ("Narrative", "status", "generated extensions additional empty"),
    ],
)
def test_a_required_binding_has_its_whole_value_set(type_name: str, element: str, codes: str) -> None:
    assert of(type_name).elements[element].codes == frozenset(codes.split())


@pytest.mark.parametrize(
    ("type_name", "element"),
    [
        ("Patient", "language"),
        ("Expression", "language"),
        ("Attachment", "contentType"),
        ("DiagnosticReport", "status"),
    ],
)
def test_a_binding_that_is_open_or_not_listed_in_full_is_not_enforced(type_name: str, element: str) -> None:
    assert of(type_name).elements[element].codes is None


def test_the_targets_of_a_reference_are_those_of_r4() -> None:
    assert of("Encounter").elements["subject"].targets == {"Patient", "Group"}
    assert "RelatedPerson" not in (of("GroupMember").elements["entity"].targets or ())
    assert of("Task").elements["focus"].targets is None
    assert of("Extension").elements["valueReference"].targets is None


def test_an_element_has_its_json_name_and_its_fhirpath_name() -> None:
    elements = of("Encounter").elements
    assert elements["class"].label == "class"
    assert not elements.keys() & {"class_fhir", "fhir_comments", "status__ext"}
    assert of("Patient").elements["deceasedBoolean"].label == "deceased"
    assert of("Patient").elements["_deceasedDateTime"].label == "deceased"


def test_only_primitives_have_a_sibling_for_extensions() -> None:
    elements = of("Patient").elements
    assert elements["birthDate"].pair == "_birthDate"
    assert elements["_birthDate"].pair == "birthDate"
    assert "_name" not in elements
    assert elements["name"].pair is None


def test_required_elements_are_those_with_a_minimum() -> None:
    assert dict(of("Encounter").required) == {"class": {"class"}, "status": {"status", "_status"}}
    assert dict(of("GroupCharacteristic").required)["value"] >= {"valueBoolean", "_valueBoolean", "valueRange"}


def test_only_resources_have_a_resource_type() -> None:
    assert "resourceType" in of("Patient").elements
    assert "resourceType" not in of("HumanName").elements
    assert "resourceType" not in of("PatientContact").elements


def test_what_r4b_added_is_not_known() -> None:
    assert not of("Extension").elements.keys() & {"valueCodeableReference", "valueRatioRange"}


@pytest.mark.parametrize("name", [*TYPES, "Observation", "OperationOutcome"])
def test_a_resource_type_has_a_model(name: str) -> None:
    model = resource_model(name)
    assert model is not None
    assert model.__name__ == name


@pytest.mark.parametrize(
    "name", ["", "Foo", "Period", "HumanName", "Element", "Resource", "DomainResource", "PatientContact", "__class__"]
)
def test_what_is_no_concrete_resource_type_has_no_model(name: str) -> None:
    assert resource_model(name) is None


@pytest.mark.parametrize("declared", REGISTRY, ids=lambda t: t.name)
def test_the_model_of_a_declared_type_is_the_one_of_its_name(declared: object) -> None:
    name = declared.name  # type: ignore[attr-defined]
    assert resource_model(name) is TYPES[name].model
