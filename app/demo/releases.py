"""The releases of the demonstration: what a guardian signs for the district, and for the clinic.
https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from app.consent import codes as c
from app.demo.api import Json, reference
from app.demo.families import Family
from app.demo.members import Member
from app.demo.resources import OURS, day

FERPA = "https://www.ecfr.gov/current/title-34/section-99.30"
HIPAA = "https://www.ecfr.gov/current/title-45/section-164.508"


def unfinished(student: Json) -> Json:
    """A release that somebody marked active and forgot to fill in: it names only the laws and the student."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": reference(student)},
        "policy": [{"uri": FERPA}, {"uri": HIPAA}],
        "provision": {"type": "permit"},
    }


def for_clinic(name: str, family: Family, request: Json, district: Member, clinic: Member) -> Json:
    """The district's release: one referral with its student, and the student's contacts."""
    return {
        **_signed(name, family, district),
        "sourceAttachment": {"contentType": "application/pdf", "title": "Release of information, signed"},
        "policy": [{"uri": FERPA}],
        "provision": {
            **_to(clinic, "ServiceRequest", "Patient", "RelatedPerson"),
            "data": [_data("related", request), *(_data("instance", contact) for contact in family.contacts)],
        },
    }


def for_plan(name: str, family: Family, shared: list[Json], district: Member, clinic: Member) -> Json:
    """The district's release of a plan: a referral with its student, and what the family shares of the plan."""
    request, *others = shared
    return {
        **_signed(name, family, district),
        "sourceAttachment": {"contentType": "application/pdf", "title": "Release of information, signed"},
        "policy": [{"uri": FERPA}],
        "provision": {
            **_to(clinic, "Patient", *(r["resourceType"] for r in shared)),
            "data": [_data("related", request), *(_data("instance", r) for r in others)],
        },
    }


def for_district(name: str, family: Family, visit: Json, cited: Json, clinic: Member, district: Member) -> Json:
    """The clinic's own release, in the other direction: one visit, on the evidence of the district's release."""
    return {
        **_signed(name, family, clinic),
        "sourceReference": {"reference": reference(cited)},
        "policy": [{"uri": HIPAA}],
        "provision": {**_to(district, "Encounter"), "data": [_data("instance", visit)]},
    }


def _signed(name: str, family: Family, discloser: Member) -> Json:
    return {
        **unfinished(family.student),
        "identifier": [{"system": OURS, "value": name}],
        "dateTime": day(),
        "performer": [{"reference": reference(family.signer)}],
        "organization": [discloser.reference],
    }


def _to(recipient: Member, *classes: str) -> Json:
    """The root provision: for a year, to one organization, for its purpose."""
    role = {"coding": [{"system": c.PARTICIPATION, "code": "IRCP", "display": "information recipient"}]}
    return {
        "type": "permit",
        "period": {"start": day(), "end": day(365)},
        "actor": [{"role": role, "reference": recipient.reference}],
        "purpose": [{"system": c.ACT_REASON, "code": recipient.part.purpose}],
        "class": [{"system": c.RESOURCE_TYPES, "code": name} for name in classes],
    }


def _data(meaning: str, resource: Json) -> Json:
    """The resource itself (instance), or with what it refers to (related)."""
    return {"meaning": meaning, "reference": {"reference": reference(resource)}}
