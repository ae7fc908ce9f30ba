"""Small valid resources to test with."""

from __future__ import annotations

from itertools import count
from typing import Any

from app.consent import codes as c

LOINC = "http://loinc.org"
_FORMS = count(1)
"""Each Consent is signed on a form of its own."""


def patient(value: str = "S-1", **more: Any) -> dict[str, Any]:
    """A student of 2014."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:test:student", "value": value}],
        "name": [{"family": "Rivera", "given": ["Ana"]}],
        "birthDate": "2014-05-02",
        **more,
    }


def guardian(student: dict[str, Any], code: str = "MTH", **more: Any) -> dict[str, Any]:
    """A parent of a student."""
    return {
        "resourceType": "RelatedPerson",
        "patient": ref(student),
        "relationship": [{"coding": [{"system": c.ROLE_CODE, "code": code}]}],
        "name": [{"family": "Rivera", "given": ["Luz"]}],
        **more,
    }


def referral(student: dict[str, Any], performer: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A referral to counseling."""
    found = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": ref(student),
        "code": {"coding": [{"system": "urn:test:service", "code": "counseling"}]},
        "authoredOn": "2026-09-14",
        **more,
    }
    return {**found, "performer": [performer]} if performer else found


def encounter(student: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A visit."""
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": ref(student),
        "period": {"start": "2026-09-20T09:00:00-04:00", "end": "2026-09-20T09:45:00-04:00"},
        **more,
    }


def consent(
    student: dict[str, Any],
    signer: dict[str, Any],
    discloser: dict[str, str],
    recipient: dict[str, str],
    *,
    classes: tuple[str, ...] = ("Patient", "ServiceRequest"),
    purposes: tuple[str, ...] = ("TREAT",),
    provision: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An active, complete FERPA release from a discloser to a recipient. `provision` adds to the root provision."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}],
        "patient": ref(student),
        "dateTime": "2026-09-15",
        "performer": [ref(signer)],
        "organization": [discloser],
        "sourceAttachment": {
            "contentType": "application/pdf",
            "title": f"Release of information, form {next(_FORMS)}",
        },
        "policy": [{"uri": "https://www.ecfr.gov/current/title-34/section-99.30"}],
        "provision": {
            "type": "permit",
            "period": {"start": "2026-09-15", "end": "2027-06-30"},
            "actor": [actor("IRCP", recipient)],
            "purpose": [{"system": c.ACT_REASON, "code": p} for p in purposes],
            "class": [type_class(name) for name in classes],
            **(provision or {}),
        },
        **more,
    }


def actor(role: str, organization: dict[str, str]) -> dict[str, Any]:
    """A provision's actor."""
    return {"role": {"coding": [{"system": c.PARTICIPATION, "code": role}]}, "reference": organization}


def type_class(name: str) -> dict[str, str]:
    """A provision's class: a resource type."""
    return {"system": c.RESOURCE_TYPES, "code": name}


def task(
    student: dict[str, Any], focus: dict[str, Any], requester: dict[str, str], owner: dict[str, str], **more: Any
) -> dict[str, Any]:
    """The Task of a referral."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": ref(focus),
        "for": ref(student),
        "authoredOn": "2026-09-15",
        "requester": requester,
        "owner": owner,
        **more,
    }


def ref(resource: dict[str, Any]) -> dict[str, str]:
    """A Reference to a stored resource."""
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def about(student: dict[str, Any], value: Any) -> Any:
    """The value with the student in place of `@student`."""
    if isinstance(value, dict):
        return {k: about(student, v) for k, v in value.items()}
    if isinstance(value, list):
        return [about(student, v) for v in value]
    return value.replace("@student", f"Patient/{student['id']}") if isinstance(value, str) else value
