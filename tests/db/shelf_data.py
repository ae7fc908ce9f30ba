"""A district's and a clinic's resources: ana and ben are students of the district, cleo is the clinic's."""

from __future__ import annotations

from typing import Any

from app.consent.codes import OURS
from tests.db.shelf import ref, uid

V3 = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def patient(family: str, given: list[str], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family, "given": given}], **more}


def encounter(student: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "status": status,
        "class": {"system": V3, "code": "AMB"},
        "subject": ref("Patient", student),
        **more,
    }


Content = dict[str, tuple[dict[str, Any], str | None]]

DISTRICT: Content = {
    "dist-org": ({"resourceType": "Organization", "name": "Åby District", "alias": ["North Side"]}, None),
    "school": ({"resourceType": "Organization", "name": "Elm School", "partOf": ref("Organization", "dist-org")}, None),
    "dr": ({"resourceType": "Practitioner", "name": [{"family": "Grey"}], "active": True}, None),
    "ana": (
        patient(
            "Díaz",
            ["Ana María"],
            gender="female",
            birthDate="2010-05-01",
            active=True,
            identifier=[
                {
                    "system": "urn:d",
                    "value": "1",
                    "type": {"coding": [{"system": "t", "code": "SB"}], "text": "State number"},
                }
            ],
            telecom=[{"system": "phone", "value": "(555) 123-4567"}, {"system": "email", "value": "Ana@S.test"}],
            managingOrganization=ref("Organization", "school"),
            generalPractitioner=[ref("Practitioner", "dr")],
            meta={
                "profile": ["http://p.test/a/student|2"],
                "tag": [{"system": "g", "code": "7", "display": "Grade seven"}],
            },
        ),
        "ana",
    ),
    "ben": (
        patient(
            "Diazepam",
            ["Ben"],
            gender="male",
            birthDate="2011",
            deceasedDateTime="2024",
            identifier=[{"system": "urn:e", "value": "1"}, {"value": "bare"}],
            managingOrganization={"reference": "https://e.test/Organization/9"},
            generalPractitioner=[{"identifier": {"system": "npi", "value": "77"}}],
            meta={"profile": ["http://p.test/a"], "source": "urn:feed"},
        ),
        "ben",
    ),
    "visit-1": (
        encounter(
            "ana",
            "finished",
            period={"start": "2024-09-10", "end": "2024-09-12"},
            type=[{"coding": [{"system": "s", "code": "counsel", "display": "Counseling visit"}], "text": "Beratung"}],
            length={"value": 30, "unit": "minutes", "system": "http://unitsofmeasure.org", "code": "min"},
            serviceProvider=ref("Organization", "school"),
        ),
        "ana",
    ),
    "visit-2": (
        encounter("ana", "planned", period={"start": "2024-10-01T09:00:00Z"}, type=[{"text": "only text"}]),
        "ana",
    ),
    "visit-3": (encounter("ben", "planned", length={"value": 45, "comparator": ">=", "unit": "min"}), "ben"),
    "visit-4": (encounter("cleo", "planned", partOf=ref("Encounter", "visit-1")), "cleo"),
    "referral": (
        {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "subject": ref("Patient", "ana"),
            "instantiatesCanonical": ["http://plan.test|3"],
            "category": [{"coding": [{"system": f"{OURS}/CodeSystem/service-category", "code": "counseling"}]}],
        },
        "ana",
    ),
    "task": (
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "for": ref("Patient", "ana"),
            "focus": ref("ServiceRequest", "referral"),
            "encounter": ref("Encounter", "visit-1"),
        },
        "ana",
    ),
    "misled": (
        {"resourceType": "Task", "status": "draft", "intent": "order", "for": {"reference": f"Group/{uid('ana')}"}},
        "ana",
    ),
    "class": (
        {
            "resourceType": "Group",
            "type": "person",
            "actual": True,
            "member": [{"entity": ref("Patient", "ana")}],
            "characteristic": [
                {
                    "code": {"coding": [{"system": "c", "code": "grade"}]},
                    "valueCodeableConcept": {"coding": [{"system": "g", "code": "7"}]},
                },
                {"code": {"coding": [{"code": "closed"}]}, "valueBoolean": False},
            ],
        },
        None,
    ),
}

CLINIC: Content = {
    "cleo": (patient("Clinic", ["Cleo"], gender="female"), "cleo"),
    "secret": (
        encounter("ana", "in-progress", serviceProvider=ref("Organization", "school"), period={"start": "2030"}),
        "ana",
    ),
}
