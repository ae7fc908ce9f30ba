"""Needs, plans and outcomes: each type is stored, read, validated, and searched by each kind of parameter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.build import about
from tests.world import BASE, Member, World, open_world

LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """The application over a fresh database."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """A district."""
    return await world.member("District")


@pytest_asyncio.fixture(scope="module")
async def student(district: Member) -> Json:
    """Its student."""
    return await district.create(build.patient())


def coded(system: str, code: str) -> Json:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def quantity(value: float, code: str) -> Json:
    """A Quantity of UCUM."""
    return {"value": value, "unit": code, "system": UCUM, "code": code}


SUBJECT = {"reference": "@student"}
RESOURCES: dict[str, Json] = {
    "Observation": {
        "status": "final",
        "code": coded(LOINC, "88122-7"),
        "subject": SUBJECT,
        "effectiveDateTime": "2026-09-14",
        "valueQuantity": quantity(7.5, "{score}"),
        "component": [{"code": coded(LOINC, "88123-5"), "valueCodeableConcept": coded(LOINC, "LA28397-0")}],
    },
    "Condition": {
        "clinicalStatus": coded(CLINICAL, "active"),
        "code": coded(SNOMED, "733423003"),
        "subject": SUBJECT,
        "onsetAge": quantity(11, "a"),
        "recordedDate": "2026-09-15",
    },
    "Procedure": {
        "status": "completed",
        "code": coded(SNOMED, "410606002"),
        "subject": SUBJECT,
        "performedString": "in the first week of school",
    },
    "Immunization": {
        "status": "completed",
        "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "03"),
        "patient": SUBJECT,
        "occurrenceDateTime": "2020-05-01",
        "lotNumber": "AAJN11K",
    },
    "CarePlan": {
        "status": "active",
        "intent": "plan",
        "subject": SUBJECT,
        "period": {"start": "2026-09-01", "end": "2027-06-30"},
        "instantiatesCanonical": ["http://example.org/plans/attendance|2"],
        "activity": [{"detail": {"status": "in-progress", "code": coded(SNOMED, "385763009")}}],
    },
    "Goal": {
        "lifecycleStatus": "active",
        "achievementStatus": coded("http://terminology.hl7.org/CodeSystem/goal-achievement", "improving"),
        "description": coded(SNOMED, "713458007"),
        "subject": SUBJECT,
        "startDate": "2026-09-14",
        "target": [{"dueDate": "2027-01-31"}],
    },
    "CareTeam": {
        "status": "active",
        "subject": SUBJECT,
        "participant": [{"role": [coded(SNOMED, "768820003")], "member": SUBJECT}],
    },
    "Communication": {
        "status": "completed",
        "subject": SUBJECT,
        "sent": "2026-09-20T10:30:00Z",
        "medium": [coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "PHONE")],
    },
    "Appointment": {
        "status": "booked",
        "serviceType": [coded(SNOMED, "385763009")],
        "start": "2026-09-20T10:30:00Z",
        "end": "2026-09-20T11:30:00Z",
        "participant": [
            {"actor": {"display": "Room 12"}, "status": "accepted"},
            {"actor": SUBJECT, "status": "accepted"},
        ],
    },
    "Device": {"status": "active", "type": coded(SNOMED, "50121007"), "patient": SUBJECT},
    "AllergyIntolerance": {
        "clinicalStatus": coded(CLINICAL.replace("condition", "allergyintolerance"), "active"),
        "category": ["food"],
        "code": coded(SNOMED, "91935009"),
        "patient": SUBJECT,
        "recordedDate": "2026-09-15",
    },
    "Provenance": {
        "target": [SUBJECT],
        "occurredDateTime": "2026-09-14",
        "recorded": "2026-09-14T09:00:00-04:00",
        "agent": [{"who": SUBJECT}],
    },
}
SEARCHES = [
    ("Observation", "code=http://loinc.org|88122-7", "code=88123-5"),
    ("Observation", "date=2026-09-14", "date=lt2026-09-14"),
    ("Observation", "value-quantity=gt7", "value-quantity=7.5||%7Bother%7D"),
    ("Observation", "combo-code=88123-5", "combo-code=1"),
    ("Observation", "code-value-quantity=http://loinc.org|88122-7$7.5", "code-value-quantity=88123-5$7.5"),
    ("Observation", "code-value-quantity=88122-7$ge7.5,1$gt1", "code-value-quantity=88122-7$gt7.5"),
    ("Observation", "combo-code-value-quantity=88122-7$gt1", "component-code-value-quantity=88122-7$gt1"),
    ("Observation", "component-code-value-concept=88123-5$LA28397-0", "code-value-concept=88123-5$LA28397-0"),
    ("Observation", "subject=@student", "subject=Patient/00000000-0000-4000-8000-000000000000"),
    ("Condition", "onset-age=lt12", "onset-age=lt11"),
    ("Condition", "onset-age=11|http://unitsofmeasure.org|a", "onset-date=2026"),
    ("Condition", "clinical-status=active", "clinical-status=resolved"),
    ("Condition", "recorded-date=2026-09-15", "recorded-date=2025"),
    ("Procedure", "status=completed", "date=2026"),
    ("Immunization", "date=2020-05", "date=2021"),
    ("Immunization", "lot-number=aajn", "lot-number=zz"),
    ("Immunization", "vaccine-code=03", "vaccine-code:not=03"),
    ("CarePlan", "date=ge2026-10-01", "date=gt2028"),
    ("CarePlan", "instantiates-canonical=http://example.org/plans/attendance", "instantiates-canonical=http://x.org/y"),
    ("CarePlan", "activity-code=385763009", "activity-code=1"),
    ("Goal", "achievement-status=improving", "achievement-status=achieved"),
    ("Goal", "target-date=lt2027-02", "target-date=gt2027-02"),
    ("Goal", "start-date=2026-09", "lifecycle-status=completed"),
    ("CareTeam", "participant=@student", "participant:Practitioner.active=true"),
    ("Communication", "sent=2026-09-20", "medium=FAXWRIT"),
    ("Appointment", "patient=@student&date=2026-09-20", "date=2026-09-21"),
    ("Appointment", "service-type=385763009", "status=noshow"),
    ("Device", "patient=@student", "type=1"),
    ("AllergyIntolerance", "category=food", "category=medication"),
    ("Provenance", "patient=@student", "recorded=2025"),
    ("Provenance", "target=@student", "agent-role=author"),
]


@pytest_asyncio.fixture(scope="module")
async def stored(district: Member, student: Json) -> dict[str, Json]:
    """One resource of each type, by type."""
    return {
        name: await district.create({"resourceType": name, **about(student, body)}) for name, body in RESOURCES.items()
    }


@pytest.mark.parametrize("name", list(RESOURCES))
async def test_a_resource_comes_back_as_it_was_stored(
    district: Member, student: Json, stored: dict[str, Json], name: str
) -> None:
    read = (await district.get(f"/{name}/{stored[name]['id']}")).json()
    sent = about(student, RESOURCES[name])
    assert {k: read[k] for k in sent} == sent


@pytest.mark.parametrize(("name", "found", "missed"), SEARCHES)
async def test_it_is_found_by_its_values_and_by_no_other(
    district: Member, student: Json, stored: dict[str, Json], name: str, found: str, missed: str
) -> None:
    assert await district.ids(f"/{name}?{about(student, found)}") == [stored[name]["id"]]
    assert await district.ids(f"/{name}?{missed}") == []


@pytest.mark.parametrize(
    ("name", "fault", "key"),
    [
        ("CarePlan", {"activity": [{"detail": {"status": "stopped"}, "reference": {"display": "x"}}]}, "cpl-3"),
        ("Observation", {"dataAbsentReason": coded("urn:x", "y")}, "obs-6"),
        ("Condition", {"abatementDateTime": "2026-10-01"}, "con-4"),
        ("Immunization", {"education": [{"publicationDate": "2020"}]}, "imm-1"),
        ("Goal", {"target": [{"detailString": "x"}]}, "gol-1"),
        ("Appointment", {"status": "proposed", "end": None}, "app-2"),
        ("AllergyIntolerance", {"clinicalStatus": None}, "ait-1"),
    ],
)
async def test_an_invariant_of_hl7_is_kept(district: Member, student: Json, name: str, fault: Json, key: str) -> None:
    body = {"resourceType": name, **about(student, RESOURCES[name]), **fault}
    refused = await district.post(f"/{name}", {k: v for k, v in body.items() if v is not None})
    assert refused.status_code == 422
    assert [i["details"]["text"].rpartition("(")[2] for i in refused.json()["issue"]] == [f"{key})."]


async def test_the_types_stand_in_the_documents(world: World) -> None:
    stated = (await world.http.get(f"{BASE}/fhir/metadata")).json()["rest"][0]["resource"]
    paths = (await world.http.get(f"{BASE}/openapi.json")).json()["paths"]
    for name in RESOURCES:
        resource = next(r for r in stated if r["type"] == name)
        assert (await world.http.get(f"{BASE}/fhir/StructureDefinition/{name}")).status_code == 200
        assert resource["profile"].endswith(name)
        assert f"/fhir/{name}/{{id}}" in paths


async def test_a_meeting_about_several_students_is_refused(district: Member, student: Json) -> None:
    """One record for each student: a release of one opens nothing about another."""
    other = await district.create(build.patient())
    body = about(student, RESOURCES["Appointment"])
    body["participant"] = [
        *body["participant"],
        {"actor": {"reference": f"Patient/{other['id']}"}, "status": "accepted"},
    ]
    refused = await district.post("/Appointment", {"resourceType": "Appointment", **body})
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Appointment.participant.actor"]


async def test_a_transaction_finds_the_student_behind_other_participants(district: Member) -> None:
    """The student and the meeting are new, and the student is not the first who is named."""
    meeting = {"resourceType": "Appointment", **about({"id": ""}, RESOURCES["Appointment"])}
    meeting["participant"][1]["actor"] = {"reference": "urn:uuid:0d4b1a52-33ac-4a2d-8ee9-9c2b2e4e0f01"}
    entries = [
        {"resource": meeting, "request": {"method": "POST", "url": "Appointment"}},
        {
            "fullUrl": "urn:uuid:0d4b1a52-33ac-4a2d-8ee9-9c2b2e4e0f01",
            "resource": build.patient(),
            "request": {"method": "POST", "url": "Patient"},
        },
    ]
    answer = await district.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    place = answer.json()["entry"][1]["response"]["location"].split("/fhir/")[1].split("/_history")[0]
    assert len(await district.ids(f"/Appointment?patient={place}")) == 1
