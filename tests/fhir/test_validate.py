"""Validation of a resource as a whole. https://hl7.org/fhir/R4/validation.html"""

from __future__ import annotations

import random
import timeit
from collections import Counter
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from app.errors import HallpassError, Issue, Kind
from app.fhir.json import parse
from app.fhir.validation.validate import MAX_ISSUES, check, issues
from app.fhir.validation.validator import Validator
from app.resources import TYPES
from tests.fhir.samples import EXAMPLES, SYNTHEA, examples, sample
from tests.fhir.second_opinion import expression, from_model

EXTENSION = [{"url": "https://example.org/x", "valueString": "x"}]
WHITE = "\u2028"
"""A string that FHIR's definition of string does not allow, and that only the model looks for."""

FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("Patient", {"gender": "banana"}, "gender"),
    ("Patient", {"communication": [{"preferred": True}]}, "communication[0].language"),
    ("Patient", {"birthDate": "2012-02-30"}, "birthDate"),
    ("Patient", {"surname": "x"}, "surname"),
    ("Patient", {"managingOrganization": {"reference": "Practitioner/1"}}, "managingOrganization.reference"),
    ("Patient", {"active": "true"}, "active"),
    ("Patient", {"name": [{}]}, "name[0]"),
    ("RelatedPerson", {"gender": "banana"}, "gender"),
    ("RelatedPerson", {"patient": None}, "patient"),
    ("RelatedPerson", {"period": {"start": "2024-04-31"}}, "period.start"),
    ("RelatedPerson", {"relation": []}, "relation"),
    ("RelatedPerson", {"patient": {"reference": "Practitioner/1"}}, "patient.reference"),
    ("RelatedPerson", {"active": "false"}, "active"),
    ("RelatedPerson", {"patient": {}}, "patient"),
    ("ServiceRequest", {"priority": "soon"}, "priority"),
    ("ServiceRequest", {"intent": None}, "intent"),
    ("ServiceRequest", {"authoredOn": "2023-02-29"}, "authoredOn"),
    ("ServiceRequest", {"reason": "x"}, "reason"),
    ("ServiceRequest", {"requester": {"reference": "Location/1"}}, "requester.reference"),
    ("ServiceRequest", {"doNotPerform": "true"}, "doNotPerform"),
    ("ServiceRequest", {"code": {}}, "code"),
    ("Encounter", {"status": "done"}, "status"),
    ("Encounter", {"class_": None}, "class"),
    ("Encounter", {"period": {"start": "2024-01-08T25:00:00Z"}}, "period.start"),
    ("Encounter", {"school": "x"}, "school"),
    ("Encounter", {"participant": [{"individual": {"reference": "Patient/1"}}]}, "participant[0].individual.reference"),
    ("Encounter", {"length": {"value": "30"}}, "length.value"),
    ("Encounter", {"participant": [{}]}, "participant[0]"),
    ("Consent", {"provision": {"type": "allow"}}, "provision.type"),
    ("Consent", {"scope": None}, "scope"),
    ("Consent", {"dateTime": "2024-01-08T10:00:00"}, "dateTime"),
    ("Consent", {"provision": {"type": "permit", "when": "x"}}, "provision.when"),
    ("Consent", {"patient": {"reference": "Group/1"}}, "patient.reference"),
    ("Consent", {"verification": [{"verified": "true"}]}, "verification[0].verified"),
    ("Consent", {"provision": {"type": "permit", "provision": [{"actor": [{}]}]}}, "provision.provision[0].actor[0]"),
    ("Task", {"status": "waiting"}, "status"),
    ("Task", {"input": [{"type": {"text": "x"}}]}, "input[0].value"),
    ("Task", {"lastModified": "2024-13-01"}, "lastModified"),
    ("Task", {"due": "2024"}, "due"),
    ("Task", {"owner": {"reference": "Location/1"}}, "owner.reference"),
    ("Task", {"restriction": {"repetitions": "2"}}, "restriction.repetitions"),
    ("Task", {"note": [{}]}, "note[0]"),
    ("Group", {"type": "pupil"}, "type"),
    ("Group", {"actual": None, "member": None}, "actual"),
    ("Group", {"member": [{"entity": {"display": "x"}, "period": {"end": "2024-06-31"}}]}, "member[0].period.end"),
    ("Group", {"teacher": "x"}, "teacher"),
    ("Group", {"member": [{"entity": {"reference": "Location/1"}}]}, "member[0].entity.reference"),
    ("Group", {"quantity": "3"}, "quantity"),
    ("Group", {"code": {}}, "code"),
    ("Organization", {"telecom": [{"system": "pigeon", "value": "x"}]}, "telecom[0].system"),
    ("Organization", {"name": None}, ""),
    ("Organization", {"identifier": [{"period": {"start": "2024-00"}}]}, "identifier[0].period.start"),
    ("Organization", {"grade": "x"}, "grade"),
    ("Organization", {"partOf": {"reference": "Location/1"}}, "partOf.reference"),
    ("Organization", {"active": "true"}, "active"),
    ("Organization", {"contact": [{}]}, "contact[0]"),
    ("OrganizationAffiliation", {"telecom": [{"use": "x"}]}, "telecom[0].use"),
    ("OrganizationAffiliation", {"extension": [{"valueString": "x"}]}, "extension[0].url"),
    ("OrganizationAffiliation", {"period": {"end": "2024-02-30"}}, "period.end"),
    ("OrganizationAffiliation", {"signed": True}, "signed"),
    ("OrganizationAffiliation", {"organization": {"reference": "Patient/1"}}, "organization.reference"),
    ("OrganizationAffiliation", {"active": 1}, "active"),
    ("OrganizationAffiliation", {"period": {}}, "period"),
    ("Practitioner", {"gender": "x"}, "gender"),
    ("Practitioner", {"qualification": [{"issuer": {"display": "x"}}]}, "qualification[0].code"),
    ("Practitioner", {"birthDate": "1900-02-29"}, "birthDate"),
    ("Practitioner", {"title": "x"}, "title"),
    (
        "Practitioner",
        {"qualification": [{"code": {"text": "x"}, "issuer": {"reference": "Patient/1"}}]},
        "qualification[0].issuer.reference",
    ),
    ("Practitioner", {"active": "true"}, "active"),
    ("Practitioner", {"address": [{}]}, "address[0]"),
    ("PractitionerRole", {"availableTime": [{"daysOfWeek": ["monday"]}]}, "availableTime[0].daysOfWeek[0]"),
    ("PractitionerRole", {"notAvailable": [{"during": {"start": "2024"}}]}, "notAvailable[0].description"),
    ("PractitionerRole", {"period": {"start": "2024-11-31"}}, "period.start"),
    ("PractitionerRole", {"school": "x"}, "school"),
    ("PractitionerRole", {"organization": {"reference": "Patient/1"}}, "organization.reference"),
    ("PractitionerRole", {"availableTime": [{"allDay": "true"}]}, "availableTime[0].allDay"),
    ("PractitionerRole", {"code": [{}]}, "code[0]"),
    ("HealthcareService", {"availableTime": [{"daysOfWeek": ["mon", "x"]}]}, "availableTime[0].daysOfWeek[1]"),
    ("HealthcareService", {"notAvailable": [{"during": {"start": "2024"}}]}, "notAvailable[0].description"),
    ("HealthcareService", {"availableTime": [{"availableEndTime": "25:00:00"}]}, "availableTime[0].availableEndTime"),
    ("HealthcareService", {"price": 1}, "price"),
    ("HealthcareService", {"providedBy": {"reference": "Patient/1"}}, "providedBy.reference"),
    ("HealthcareService", {"appointmentRequired": "true"}, "appointmentRequired"),
    ("HealthcareService", {"photo": {}}, "photo"),
    ("Location", {"mode": "x"}, "mode"),
    ("Location", {"position": {"longitude": Decimal("1.0")}}, "position.latitude"),
    ("Location", {"identifier": [{"period": {"end": "2021-02-29"}}]}, "identifier[0].period.end"),
    ("Location", {"floor": 3}, "floor"),
    ("Location", {"managingOrganization": {"reference": "Patient/1"}}, "managingOrganization.reference"),
    ("Location", {"position": {"longitude": "1.0", "latitude": Decimal("1.0")}}, "position.longitude"),
    ("Location", {"physicalType": {}}, "physicalType"),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "change", "path"), FAULTS)
def test_one_fault_is_refused_at_its_element(type_name: str, change: dict[str, Any], path: str) -> None:
    found = issues(type_name, sample(type_name, **change))
    assert [i.expression for i in found] == [f"{type_name}.{path}".rstrip(".")]


def test_every_type_that_is_named_here_has_a_case_of_each_kind_of_fault() -> None:
    """The others have theirs drawn from HL7's definitions: tests/fhir/test_faults.py."""
    assert set(Counter(t for t, *_ in FAULTS).values()) == {7}


@pytest.mark.parametrize("type_name", sorted(TYPES))
def test_a_valid_resource_has_no_issues(type_name: str) -> None:
    assert issues(type_name, sample(type_name)) == []
    check(type_name, sample(type_name))


@pytest.mark.parametrize(
    "resource", [{}, {"resourceType": "Group"}, {"resourceType": None}, {"resourceType": ["Patient"]}]
)
def test_a_resource_of_another_type_is_refused(resource: dict[str, Any]) -> None:
    assert issues("Patient", resource) == [Issue("The resourceType must be Patient.", "resourceType", "structure")]


def test_an_invalid_resource_is_unprocessable_with_all_its_issues() -> None:
    resource = sample("Patient", gender="banana", foo=1)
    with pytest.raises(HallpassError) as caught:
        check("Patient", resource)
    assert caught.value.kind is Kind.UNPROCESSABLE
    assert caught.value.status == 422
    assert list(caught.value.issues) == issues("Patient", resource)


@pytest.mark.parametrize("more", [0, 7])
def test_a_refusal_has_a_bounded_number_of_issues(more: int) -> None:
    with pytest.raises(HallpassError) as caught:
        check("Patient", sample("Patient", name=[{}] * (MAX_ISSUES + more)))
    last = caught.value.issues[-1].text
    assert len(caught.value.issues) == MAX_ISSUES + (more > 0)
    assert (last == "There are 7 more errors.") is (more > 0)


@pytest.mark.parametrize(
    ("type_name", "change", "path"),
    [
        ("Encounter", {"class_": {"display": WHITE}}, "class.display"),
        ("Encounter", {"participant": [{"type": [{"text": "x"}, {"text": WHITE}]}]}, "participant[0].type[1].text"),
        ("Patient", {"extension": [{"url": "u", "valueString": WHITE}]}, "extension[0].value"),
        (
            "Patient",
            {"_birthDate": {"extension": [{"url": "u", "valueString": WHITE}]}},
            "birthDate.extension[0].value",
        ),
        (
            "Encounter",
            {
                "contained": [
                    {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "name": WHITE},
                    {
                        "resourceType": "Observation",
                        "id": "o",
                        "status": "final",
                        "code": {"text": "x"},
                        "valueString": WHITE,
                    },
                ],
                "subject": {"reference": "#g"},
                "reasonReference": [{"reference": "#o"}],
            },
            "contained[1].value",
        ),
    ],
)
def test_a_text_of_exotic_white_space_alone_is_refused(type_name: str, change: dict[str, Any], path: str) -> None:
    """By the models as well."""
    resource = sample(type_name, **change)
    assert f"{type_name}.{path}" in [i.expression for i in issues(type_name, resource)]
    assert from_model(TYPES[type_name].model, resource)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"class_": None}, "class"),
        ({"class_": {"code": " "}}, "class.code"),
        ({"participant": [{"individual": {"reference": 1}}]}, "participant[0].individual.reference"),
        ({"participant": [None]}, "participant"),
        ({"foo": 1}, "foo"),
        ({"diagnosis": [{"rank": 1}]}, "diagnosis[0].condition"),
    ],
)
def test_the_error_of_a_model_points_to_its_element(change: dict[str, Any], path: str) -> None:
    found = from_model(TYPES["Encounter"].model, sample("Encounter", **change))
    assert [i.expression for i in found] == [f"Encounter.{path}"]


def test_the_error_of_a_model_shows_no_value() -> None:
    resource = sample("Encounter", class_={"code": " Rivera", "userSelected": "Rivera"}, period={"start": "Rivera"})
    found = from_model(TYPES["Encounter"].model, resource)
    assert len(found) == 3
    assert "Rivera" not in str(found)


def test_a_location_is_written_as_fhirpath() -> None:
    location = ("participant", 0, "extension", 1, "valueString")
    assert expression(TYPES["Encounter"].model, location, {}) == "Encounter.participant[0].extension[1].value"


def test_a_uuid_of_any_version_is_valid() -> None:
    uuid = "urn:uuid:c757873d-ec9a-1326-8141-556f43239520"
    assert issues("Patient", sample("Patient", extension=[{"url": "u", "valueUuid": uuid}])) == []


def test_the_deepest_resource_that_parses_is_judged() -> None:
    extension: dict[str, Any] = {"url": "u", "valueString": "x"}
    for _ in range(30):
        extension = {"url": "u", "extension": [extension]}
    assert issues("Patient", sample("Patient", extension=[extension])) == []


def test_the_official_examples_are_valid() -> None:
    found = list(examples(*TYPES))
    if not found:
        pytest.skip("the official examples are not here")
    faults = {name: problems for name, example in found if (problems := issues(example["resourceType"], example))}
    assert len(found) > 100
    assert faults == {}


@pytest.mark.parametrize("type_name", ["Patient", "Encounter", "Organization", "Practitioner"])
def test_the_synthetic_records_are_valid(type_name: str) -> None:
    path = SYNTHEA / f"{type_name}.ndjson"
    if not path.exists():
        pytest.skip("the synthetic records are not here")
    faults = [found for line in path.read_bytes().splitlines() if (found := issues(type_name, parse(line)))]
    assert faults == []


JUNK: list[Any] = [
    None, True, 0, -1, 2**31, Decimal("1.5"), "", " ", "x", "true", "1", "2020-02-30", "0000", {}, [], {"id": "a"},
    {"foo": 1}, [None], [{}], ["x"], "#x", " a", "urn:oid:9.1", "====", {"reference": "x"}, [[]], "\x00", "<div>",
    "25:00:00", {"extension": EXTENSION}, Decimal("1e50"), "٣",
]  # fmt: skip
KEYS = [
    "foo",
    "fhir_comments",
    "id",
    "extension",
    "class_fhir",
    "valueString",
    "deceasedBoolean",
    "contained",
    "_status",
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each container below `value` with each of its keys or indexes."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(value, key), *places(item)]]


def spoil(resource: dict[str, Any], chance: random.Random) -> None:
    """Change one place of `resource` into something that is often wrong."""
    container, key = chance.choice([p for p in places(resource) if p[1] != "resourceType"])
    match chance.randrange(4):
        case 0:
            container[key] = deepcopy(chance.choice(JUNK))
        case 1:
            del container[key]
        case 2:
            container[key] = [container[key]]
        case _ if isinstance(container, dict):
            container[chance.choice(KEYS)] = deepcopy(chance.choice(JUNK))


def test_whatever_the_models_refuse_has_a_finding_of_our_own() -> None:
    chance = random.Random(4)
    originals = [e for _, e in examples(*TYPES)] or [sample(name) for name in TYPES]
    for _ in range(3_000):
        resource = deepcopy(chance.choice(originals))
        spoil(resource, chance)
        model = TYPES[resource["resourceType"]].model
        assert Validator(resource).issues(model) or not from_model(model, resource)


def test_a_typical_resource_is_judged_within_a_few_milliseconds() -> None:
    if not EXAMPLES.exists():
        pytest.skip("the official examples are not here")
    (encounter,) = [e for name, e in examples("Encounter") if name == "Encounter-f001.json"]
    assert min(timeit.repeat(lambda: issues("Encounter", encounter), number=1, repeat=20)) < 0.005
