"""Valid resources of every type, with values out of a small common stock, so that hidden and visible ones collide.

A type without a builder here is drawn from its declaration (assurance/noninterference/drawn.py).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from app.consent import codes as c
from app.consent.contact import PROHIBITED
from app.resources import TYPES, Visibility
from app.subscriptions.definition import PREFIX
from assurance.noninterference.draw import (
    CITIES,
    DAYS,
    KIND,
    MOMENTS,
    ROLES,
    SERVICE,
    SERVICES,
    Body,
    Draw,
    Pick,
    coded,
)
from assurance.noninterference.drawn import drawn


def build(type_name: str, rng: Random, pick: Pick, **more: Any) -> Body:
    """A resource of the type."""
    draw, own = Draw(rng, pick), _BUILDERS.get(type_name)
    made = {"resourceType": type_name, **(own(draw) if own else drawn(TYPES[type_name], draw)), **_meta(rng)}
    return _pruned({**made, **more})


def _pruned(body: Body) -> Body:
    """Without what was drawn to be absent."""
    found = {k: _pruned(v) if isinstance(v, dict) else v for k, v in body.items()}
    return {k: v for k, v in found.items() if v is not None and v != [] and v != {}}


def label(*found: str) -> Body:
    """meta.security with confidentiality codes and sensitivity labels."""
    systems = dict.fromkeys(c.CONFIDENTIALITY, c.CONFIDENTIALITY_SYSTEM)
    return {"security": [{"system": systems.get(code, c.ACT_CODE), "code": code} for code in found]}


def _meta(rng: Random) -> Body:
    meta: Body = {}
    if rng.random() < 0.3:
        meta["profile"] = [rng.choice(["urn:test:profile/a", "http://example.org/profiles/b/c"])]
    if rng.random() < 0.3:
        meta["tag"] = [{"system": KIND, "code": rng.choice(["t1", "t2"])}]
    if rng.random() < 0.2:
        meta["source"] = rng.choice(["urn:test:source", "http://example.org/source/x"])
    return {"meta": meta} if meta else {}


def _patient(d: Draw) -> Body:
    link = d.ref("Patient", chance=0.3)
    return {
        "extension": d.permission(),
        "identifier": d.identifier(),
        "active": d.maybe(d.one(True, False)),
        "name": d.name(),
        "telecom": d.maybe(d.telecom()),
        "gender": d.one("female", "male", "other"),
        "birthDate": d.one("2014-05-02", "2012-11", "2015-01-20"),
        "deceasedBoolean": d.maybe(False, 0.2),
        "address": d.maybe([d.address()]),
        "communication": d.maybe([{"language": coded("es", "urn:ietf:bcp:47", "Spanish")}]),
        "generalPractitioner": d.refs("Practitioner", "Organization", "PractitionerRole"),
        "managingOrganization": d.ref("Organization"),
        "link": [{"other": link, "type": d.one("seealso", "replaces", "replaced-by")}] if link else None,
    }


def _related_person(d: Draw) -> Body:
    return {
        "extension": d.permission(),
        "identifier": d.identifier(),
        "active": d.maybe(True),
        "patient": d.pick("Patient"),
        "relationship": [coded(d.one("MTH", "FTH", "GUARD"), ROLES)],
        "name": d.name(),
        "telecom": d.maybe(d.telecom()),
        "gender": d.one("female", "male"),
        "birthDate": d.maybe("1985-03-04"),
        "address": d.maybe([d.address()]),
    }


def _service_request(d: Draw) -> Body:
    before, replaced = d.refs("ServiceRequest", chance=0.3), d.refs("ServiceRequest", chance=0.2)
    return {
        "identifier": d.identifier(),
        "instantiatesUri": d.maybe(["http://example.org/protocols/a"], 0.2),
        "basedOn": before,
        "replaces": replaced,
        "orderDetail": [coded(PROHIBITED)] if before or replaced else d.maybe([coded(PROHIBITED)], 0.3),
        "requisition": d.maybe({"system": "urn:test:requisition", "value": f"R-{d.rng.randrange(3)}"}),
        "status": d.one("active", "draft", "completed"),
        "intent": d.one("order", "plan"),
        "category": d.maybe([d.concept("behavioral", "medical")]),
        "priority": d.maybe(d.one("routine", "urgent")),
        "code": d.concept(*SERVICES, system=SERVICE),
        "subject": d.pick("Patient"),
        "encounter": d.ref("Encounter", chance=0.5),
        "occurrenceDateTime": d.maybe(d.one(*DAYS)),
        "authoredOn": d.one(*DAYS),
        "requester": d.ref("Practitioner", "Organization", "PractitionerRole"),
        "performerType": d.maybe(d.concept("psychologist", "nurse")),
        "performer": d.refs("Organization", "Practitioner", "HealthcareService"),
        "bodySite": d.maybe([coded("head")], 0.2),
    }


def _encounter(d: Draw) -> Body:
    place, person = d.ref("Location"), d.ref("Practitioner", "PractitionerRole", "RelatedPerson")
    return {
        "identifier": d.identifier(),
        "status": d.one("finished", "planned", "cancelled"),
        "class": {"system": c.ACT_CODE, "code": d.one("AMB", "VR")},
        "type": d.maybe([d.concept("intake", "follow-up")]),
        "subject": d.pick("Patient"),
        "basedOn": d.refs("ServiceRequest", chance=0.5),
        "participant": [{"type": [coded("ATND")], "individual": person}] if person else None,
        "period": {"start": d.one(*MOMENTS), "end": "2026-10-01T18:00:00Z"},
        "length": d.maybe(
            {"value": d.one(30, 45), "system": "http://unitsofmeasure.org", "code": "min", "unit": "min"}
        ),
        "reasonCode": d.maybe([d.concept("anxiety", "speech")]),
        "hospitalization": d.maybe({"specialArrangement": [coded("int")]}, 0.2),
        "location": [{"location": place, "period": {"start": d.one(*MOMENTS)}}] if place else None,
        "serviceProvider": d.ref("Organization"),
        "partOf": d.ref("Encounter", chance=0.2),
    }


def _consent(d: Draw) -> Body:
    """A draft, which grants nothing; releases are signed by assurance/noninterference/releases.py."""
    return {
        "identifier": d.identifier(),
        "status": d.one("draft", "proposed"),
        "scope": {"coding": [{"system": c.CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [coded("59284-0", "http://loinc.org")],
        "patient": d.pick("Patient"),
        "dateTime": d.one(*DAYS[:2]),
        "performer": d.refs("RelatedPerson", "Patient"),
        "policy": [{"uri": "https://www.ecfr.gov/current/title-34/section-99.30"}],
        "sourceReference": d.ref("Consent", chance=0.2),
        "provision": {
            "type": d.one("permit", "deny"),
            "period": d.period(),
            "purpose": [{"system": c.ACT_REASON, "code": d.one("TREAT", "HPAYMT")}],
            "action": d.maybe([coded("access", c.CONSENT_ACTION)]),
            "securityLabel": d.maybe([{"system": c.CONFIDENTIALITY_SYSTEM, "code": "R"}]),
        },
    }


def _task(d: Draw) -> Body:
    return {
        "identifier": d.identifier(),
        "groupIdentifier": d.maybe({"system": "urn:test:requisition", "value": f"R-{d.rng.randrange(3)}"}),
        "basedOn": d.refs("ServiceRequest", chance=0.4),
        "partOf": d.refs("Task", chance=0.2),
        "status": d.one("requested", "draft"),
        "businessStatus": d.maybe(d.concept("waiting", "called")),
        "intent": "order",
        "priority": d.maybe(d.one("routine", "urgent")),
        "code": coded("fulfill", "http://hl7.org/fhir/CodeSystem/task-code"),
        "focus": d.ref("ServiceRequest", chance=0.8),
        "for": d.pick("Patient"),
        "encounter": d.ref("Encounter", chance=0.3),
        "executionPeriod": d.maybe(d.period()),
        "authoredOn": d.one(*DAYS),
        "lastModified": "2026-10-01",
        "performerType": d.maybe([d.concept("psychologist", "nurse")]),
    }


def _document(d: Draw) -> Body:
    scan = d.ref("Binary", chance=0.5)
    attachment = {"contentType": "text/plain", "title": d.one("A plan", "A form")}
    security = d.maybe([coded(d.one("N", "R"), c.CONFIDENTIALITY_SYSTEM)], 0.2)
    return {
        "identifier": d.identifier(),
        "status": d.one("current", "superseded"),
        "type": d.maybe(d.concept("plan", "form")),
        "category": d.maybe([d.concept("school")]),
        "subject": d.pick("Patient"),
        "date": d.one(*MOMENTS),
        "author": d.refs("Practitioner", "Organization"),
        "securityLabel": security,
        "content": [{"attachment": {**attachment, **({"url": scan["reference"]} if scan else {})}}],
    }


def _binary(d: Draw) -> Body:
    return {
        "contentType": d.one("text/plain", "application/pdf"),
        "securityContext": d.pick("Patient"),
        "data": d.one("cGxhbg==", "Zm9ybQ=="),
    }


def _answers(d: Draw) -> Body:
    return {
        "identifier": d.identifier()[0],
        "status": d.one("completed", "in-progress"),
        "subject": d.pick("Patient"),
        "authored": d.one(*MOMENTS),
        "author": d.ref("RelatedPerson", "Practitioner"),
        "questionnaire": d.maybe("http://example.org/forms/needs"),
        "item": [{"linkId": "1", "answer": [{"valueString": d.one("yes", "no")}]}],
    }


def _questionnaire(d: Draw) -> Body:
    return {
        "url": d.maybe(f"http://example.org/forms/{d.rng.randrange(3)}"),
        "identifier": d.identifier(),
        "status": d.one("active", "draft"),
        "title": d.one("Needs", "Release of information"),
        "effectivePeriod": d.maybe(d.period()),
        "item": [{"linkId": "1", "text": "Is food short?", "type": "boolean"}],
    }


def _group(d: Draw) -> Body:
    members = [{"entity": m} for m in (d.pick("Patient"), d.pick("Patient")) if m]
    return {
        "identifier": d.identifier(),
        "type": "person",
        "actual": True,
        "code": d.concept("class", "caseload"),
        "name": "A class",
        "managingEntity": d.ref("Organization", "Practitioner"),
        "characteristic": [
            {"code": coded("grade"), "valueCodeableConcept": coded(d.one("5", "6")), "exclude": d.one(True, False)}
        ],
        "member": members,
    }


def _organization(d: Draw) -> Body:
    return {
        "identifier": d.identifier(),
        "active": True,
        "type": [d.concept("school", "clinic")],
        "name": f"{d.one(*CITIES)} {d.one('School', 'Clinic')}",
        "address": d.maybe([d.address()]),
    }


def _affiliation(d: Draw) -> Body:
    """Without a direction, so that it agrees to nothing."""
    return {
        "identifier": d.identifier(),
        "active": d.one(True, False),
        "period": d.maybe(d.period()),
        "organization": d.pick("Organization"),
        "participatingOrganization": d.pick("Organization"),
        "location": d.refs("Location"),
        "healthcareService": d.refs("HealthcareService"),
        "code": [d.concept("member", "agency")],
        "specialty": d.maybe([d.concept("psychology")]),
        "telecom": d.maybe(d.telecom()),
    }


def _practitioner(d: Draw) -> Body:
    return {
        "identifier": d.identifier(),
        "active": d.maybe(True),
        "name": d.name(),
        "telecom": d.maybe(d.telecom()),
        "gender": d.one("female", "male"),
        "address": d.maybe([d.address()]),
        "communication": d.maybe([coded("es", "urn:ietf:bcp:47", "Spanish")]),
    }


def _practitioner_role(d: Draw) -> Body:
    return {
        "identifier": d.identifier(),
        "active": True,
        "period": d.period(),
        "practitioner": d.ref("Practitioner"),
        "organization": d.ref("Organization"),
        "code": [d.concept("psychologist", "nurse")],
        "specialty": d.maybe([d.concept("psychology")]),
        "location": d.refs("Location"),
        "healthcareService": d.refs("HealthcareService"),
        "telecom": d.maybe(d.telecom()),
    }


def _healthcare_service(d: Draw) -> Body:
    return {
        "identifier": d.identifier(),
        "active": True,
        "providedBy": d.ref("Organization"),
        "category": [d.concept("behavioral", "medical")],
        "type": [d.concept(*SERVICES, system=SERVICE)],
        "specialty": d.maybe([d.concept("psychology")]),
        "location": d.refs("Location"),
        "name": d.one("Counseling", "Speech"),
        "coverageArea": d.refs("Location", chance=0.3),
        "program": d.maybe([coded("p1")]),
        "characteristic": d.maybe([coded("c1")]),
    }


def _location(d: Draw) -> Body:
    return {
        "identifier": d.identifier(),
        "status": d.one("active", "inactive"),
        "operationalStatus": d.maybe({"system": "http://terminology.hl7.org/CodeSystem/v2-0116", "code": "O"}),
        "name": f"Room {d.rng.randrange(4)}",
        "type": [d.concept("room", "building")],
        "address": d.maybe(d.address()),
        "managingOrganization": d.ref("Organization"),
        "partOf": d.ref("Location", chance=0.4),
    }


def _appointment(d: Draw) -> Body:
    person = d.ref("Practitioner", "PractitionerRole", "Location", "HealthcareService", "RelatedPerson")
    others = [{"actor": person, "status": "tentative"}] if person else []
    return {
        "identifier": d.identifier(),
        "status": d.one("booked", "fulfilled", "noshow"),
        "serviceCategory": d.maybe([d.concept("behavioral", "medical")]),
        "serviceType": d.maybe([d.concept(*SERVICES, system=SERVICE)]),
        "specialty": d.maybe([d.concept("psychology")]),
        "appointmentType": d.maybe(d.concept("walk-in", "follow-up")),
        "reasonCode": d.maybe([d.concept("anxiety", "speech")]),
        "reasonReference": d.refs("Condition", "Observation", chance=0.3),
        "supportingInformation": d.refs("CarePlan", "ServiceRequest", chance=0.3),
        "start": d.one(*MOMENTS[:2]),
        "end": "2026-10-01T18:00:00Z",
        "basedOn": d.refs("ServiceRequest", chance=0.4),
        "participant": [{"actor": d.pick("Patient"), "status": "accepted"}, *others],
    }


ENDPOINT = "https://hooks.example.org/a"
"""Where notifications of the caller may go; nothing is sent in a run."""


def _subscription(d: Draw) -> Body:
    topic = d.one("referral", "task", "release", "correction", "service", "nothing")
    content = d.one("empty", "id-only", "full-resource")
    return {
        "status": d.one("requested", "off", "active"),
        "reason": "To know",
        "criteria": f"https://hallpass.example/fhir/SubscriptionTopic/{topic}",
        "channel": {
            "type": "rest-hook",
            "endpoint": d.one(ENDPOINT, "https://elsewhere.example.org/b"),
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": f"{PREFIX}backport-payload-content", "valueCode": content}]},
        },
    }


_BUILDERS: dict[str, Callable[[Draw], Body]] = {
    "Patient": _patient,
    "RelatedPerson": _related_person,
    "ServiceRequest": _service_request,
    "Encounter": _encounter,
    "Consent": _consent,
    "Task": _task,
    "Group": _group,
    "Subscription": _subscription,
    "DocumentReference": _document,
    "Binary": _binary,
    "QuestionnaireResponse": _answers,
    "Organization": _organization,
    "OrganizationAffiliation": _affiliation,
    "Practitioner": _practitioner,
    "PractitionerRole": _practitioner_role,
    "HealthcareService": _healthcare_service,
    "Location": _location,
    "Appointment": _appointment,
    "Questionnaire": _questionnaire,
}

PLACED = frozenset({"Patient", "RelatedPerson", "ServiceRequest", "Encounter", "Consent", "Task", "Binary"})
"""The types about a student that the worlds are made of, each in a place of its own."""
DRAWN = tuple(t.name for t in TYPES.values() if t.visibility is Visibility.COMPARTMENT and t.name not in PLACED)
"""The types about a student that the worlds have by the declaration alone."""
