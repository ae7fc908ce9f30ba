"""From the words of the decision cases to FHIR resources. https://hl7.org/fhir/R4/consent.html"""

from __future__ import annotations

from itertools import count
from typing import Any

from app.consent import codes as c
from app.consent.regimes import REGIMES
from tests.build import LOINC, actor

Spec = dict[str, Any]
_FORMS = count(1)
"""Each Consent is signed on a form of its own."""

STANDARD: Spec = {
    "by": "district",
    "status": "active",
    "law": ["FERPA"],
    "signed": "2026-09-15",
    "signer": ["mother"],
    "source": True,
    "type": "permit",
    "period": {"start": "2026-09-15", "end": "2027-06-30"},
    "to": ["clinic"],
    "for": ["TREAT"],
    "class": ["ServiceRequest", "Encounter"],
}
"""The release that each release of a case differs from."""

LAWS = {regime.code: regime.policy_uris[0] for regime in REGIMES}
PROVISION = ("type", "period", "to", "discloser", "intermediary", "for", "class", "code", "label", "data", "dataPeriod")
OUTSIDE = {"by", "status", "law", "signed", "signer", "source", "organization", "written", "refused", "with"}


def consent(spec: Spec) -> Spec:
    """The Consent that differs by `spec` from the standard one."""
    told = {k: v for k, v in (STANDARD | spec).items() if v is not None}
    found: Spec = {
        "resourceType": "Consent",
        "status": told["status"],
        "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}],
        "patient": {"reference": "@student"},
    }
    if "signed" in told:
        found["dateTime"] = told["signed"]
    if "signer" in told:
        found["performer"] = [{"reference": f"@{name}"} for name in told["signer"]]
    if disclosers := told.get("organization", [told["by"]]):
        found["organization"] = [{"reference": f"@{name}"} for name in disclosers]
    if told.get("source") is True:
        found["sourceAttachment"] = {"contentType": "application/pdf", "title": f"Release, form {next(_FORMS)}"}
    elif "source" in told:
        found["sourceReference"] = {"reference": told["source"]}
    if "law" in told:
        found["policy"] = [{"uri": LAWS.get(law, law)} for law in told["law"]]
    inner = {k: v for k, v in told.items() if k not in OUTSIDE}
    if inner:
        found["provision"] = provision(inner)
    return {**found, **told.get("with", {})}


def provision(spec: Spec) -> Spec:
    """One provision, with its exceptions."""
    unknown = spec.keys() - {*PROVISION, "action", "except", "with"}
    if unknown:
        raise ValueError(f"not an element of a release: {', '.join(sorted(unknown))}")
    found = {k: spec[k] for k in ("type", "period", "dataPeriod") if k in spec}
    actors = [actor("IRCP", _recipient(name)) for name in spec.get("to", [])]
    actors += [actor("CST", {"reference": f"@{name}"}) for name in spec.get("discloser", [])]
    actors += [_intermediary(name) for name in spec.get("intermediary", [])]
    repeated = {
        "actor": actors,
        "action": [{"coding": [{"system": c.CONSENT_ACTION, "code": x}]} for x in spec.get("action", [])],
        "securityLabel": [label(x) for x in spec.get("label", [])],
        "purpose": [{"system": c.ACT_REASON, "code": x} for x in spec.get("for", [])],
        "class": [_class(x) for x in spec.get("class", [])],
        "code": [{"coding": [coded(x)]} for x in spec.get("code", [])],
        "data": [_data(x) for x in spec.get("data", [])],
        "provision": [provision(x) for x in spec.get("except", [])],
    }
    return {**found, **{k: v for k, v in repeated.items() if v}, **spec.get("with", {})}


def label(text: str) -> dict[str, str]:
    """The Coding of a confidentiality or a sensitivity; `system|code` for any other."""
    if "|" in text:
        return coded(text)
    systems = dict.fromkeys(c.CONFIDENTIALITY, c.CONFIDENTIALITY_SYSTEM)
    systems |= dict.fromkeys((c.MINOR_SIGNS, c.BOTH_SIGN), c.WHO_SIGNS)
    system = systems.get(text, c.ACT_CODE)
    return {"system": system, "code": text}


def coded(text: str) -> dict[str, str]:
    """The Coding of `system|code`."""
    system, _, code = text.rpartition("|")
    return {"system": system, "code": code} if system else {"code": code}


def person(spec: Spec) -> Spec:
    """A RelatedPerson: `is` a v3-RoleCode, or `system|code`; `authority` a court's or the district's word on it."""
    found: Spec = {
        "resourceType": "RelatedPerson",
        "patient": {"reference": f"@{spec.get('of', 'student')}"},
        "relationship": [{"coding": [_relationship(spec.get("is", "MTH"))]}],
        **{k: spec[k] for k in ("active", "period") if k in spec},
    }
    said = {c.GUARDIAN_AUTHORITY: spec.get("authority"), c.CONTACT_RESTRICTION: spec.get("restricted")}
    said |= {c.ADULT_GUARDIAN: spec.get("of_adult")}
    if any(v is not None for v in said.values()):
        found["extension"] = [{"url": url, "valueBoolean": v} for url, v in said.items() if v is not None]
    return found


def _relationship(text: str) -> dict[str, str]:
    return coded(text if "|" in text else f"{c.ROLE_CODE}|{text}")


def student(spec: Spec, value: str) -> Spec:
    """A Patient, born on `born`; null: not known."""
    found: Spec = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:test:student", "value": value}],
        "birthDate": spec.get("born", "2014-05-02"),
        **spec.get("with", {}),
    }
    marks = {c.EMANCIPATED: spec.get("emancipated"), c.POSTSECONDARY: spec.get("enrolled")}
    found["extension"] = [{"url": url, "valueDate": day} for url, day in marks.items() if day] or None
    return {k: v for k, v in found.items() if v is not None}


def agreement(spec: Spec) -> Spec:
    """An OrganizationAffiliation in which `from` lets `to` have data; `part` is the participating one's."""
    ends = [f"@{spec['from']}", f"@{spec['to']}"]
    part = spec.get("part", "IRCP")
    one, other = ends if part == "IRCP" else ends[::-1]
    found: Spec = {
        "resourceType": "OrganizationAffiliation",
        "active": spec.get("active", True),
        "organization": {"reference": one},
        "participatingOrganization": {"reference": other},
        "code": [{"coding": [{"system": c.PARTICIPATION, "code": part}]}] if part else [],
        **{k: spec[k] for k in ("period",) if k in spec},
    }
    return {k: v for k, v in found.items() if v not in (None, [])}


_TYPED = ("Encounter", "DocumentReference")
_RECORDS: dict[str, Spec] = {
    "Patient": {"birthDate": "2015-06-01"},
    "ServiceRequest": {
        "status": "active",
        "intent": "order",
        "subject": {"reference": "@student"},
        "code": {"coding": [{"system": "urn:test:service", "code": "counseling"}]},
        "authoredOn": "2026-09-14",
    },
    "Encounter": {
        "status": "finished",
        "class": {"system": c.ACT_CODE, "code": "AMB"},
        "subject": {"reference": "@student"},
        "period": {"start": "2026-09-20T09:00:00-04:00", "end": "2026-09-20T09:45:00-04:00"},
    },
    "Task": {
        "status": "requested",
        "intent": "order",
        "for": {"reference": "@student"},
        "authoredOn": "2026-09-15",
        "requester": {"reference": "@district"},
    },
    "DocumentReference": {
        "status": "current",
        "subject": {"reference": "@student"},
        "date": "2026-09-14T09:00:00-04:00",
        "content": [{"attachment": {"contentType": "text/plain", "title": "A plan"}}],
    },
    "Binary": {"contentType": "text/plain", "securityContext": {"reference": "@student"}, "data": "cGxhbg=="},
    "QuestionnaireResponse": {
        "status": "completed",
        "subject": {"reference": "@student"},
        "authored": "2026-09-14T09:00:00-04:00",
    },
    "Questionnaire": {"status": "active"},
    "Group": {"type": "person", "actual": True, "member": [{"entity": {"reference": "@student"}}]},
    "Organization": {"active": True, "name": "An organization"},
    "HealthcareService": {"active": True},
    "Location": {"name": "A place"},
    "Practitioner": {"active": True},
    "PractitionerRole": {"active": True},
}


def record(spec: Spec) -> Spec:
    """A record of a type with its `labels`, `profiles` and `codes`; other words are its elements as they stand."""
    name = spec["type"]
    elements = {k: v for k, v in spec.items() if k not in ("type", "by", "labels", "profiles", "codes", "bytes")}
    found: Spec = {"resourceType": name, **_RECORDS[name], **elements}
    if "bytes" in spec:
        found["content"] = [{"attachment": {"contentType": "text/plain", "url": f"@{spec['bytes']}"}}]
    if "codes" in spec:
        codings = [{"coding": [coded(x)]} for x in spec["codes"]]
        found |= (
            {"type": codings if name == "Encounter" else codings[0]}
            if name in _TYPED
            else {"code": codings[0], "category": codings[1:]}
        )
    meta = {"security": [label(x) for x in spec.get("labels", [])], "profile": spec.get("profiles", [])}
    found["meta"] = {k: v for k, v in meta.items() if v}
    return {k: v for k, v in found.items() if v not in (None, [], {})}


def _class(text: str) -> dict[str, str]:
    return {"system": c.URI if ":" in text else c.RESOURCE_TYPES, "code": text}


def _data(text: str) -> Spec:
    meaning, _, name = text.partition(" ")
    return {"meaning": meaning, "reference": {"reference": name}}


def _recipient(name: str) -> Spec:
    """An organization by its name, or `class CODE`."""
    kind, _, code = name.partition(" ")
    named = {"identifier": {"system": c.RECIPIENT_CLASS, "value": code}}
    return named if kind == "class" else {"reference": f"@{name}"}


def _intermediary(name: str) -> Spec:
    role = {"coding": [{"system": c.ACTOR_ROLE, "code": "intermediary"}]}
    return {"role": role, "reference": {"reference": f"@{name}"}}
