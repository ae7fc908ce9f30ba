"""A small valid resource of each type, and the real input that tests run against where it is present."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from app.fhir.json import parse
from app.subscriptions.definition import PREFIX

DATA = Path(__file__).parents[3] / "shared" / "data"
EXAMPLES = DATA / "fhir-r4-examples"
SYNTHEA = DATA / "synthea"

_CONCEPT = {"text": "counseling"}
_PATIENT = {"reference": "Patient/p1"}
_ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}

SAMPLES: dict[str, dict[str, Any]] = {
    "Patient": {"name": [{"family": "Rivera"}], "gender": "female", "birthDate": "2012-05-04", "active": True},
    "RelatedPerson": {"patient": _PATIENT, "active": True, "birthDate": "1980", "gender": "male"},
    "ServiceRequest": {"status": "active", "intent": "order", "subject": _PATIENT, "code": _CONCEPT},
    "Encounter": {
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": _PATIENT,
        "participant": [{"individual": {"reference": "Practitioner/d1"}}],
        "period": {"start": "2024-01-08T10:00:00-05:00", "end": "2024-01-08T11:00:00-05:00"},
    },
    "Consent": {
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [_CONCEPT],
        "patient": _PATIENT,
        "policy": [{"uri": "https://example.org/ferpa"}],
        "provision": {"type": "permit", "period": {"end": "2025-06-30"}},
    },
    "Task": {"status": "requested", "intent": "order", "for": _PATIENT, "authoredOn": "2024-01-08"},
    "Group": {"type": "person", "actual": True, "member": [{"entity": _PATIENT}]},
    "Subscription": {
        "status": "requested",
        "reason": "To know of referrals",
        "criteria": "https://hallpass.example/fhir/SubscriptionTopic/referral",
        "channel": {
            "type": "rest-hook",
            "endpoint": "https://hooks.example.org/a",
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": f"{PREFIX}backport-payload-content", "valueCode": "id-only"}]},
        },
    },
    "DocumentReference": {
        "status": "current",
        "subject": _PATIENT,
        "date": "2024-01-08T10:00:00-05:00",
        "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/b1"}}],
    },
    "Binary": {"contentType": "application/pdf", "data": "JVBERi0xLjQ="},
    "QuestionnaireResponse": {"status": "completed", "subject": _PATIENT, "authored": "2024-01-08"},
    "Questionnaire": {"status": "active", "date": "2024-01-08", "item": [{"linkId": "1", "type": "string"}]},
    "Organization": {"name": "Lincoln High School", "active": True},
    "OrganizationAffiliation": {"active": True, "period": {"start": "2024"}, "organization": {"display": "District"}},
    "Practitioner": {"name": [{"family": "Chen"}], "active": True, "birthDate": "1975-02-01"},
    "PractitionerRole": {"active": True, "practitioner": {"reference": "Practitioner/d1"}},
    "HealthcareService": {"active": True, "name": "Counseling", "providedBy": {"reference": "Organization/o1"}},
    "Location": {"status": "active", "name": "Room 12", "managingOrganization": {"reference": "Organization/o1"}},
    "AllergyIntolerance": {"clinicalStatus": _ACTIVE, "code": _CONCEPT, "patient": _PATIENT, "recordedDate": "2024"},
    "Appointment": {"status": "proposed", "participant": [{"actor": _PATIENT, "status": "accepted"}]},
    "CarePlan": {"status": "active", "intent": "plan", "subject": _PATIENT, "created": "2024-01-08"},
    "CareTeam": {"status": "active", "subject": _PATIENT, "participant": [{"member": _PATIENT}]},
    "Communication": {"status": "completed", "subject": _PATIENT, "sent": "2024-01-08T10:00:00-05:00"},
    "Condition": {"clinicalStatus": _ACTIVE, "code": _CONCEPT, "subject": _PATIENT, "recordedDate": "2024-01-08"},
    "Device": {"status": "active", "patient": _PATIENT, "manufactureDate": "2023-11-02"},
    "Goal": {"lifecycleStatus": "active", "description": _CONCEPT, "subject": _PATIENT, "statusDate": "2024-01-08"},
    "Immunization": {
        "status": "completed",
        "vaccineCode": _CONCEPT,
        "patient": _PATIENT,
        "occurrenceDateTime": "2020-05-01",
        "primarySource": True,
    },
    "Observation": {"status": "final", "code": _CONCEPT, "subject": _PATIENT, "effectiveDateTime": "2024-01-08"},
    "Procedure": {"status": "completed", "code": _CONCEPT, "subject": _PATIENT, "performedDateTime": "2024-01-08"},
    "Provenance": {
        "target": [_PATIENT],
        "recorded": "2024-01-08T10:00:00-05:00",
        "agent": [{"who": {"reference": "Practitioner/d1"}}],
    },
}
"""By type, without resourceType."""


def sample(type_name: str, **elements: Any) -> dict[str, Any]:
    """A copy of the sample with other elements; `class_` is spelled so for Python's sake, None takes one away."""
    resource = {"resourceType": type_name, **deepcopy(SAMPLES[type_name])}
    resource |= {name.removesuffix("_"): value for name, value in elements.items()}
    return {name: value for name, value in resource.items() if value is not None}


UNSOUND = frozenset({"Questionnaire-qs1.json", "Questionnaire-zika-virus-exposure-assessment.json"})
"""Examples that are not valid by the specification itself: items without a linkId, an empty narrative."""


def examples(*type_names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The official examples of the types by file name, those that are valid; nothing where the data is absent."""
    for type_name in type_names:
        for path in sorted(EXAMPLES.glob(f"{type_name}-*.json")):
            if path.name not in UNSOUND:
                yield path.name, parse(path.read_bytes())
