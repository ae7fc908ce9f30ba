"""The resources of a referral, as a district's and a clinic's programs write them.
https://hl7.org/fhir/us/sdoh-clinicalcare/ (closed-loop referral)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.consent import codes as c
from app.demo.api import Json, reference

OURS = "urn:hallpass:demo"
COUNSELING: Json = {"coding": [{"system": "http://snomed.info/sct", "code": "409063005", "display": "Counseling"}]}
VISION: Json = {"text": "Vision screening"}
OUTCOME = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"


def day(offset: int = 0) -> str:
    """Yesterday, or so many days later, as a FHIR date: past in every time zone of the network."""
    return (datetime.now(UTC) + timedelta(days=offset - 1)).date().isoformat()


def referral(name: str, student: Json, service: Json, performer: dict[str, str]) -> Json:
    """A counselor's referral of a student to a service."""
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": OURS, "value": name}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": reference(student)},
        "code": service,
        "authoredOn": day(),
        "performer": [performer],
    }


def task(name: str, focus: Json, requester: dict[str, str]) -> Json:
    """The Task of a referral, a draft that nobody owns yet."""
    return {
        "resourceType": "Task",
        "identifier": [{"system": OURS, "value": name}],
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": reference(focus)},
        "for": focus["subject"],
        "authoredOn": day(),
        "requester": requester,
    }


def encounter(request: Json, provider: dict[str, str]) -> Json:
    """A session that was held because of a referral."""
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": c.ACT_CODE, "code": "AMB", "display": "ambulatory"},
        "type": [COUNSELING],
        "subject": request["subject"],
        "basedOn": [{"reference": reference(request)}],
        "period": {"start": f"{day()}T09:00:00-06:00", "end": f"{day()}T09:45:00-06:00"},
        "serviceProvider": provider,
    }


def outcome(result: Json) -> list[Json]:
    """`Task.output` that says which resource a referral led to."""
    kind = {"coding": [{"system": OUTCOME, "code": "resulting-activity"}]}
    return [{"type": kind, "valueReference": {"reference": reference(result)}}]
