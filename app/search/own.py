"""The search parameters of our own, in the form of HL7's records: what a referral's sender asks of the directory.

https://hl7.org/fhir/R4/searchparameter.html — the capacity is Gravity's extension; languages, eligibility and cost are
elements that R4 defines no parameter for.
"""

from __future__ import annotations

from typing import Any

from app.referral.codes import DAY_OF_NEED, PROGRAM, REVIEW_DATE
from app.resources import TYPES

OURS = "https://hallpass.example/fhir/SearchParameter"
CAPACITY = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
)
CAPACITY_CODES = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
OPEN_AT, NEAR = "open-at", "near"


def _record(code: str, expression: str, description: str) -> dict[str, Any]:
    return {
        "base": "HealthcareService",
        "code": code,
        "kind": "token",
        "expression": f"HealthcareService.{expression}",
        "url": f"{OURS}/HealthcareService-{code}",
        "description": description,
    }


def _of_consent(code: str, description: str) -> dict[str, Any]:
    """One of HL7 FAST Consent Management, where it is an extension of R5's: here the discloser is meant."""
    return {
        "base": "Consent",
        "code": code,
        "kind": "reference",
        "expression": "Consent.organization",
        "target": ["Organization"],
        "url": f"{OURS}/Consent-{code}",
        "description": description,
    }


def _of_extension(code: str, kind: str, url: str, type_name: str, base: str, description: str) -> dict[str, Any]:
    """By an extension of ours."""
    return {
        "base": base,
        "code": code,
        "kind": kind,
        "expression": f"{base}.extension.where(url='{url}').value.as({type_name})",
        "url": f"{OURS}/{base}-{code}",
        "description": description,
    }


def _of_gravity(base: str, code: str, expression: str, description: str) -> dict[str, Any]:
    """One of Gravity SDOH Clinical Care, by which what a referral or a Task refers to is included."""
    return {
        "base": base,
        "code": code,
        "kind": "reference",
        "expression": f"{base}.{expression}",
        "target": list(TYPES),
        "url": f"{OURS}/{base}-{code}",
        "description": description,
    }


def _near() -> dict[str, Any]:
    """HL7's own, `special` there: how it is asked is the same."""
    return {
        "base": "Location",
        "code": NEAR,
        "kind": "token",
        "expression": "Location.position",
        "url": f"{OURS}/Location-near",
        "description": "Within a distance of a position: latitude|longitude|distance|units, to within a tenth of it",
    }


RECORDS: tuple[dict[str, Any], ...] = (
    _near(),
    _of_extension("day-of-need", "date", DAY_OF_NEED, "date", "ServiceRequest", "Since when the need is known"),
    _of_extension(
        "program", "token", PROGRAM, "CodeableConcept", "ServiceRequest", "The program under which the referral is made"
    ),
    _of_extension("review-date", "date", REVIEW_DATE, "date", "CarePlan", "When the plan is reviewed with the family"),
    _of_gravity("ServiceRequest", "supporting-info", "supportingInfo", "What bears on it"),
    _of_gravity("Task", "output", "output.value.as(Reference)", "What came of it"),
    _of_consent("controller", "Who controls what is released: the discloser"),
    _of_consent("manager", "Who manages the Consent: the discloser, which files it"),
    _record(
        "capacity",
        f"extension.where(url='{CAPACITY}').extension.where(url='capacityStatus').value.as(CodeableConcept)",
        "Whether the service has room: capacity, no-capacity, waitlist or additional-assessment-required",
    ),
    _record("communication", "communication", "A language in which the service is given"),
    _record("eligibility", "eligibility.code", "Whom the service is for"),
    _record("provision", "serviceProvisionCode", "What the service costs: free, disc or cost"),
    _record(
        OPEN_AT,
        "availableTime",
        "When the service is open: now, a date and time, or a half hour of the week such as mon-0930",
    ),
)
"""By which a service is found before a referral (hours.py, near.py), what referrals and plans have, and FAST's."""
