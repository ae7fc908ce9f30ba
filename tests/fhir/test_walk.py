"""The faults of a resource's structure, codes and references. https://hl7.org/fhir/R4/json.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Issue
from app.fhir.validation.validator import Validator
from app.resources import TYPES
from tests.fhir.samples import sample

EXTENSION = {"url": "https://example.org/x", "valueString": "x"}
OBSERVATION = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
LOCATION = {"resourceType": "Location", "id": "l", "name": "Room"}
PERSON = {"resourceType": "Practitioner", "id": "d", "active": True}


def found(resource: dict[str, Any]) -> list[Issue]:
    return Validator(resource).issues(TYPES[resource["resourceType"]].model)


def at(resource: dict[str, Any]) -> list[str | None]:
    return [issue.expression for issue in found(resource)]


@pytest.mark.parametrize("type_name", sorted(TYPES))
def test_a_sample_of_each_type_has_no_findings(type_name: str) -> None:
    assert found(sample(type_name)) == []


@pytest.mark.parametrize(
    ("resource", "expressions"),
    [
        pytest.param(sample("Patient", foo=1), ["Patient.foo"], id="unknown"),
        pytest.param(
            sample("Patient", name=[{"family": "x", "first": "y"}]), ["Patient.name[0].first"], id="unknown below"
        ),
        pytest.param(sample("Encounter", class_fhir={"code": "AMB"}), ["Encounter.class_fhir"], id="python name"),
        pytest.param(
            sample("Encounter", class_fhir={"code": "AMB"}, class_=None),
            ["Encounter.class_fhir", "Encounter.class"],
            id="python name alone",
        ),
        pytest.param(
            sample("Patient", gender__ext={"extension": [EXTENSION]}), ["Patient.gender__ext"], id="python sibling"
        ),
        pytest.param(sample("Patient", fhir_comments="x"), ["Patient.fhir_comments"], id="comments"),
        pytest.param(sample("Patient", resource_type="Patient"), ["Patient.resource_type"], id="python resource type"),
        pytest.param(
            sample("Patient", name=[{"family": "x", "resourceType": "HumanName"}]),
            ["Patient.name[0].resourceType"],
            id="type of a datatype",
        ),
        pytest.param(sample("Patient", **{"Jane Doe": 1}), ["Patient"], id="impossible name"),
        pytest.param(sample("Patient", active="true"), ["Patient.active"], id="boolean as string"),
        pytest.param(sample("Patient", multipleBirthInteger="2"), ["Patient.multipleBirth"], id="integer as string"),
        pytest.param(sample("Patient", birthDate=20120504), ["Patient.birthDate"], id="date as number"),
        pytest.param(sample("Patient", name={"family": "x"}), ["Patient.name"], id="object for array"),
        pytest.param(sample("Patient", birthDate=["2012"]), ["Patient.birthDate"], id="array for primitive"),
        pytest.param(sample("Encounter", period=[{"start": "2024"}]), ["Encounter.period"], id="array for object"),
        pytest.param(sample("Encounter", period="2024"), ["Encounter.period"], id="string for object"),
        pytest.param(sample("Patient", name=["Rivera"]), ["Patient.name[0]"], id="string in array"),
        pytest.param(sample("Patient", name=[{}]), ["Patient.name[0]"], id="empty object"),
        pytest.param(sample("Patient", name=[{"id": "a"}]), ["Patient.name[0]"], id="only an id"),
        pytest.param(sample("Patient", name=[]), ["Patient.name"], id="empty array"),
        pytest.param(sample("Patient", name=[{"family": ""}]), ["Patient.name[0].family"], id="empty string"),
        pytest.param(sample("Patient", gender=None) | {"gender": None}, ["Patient.gender"], id="null"),
        pytest.param(sample("Patient", name=[None, {"family": "x"}]), ["Patient.name[0]"], id="null among objects"),
        pytest.param(
            sample("Patient", name=[{"given": ["x", None]}]), ["Patient.name[0].given[1]"], id="null among primitives"
        ),
        pytest.param(sample("Patient", birthDate="2012-02-30"), ["Patient.birthDate"], id="impossible date"),
        pytest.param(sample("Patient", gender="banana"), ["Patient.gender"], id="unknown code"),
        pytest.param(
            sample("Patient", multipleBirthBoolean=True, multipleBirthInteger=2),
            ["Patient.multipleBirth"],
            id="two values",
        ),
        pytest.param(
            sample("Patient", deceasedBoolean=True, _deceasedDateTime={"extension": [EXTENSION]}),
            ["Patient.deceased"],
            id="two values, one absent",
        ),
        pytest.param(
            sample("Group", characteristic=[{"code": {"text": "x"}, "exclude": False}]),
            ["Group.characteristic[0].value"],
            id="choice required",
        ),
        pytest.param(
            sample("Encounter", status=None, class_=None), ["Encounter.class", "Encounter.status"], id="required"
        ),
        pytest.param(sample("Patient", contact=[{"gender": "male"}]), ["Patient.contact[0]"], id="invariant"),
        pytest.param(sample("Organization", telecom=[{"use": "home"}]), ["Organization.telecom"], id="invariant below"),
        pytest.param(
            sample("Patient", extension=[{"valueString": "x"}]),
            ["Patient.extension[0].url"],
            id="extension without url",
        ),
        pytest.param(
            sample("Patient", extension=[{"url": "u"}]), ["Patient.extension[0]"], id="extension without value"
        ),
        pytest.param(
            sample("Patient", _birthDate={"extension": [{"url": "u", "valueDate": "x"}]}),
            ["Patient.birthDate.extension[0].value"],
            id="fault in a sibling",
        ),
        pytest.param(sample("Patient", _name={"extension": [EXTENSION]}), ["Patient._name"], id="sibling of an object"),
        pytest.param(sample("Patient", _birthDate=[{"id": "x"}]), ["Patient.birthDate"], id="sibling as array"),
        pytest.param(sample("Patient", _birthDate={}), ["Patient.birthDate"], id="empty sibling"),
        pytest.param(
            sample("Patient", birthDate=None, _birthDate={"id": "x"}),
            ["Patient.birthDate"],
            id="sibling with an id alone",
        ),
        pytest.param(
            sample("Patient", name=[{"given": [""], "_given": [{"extension": [EXTENSION]}]}]),
            ["Patient.name[0].given[0]"],
            id="fault beside a sibling",
        ),
        pytest.param(
            sample("Patient", name=[{"given": ["a"], "_given": {"id": "x"}}]),
            ["Patient.name[0].given", "Patient.name[0].given"],
            id="sibling of an array as object",
        ),
        pytest.param(
            sample("Patient", name=[{"given": ["a", "b"], "_given": [{"id": "x"}]}]),
            ["Patient.name[0].given"],
            id="sibling too short",
        ),
        pytest.param(
            sample("Patient", name=[{"given": ["a"], "_given": [None, {"extension": [EXTENSION]}]}]),
            ["Patient.name[0].given"],
            id="sibling too long",
        ),
        pytest.param(
            sample("Patient", name=[{"given": ["a", None], "_given": [None, {"id": "x"}]}]),
            ["Patient.name[0].given[1]"],
            id="null with an id alone",
        ),
        pytest.param(
            sample("Patient", text={"status": "generated", "div": "<div><script/></div>"}),
            ["Patient.text.div"],
            id="narrative",
        ),
        pytest.param(
            sample("Patient", text={"div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}),
            ["Patient.text.status"],
            id="narrative status",
        ),
    ],
)
def test_a_fault_is_found_at_its_element(resource: dict[str, Any], expressions: list[str]) -> None:
    assert at(resource) == expressions


@pytest.mark.parametrize(
    "resource",
    [
        sample("Encounter", status=None, _status={"extension": [EXTENSION]}),
        sample("Patient", _birthDate={"id": "x"}),
        sample("Patient", birthDate=None, _birthDate={"extension": [EXTENSION]}),
        sample("Patient", name=[{"given": ["a", None], "_given": [None, {"extension": [EXTENSION]}]}]),
        sample("Patient", name=[{"_given": [{"extension": [EXTENSION]}]}]),
        sample("Patient", name=[{"extension": [EXTENSION]}]),
        {"resourceType": "Patient"},
    ],
)
def test_an_extension_can_stand_for_a_value(resource: dict[str, Any]) -> None:
    assert found(resource) == []


def test_every_fault_is_found_in_one_pass() -> None:
    resource = sample(
        "Encounter", status=None, subject={"reference": "Organization/o"}, foo=1, period={"start": "2024-02-30"}
    )
    assert set(at(resource)) == {
        "Encounter.status",
        "Encounter.subject.reference",
        "Encounter.foo",
        "Encounter.period.start",
    }


@pytest.mark.parametrize(
    ("reference", "expressions"),
    [
        ({"reference": "Practitioner/1"}, []),
        ({"reference": "https://other.example/fhir/PractitionerRole/1/_history/2"}, []),
        ({"reference": "https://other.example/clinic/Doctor/1"}, []),
        ({"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}, []),
        ({"reference": "urn:oid:1.2.3", "type": "RelatedPerson"}, []),
        ({"identifier": {"value": "x"}}, []),
        ({"display": "Dr. Chen"}, []),
        ({"extension": [EXTENSION]}, []),
        ({"type": "http://hl7.org/fhir/StructureDefinition/Practitioner", "display": "x"}, []),
        ({"type": "https://other.example/Logical", "display": "x"}, []),
        ({"reference": "Practitioner/1", "type": "Practitioner"}, []),
        ({"reference": "Patient/1"}, ["reference"]),
        ({"reference": "https://other.example/fhir/Patient/1"}, ["reference"]),
        ({"reference": "Clinic/1"}, ["reference"]),
        ({"reference": "Practitioner"}, ["reference"]),
        ({"reference": "Practitioner?identifier=1"}, ["reference"]),
        ({"reference": "Practitioner/1 "}, ["reference"]),
        ({"reference": 1}, ["reference"]),
        ({"type": "Practitioner"}, [""]),
        ({"type": "Patient", "display": "x"}, ["type"]),
        ({"type": "http://hl7.org/fhir/StructureDefinition/Patient", "display": "x"}, ["type"]),
        ({"type": "Clinic", "display": "x"}, ["type"]),
        ({"reference": "Practitioner/1", "type": "PractitionerRole"}, ["type"]),
        ({"reference": "#d"}, ["reference"]),
    ],
)
def test_a_reference_points_to_a_type_that_its_element_allows(
    reference: dict[str, Any], expressions: list[str]
) -> None:
    resource = sample("Encounter", participant=[{"individual": reference}])
    path = "Encounter.participant[0].individual"
    assert at(resource) == [f"{path}.{e}".rstrip(".") for e in expressions]


def test_a_reference_to_any_resource_names_a_type_of_r4() -> None:
    assert at(sample("Task", focus={"reference": "ServiceRequest/1"})) == []
    assert at(sample("Task", focus={"reference": "Foo/1"})) == ["Task.focus.reference"]


def contained(*resources: dict[str, Any], individual: str = "#d", **elements: Any) -> dict[str, Any]:
    """An Encounter with contained resources, whose participant is `individual`."""
    return sample(
        "Encounter", contained=list(resources), participant=[{"individual": {"reference": individual}}], **elements
    )


@pytest.mark.parametrize(
    "resource",
    [
        contained(PERSON),
        contained(PERSON, LOCATION, location=[{"location": {"reference": "#l"}}]),
        contained(
            PERSON,
            LOCATION | {"managingOrganization": {"reference": "#o"}},
            {"resourceType": "Organization", "id": "o", "name": "x"},
            location=[{"location": {"reference": "#l"}}],
        ),
        contained(PERSON, OBSERVATION | {"subject": {"reference": "Patient/1"}, "encounter": {"reference": "#"}}),
        contained(PERSON, LOCATION, extension=[{"url": "u", "valueCanonical": "#l"}]),
    ],
)
def test_a_contained_resource_that_is_referred_to_is_allowed(resource: dict[str, Any]) -> None:
    assert found(resource) == []


@pytest.mark.parametrize(
    ("resource", "expressions"),
    [
        pytest.param(contained(PERSON | {"gender": "banana"}), ["contained[0].gender"], id="invalid itself"),
        pytest.param(contained(PERSON | {"foo": 1}), ["contained[0].foo"], id="unknown element"),
        pytest.param(contained(PERSON, LOCATION), ["contained[1]"], id="not referred to"),
        pytest.param(contained(PERSON, LOCATION | {"alias": ["#l"]}), ["contained[1]"], id="mentioned in a text"),
        pytest.param(
            contained(PERSON, LOCATION, extension=[{"url": "u", "valueUri": "/l"}]), ["contained[1]"], id="another URI"
        ),
        pytest.param(contained(PERSON, PERSON), ["contained[1].id"], id="id twice"),
        pytest.param(contained(LOCATION, individual="#l"), ["participant[0].individual.reference"], id="wrong type"),
        pytest.param(
            contained(PERSON, individual="#x"), ["participant[0].individual.reference", "contained[0]"], id="no such id"
        ),
        pytest.param(
            contained({"resourceType": "Practitioner", "active": True}, individual="Practitioner/1"),
            ["contained[0].id"],
            id="no id",
        ),
        pytest.param(
            contained(PERSON | {"id": 7}, individual="Practitioner/1"), ["contained[0].id"], id="id is no string"
        ),
        pytest.param(
            contained(PERSON | {"id": ["d"]}, individual="Practitioner/1"), ["contained[0].id"], id="id is an array"
        ),
        pytest.param(
            contained({"id": "d"}), ["contained[0].resourceType", "participant[0].individual.reference"], id="no type"
        ),
        pytest.param(
            contained(PERSON | {"resourceType": "Period"}, individual="Practitioner/1"),
            ["contained[0].resourceType", "contained[0]"],
            id="type of no resource",
        ),
        pytest.param(
            contained(PERSON | {"resourceType": ["Patient"]}),
            ["contained[0].resourceType", "participant[0].individual.reference"],
            id="type is an array",
        ),
        pytest.param(contained(PERSON | {"contained": [LOCATION]}), ["contained[0].contained[0]"], id="nested"),
        pytest.param(
            contained(PERSON | {"meta": {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"}}),
            ["contained[0].meta.lastUpdated", "contained[0].meta.versionId"],
            id="version",
        ),
        pytest.param(
            contained(PERSON | {"meta": {"security": [{"code": "R"}]}}),
            ["contained[0].meta.security"],
            id="security label",
        ),
        pytest.param(contained(PERSON | {"meta": 1}), ["contained[0].meta"], id="meta is a number"),
        pytest.param(sample("Encounter", contained=[None, 1]), ["contained[0]", "contained[1]"], id="no objects"),
        pytest.param(
            sample("Encounter", contained={"resourceType": "Practitioner", "id": "d"}), ["contained"], id="no array"
        ),
        pytest.param(
            contained(PERSON, OBSERVATION | {"specimen": {"reference": "#"}}),
            ["contained[1].specimen.reference"],
            id="container of a wrong type",
        ),
    ],
)
def test_a_fault_of_a_contained_resource_is_found(resource: dict[str, Any], expressions: list[str]) -> None:
    assert sorted(at(resource)) == sorted(f"Encounter.{e}" for e in expressions)


def test_the_text_of_a_finding_holds_no_value_but_a_code() -> None:
    secret = "Rivera"
    resource = sample(
        "Patient",
        gender=secret,
        birthDate=secret,
        active=secret,
        name=secret,
        managingOrganization={"reference": f"Patient/{secret}", "type": secret},
        contained=[{"resourceType": secret, "id": secret}],
        text={"status": "generated", "div": secret},
        maritalStatus={"coding": [{"code": f" {secret}"}]},
        communication=[{"language": {"text": "x"}, "preferred": secret}],
    )
    shown = {i.expression for i in found(resource) if secret in i.text}
    assert shown == {"Patient.gender"}


def test_a_code_that_does_not_look_like_one_is_not_shown() -> None:
    (issue,) = found(sample("Patient", gender="Jane Rivera, born 2012"))
    assert "Rivera" not in issue.text
    assert "female" in issue.text


def test_each_finding_has_its_issue_type() -> None:
    resource = sample("Encounter", status="x", foo=1, class_=None, length={"code": "h", "value": "x"})
    assert {i.expression: i.code for i in found(resource)} == {
        "Encounter.status": "code-invalid",
        "Encounter.foo": "structure",
        "Encounter.length.value": "value",
        "Encounter.length": "invariant",
        "Encounter.class": "required",
    }
