"""The operations, as the caller asks them. One that is not here is out of reach."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.resources import TYPES
from assurance.noninterference.draw import STUDENT
from assurance.noninterference.forms import extract, parameters, populate
from assurance.noninterference.moves import JSON
from assurance.noninterference.routes import Route
from assurance.noninterference.wire import BASE, Request

if TYPE_CHECKING:
    from assurance.noninterference.asks import Asks

SERVED = (
    ("GET", "/fhir/[type]/{id}/$disclosures"),
    ("GET", "/fhir/[type]/{id}/$everything"),
    ("POST", "/fhir/[type]/{id}/$everything"),
    ("POST", "/fhir/[type]/{id}/$explain-access"),
    ("GET", "/fhir/[type]/{id}/$meta"),
    ("GET", "/fhir/[type]/{id}/$extract"),
    ("POST", "/fhir/[type]/{id}/$extract"),
    ("POST", "/fhir/[type]/$extract"),
    ("GET", "/fhir/[type]/{id}/$support-plan"),
    ("POST", "/fhir/[type]/{id}/$populate"),
    ("POST", "/fhir/[type]/$populate"),
    ("GET", "/fhir/[type]/$awaiting-release"),
    ("GET", "/fhir/[type]/{id}/$purposes"),
    ("GET", "/fhir/[type]/{id}/$referral-report"),
    ("GET", "/fhir/[type]/{id}/$community-report"),
    ("POST", "/fhir/[type]/$match"),
    ("POST", "/fhir/[type]/$merge"),
    ("POST", "/fhir/[type]/$validate"),
    ("POST", "/fhir/[type]/{id}/$validate"),
    *((method, f"/fhir/{place}$export") for place in ("", "[type]/", "[type]/{id}/") for method in ("GET", "POST")),
    ("POST", "/fhir/[type]/$preview"),
    ("POST", "/fhir/[type]/$break-glass"),
    ("GET", "/fhir/[type]/{id}/$recipients"),
    ("GET", "/fhir/[type]/{id}/$disclosed-copy"),
    ("GET", "/fhir/[type]/{id}/$consent-status"),
    ("GET", "/fhir/[type]/{id}/$fast-consent"),
    ("POST", "/fhir/[type]/$fileConsent"),
    ("POST", "/fhir/[type]/$revokeConsent"),
    ("POST", "/fhir/[type]/$compare"),
    ("POST", "/fhir/[type]/{id}/$confirm"),
    ("POST", "/fhir/AuditEvent/$recordDisclosure"),
    ("POST", "/fhir/[type]/{id}/$statement"),
    ("POST", "/fhir/[type]/{id}/$transfer"),
    ("GET", "/fhir/[type]/$transfers"),
    ("POST", "/fhir/[type]/$transfers"),
    ("GET", "/fhir/[type]/$broken-glass"),
    ("POST", "/fhir/[type]/$broken-glass"),
    ("GET", "/fhir/[type]/$status"),
    ("POST", "/fhir/[type]/$status"),
    ("GET", "/fhir/[type]/{id}/$status"),
    ("POST", "/fhir/[type]/{id}/$status"),
    ("GET", "/fhir/$withheld"),
    ("POST", "/fhir/$bulk-submit"),
    ("POST", "/fhir/$bulk-submit-status"),
    ("GET", "/fhir/[type]/{id}/$events"),
    ("POST", "/fhir/[type]/{id}/$events"),
)
"""Method and shape of every operation that is known here."""


def _disclosures(asks: Asks, route: Route) -> Request:
    rng = asks.rng
    query: dict[str, str] = {}
    if rng.random() < 0.5:
        query["_count"] = str(rng.choice([1, 2, 5]))
    if rng.random() < 0.3:
        query["_format"] = rng.choice(["csv", "html", "json"])
    if rng.random() < 0.2:
        query["basis"] = rng.choice(["release", "party", "query"])
    if rng.random() < 0.2:
        query["recipient"] = asks.id("Organization")
    path = route.path.replace("{id}", asks.id(route.type))
    return Request("GET", f"{path}?{urlencode(query)}", asks.client())


def _everything(asks: Asks, route: Route) -> Request:
    rng = asks.rng
    query: dict[str, str] = {}
    if rng.random() < 0.6:
        query["_count"] = str(rng.choice([1, 2, 5]))
    if rng.random() < 0.3:
        query["_type"] = ",".join(rng.sample(list(TYPES), 2))
    if rng.random() < 0.2:
        query["start"] = "2026-09-15"
    if rng.random() < 0.2:
        query["end"] = "2026-09-20"
    if rng.random() < 0.2:
        query["_since"] = "2026-10-01T12:05:00Z"
    path = route.path.replace("{id}", asks.id(route.type))
    if route.method == "GET":
        return Request("GET", f"{path}?{urlencode(query)}", asks.client())
    if rng.random() < 0.3:
        return Request("POST", f"{path}?{urlencode(query)}", asks.client())
    return parameters(asks, path, [p for name, text in query.items() for p in _given(name, text)])


def _given(name: str, text: str) -> list[dict[str, Any]]:
    """What a query says of $everything, as Parameters."""
    if name == "_count":
        return [{"name": name, "valueInteger": int(text)}]
    key = {"_type": "valueCode", "_since": "valueInstant"}.get(name, "valueDate")
    return [{"name": name, key: value} for value in text.split(",")]


def _explain(asks: Asks, route: Route) -> Request:
    rng = asks.rng
    given: list[dict[str, Any]] = [
        {"name": "recipient", "valueReference": {"reference": f"Organization/{asks.id('Organization')}"}},
        {"name": "purpose", "valueCode": rng.choice(["TREAT", "HPAYMT"])},
    ]
    if rng.random() < 0.6:
        given.append({"name": "type", "valueCode": rng.choice(list(TYPES))})
    else:
        name = rng.choice(["ServiceRequest", "Encounter", "RelatedPerson"])
        given.append({"name": "resource", "valueReference": {"reference": f"{name}/{asks.id(name)}"}})
    path = route.path.replace("{id}", asks.id(route.type))
    return parameters(asks, path, given)


def _preview(asks: Asks, route: Route) -> Request:
    return Request("POST", route.path, asks.client(), JSON, asks.bodies.new(asks.scene, "Consent"))


def _meta(asks: Asks, route: Route) -> Request:
    return Request("GET", route.path.replace("{id}", asks.id(route.type)), asks.client())


def _awaiting(asks: Asks, route: Route) -> Request:
    query = {"_count": "2"} if asks.rng.random() < 0.5 else {}
    if asks.rng.random() < 0.3:
        query["patient"] = asks.id("Patient")
    return Request("GET", f"{route.path}?{urlencode(query)}", asks.client())


def _report(asks: Asks, route: Route) -> Request:
    query = {"start": "2026-09-01", "end": "2026-10-31"} if asks.rng.random() < 0.8 else {"start": "2026-09-20"}
    path = route.path.replace("{id}", asks.id(route.type))
    return Request("GET", f"{path}?{urlencode(query)}", asks.client())


def _community(asks: Asks, route: Route) -> Request:
    path = route.path.replace("{id}", asks.id(route.type))
    return Request("GET", f"{path}?month={asks.rng.choice(['2026-07', '2026-08', '2026-10'])}", asks.client())


def _match(asks: Asks, route: Route) -> Request:
    """A description as some record has it, hidden ones as well."""
    rng = asks.rng
    known = [r.body for r in asks.scene.of("Patient", worlds="")]
    described = {k: v for k, v in rng.choice(known).items() if k in ("identifier", "name", "birthDate", "gender")}
    given: list[dict[str, Any]] = [{"name": "resource", "resource": {"resourceType": "Patient", **described}}]
    if rng.random() < 0.4:
        given.append({"name": "onlyCertainMatches", "valueBoolean": rng.choice([True, False])})
    if rng.random() < 0.3:
        given.append({"name": "count", "valueInteger": rng.choice([1, 3])})
    return parameters(asks, route.path, given)


def _merge(asks: Asks, route: Route) -> Request:
    """Two students, of the caller's or of others', mostly without changing what they are."""
    given: list[dict[str, Any]] = [
        {"name": name, "valueReference": {"reference": f"Patient/{asks.id('Patient')}"}}
        for name in ("source-patient", "target-patient")
    ]
    if asks.rng.random() < 0.7:
        given.append({"name": "preview", "valueBoolean": True})
    return parameters(asks, route.path, given)


def _validate(asks: Asks, route: Route) -> Request:
    rng = asks.rng
    if "{id}" not in route.path:
        path = route.path + rng.choice(["", "?mode=create"])
        return Request("POST", path, asks.client(), JSON, asks.bodies.new(asks.scene, route.type))
    of, body = asks.bodies.changed(asks.scene, route.type, asks.id(route.type))
    path = route.path.replace("{id}", of)
    if rng.random() < 0.4:
        return parameters(asks, path, [{"name": "mode", "valueCode": "delete"}])
    return Request("POST", f"{path}?mode=update", asks.client(), JSON, body)


def _break_glass(asks: Asks, route: Route) -> Request:
    """The caller is not registered for emergencies, and learns nothing from asking."""
    number = asks.rng.randrange(1, 7)
    given: list[dict[str, Any]] = [
        {"name": "identifier", "valueIdentifier": {"system": STUDENT, "value": f"S-{number}"}},
        {"name": "reason", "valueString": "The student collapsed in class and cannot answer."},
    ]
    return parameters(asks, route.path, given)


def _export(asks: Asks, route: Route) -> Request:
    rng = asks.rng
    query: dict[str, str] = {}
    if rng.random() < 0.5:
        query["_type"] = ",".join(rng.sample(list(TYPES), 3))
    if rng.random() < 0.4:
        query["_since"] = rng.choice(["2026-10-01T12:00:00Z", "2026-10-01T12:05:00Z"])
    if rng.random() < 0.2:
        query["_until"] = "2026-10-01T12:10:00Z"
    if rng.random() < 0.2:
        query["organizeOutputBy"] = "Patient"
    path = route.path.replace("{id}", asks.id("Group"))
    if route.method == "GET":
        return Request("GET", f"{path}?{urlencode(query)}", asks.client())
    instants = ("_since", "_until")
    given = [{"name": n, "valueInstant" if n in instants else "valueString": text} for n, text in query.items()]
    if not route.path.startswith("/fhir/$") and rng.random() < 0.6:
        given.append({"name": "patient", "valueReference": {"reference": f"Patient/{asks.id('Patient')}"}})
    return parameters(asks, path, given)


def _bulk_submit(asks: Asks, route: Route) -> Request:
    """One of few submissions, begun, gone on with, ended or asked for."""
    rng = asks.rng
    given: list[dict[str, Any]] = [
        {"name": "submitter", "valueIdentifier": {"system": "urn:test:submitters", "value": "sis"}},
        {"name": "submissionId", "valueString": rng.choice(["one", "two", "three"])},
    ]
    if route.path.endswith("$bulk-submit"):
        status = rng.choice(["in-progress", "in-progress", "completed", "stopped"])
        given.append({"name": "submissionStatus", "valueCoding": {"code": status}})
        given.append({"name": "fhirBaseUrl", "valueUrl": rng.choice([f"{BASE}/fhir", "https://sis.example.org/fhir"])})
        if rng.random() < 0.2:
            given.append({"name": "manifestUrl", "valueUrl": "https://files.example.org/manifest.json"})
    return parameters(asks, route.path, given)


def _withheld(asks: Asks, route: Route) -> Request:
    query = {"_count": "1"} if asks.rng.random() < 0.5 else {}
    if asks.rng.random() < 0.3:
        query["recipient"] = asks.id("Organization")
    return Request("GET", f"{route.path}?{urlencode(query)}", asks.client())


def _file_consent(asks: Asks, route: Route) -> Request:
    """A Consent about somebody whom the caller may or may not know, with a document."""
    student = {"reference": f"Patient/{asks.id('Patient')}"}
    if asks.rng.random() < 0.5:
        student = {"identifier": {"system": STUDENT, "value": f"S-{asks.rng.randrange(1, 7)}"}}  # type: ignore[dict-item]
    consent = json.loads(asks.bodies.new(asks.scene, "Consent"))
    consent = {k: v for k, v in consent.items() if k not in ("organization", "sourceAttachment")}
    document = {"resourceType": "QuestionnaireResponse", "status": "completed"}
    given = [
        {"name": "consent", "resource": {**consent, "patient": student}},
        {"name": "document", "resource": document},
    ]
    return parameters(asks, route.path, given)


def _revoke_consent(asks: Asks, route: Route) -> Request:
    given = [
        {"name": "consent", "valueReference": {"reference": f"Consent/{asks.id('Consent')}"}},
        {"name": "patient", "valueReference": {"reference": f"Patient/{asks.id('Patient')}"}},
    ]
    return parameters(asks, route.path, given)


def _confirm(asks: Asks, route: Route) -> Request:
    path = route.path.replace("{id}", asks.id(route.type))
    return parameters(asks, path, [{"name": "by", "valueString": "The registrar"}])


def _compare(asks: Asks, route: Route) -> Request:
    draft = json.loads(asks.bodies.new(asks.scene, "Consent"))
    with_ = {"name": "with", "valueReference": {"reference": f"Consent/{asks.id('Consent')}"}}
    return parameters(asks, route.path, [{"name": "consent", "resource": draft}, with_])


def _statement(asks: Asks, route: Route) -> Request:
    path = route.path.replace("{id}", asks.id(route.type))
    return parameters(asks, path, [{"name": "text", "valueString": asks.rng.choice(["It was not so.", "Not me."])}])


def _broken_glass(asks: Asks, route: Route) -> Request:
    if route.method == "GET":
        return Request("GET", f"{route.path}?reviewed={asks.rng.choice(['true', 'false'])}", asks.client())
    glass = {"name": "glass", "valueId": asks.id("Patient")}
    return parameters(asks, route.path, [glass, {"name": "note", "valueString": "It was needed."}])


def _transfer(asks: Asks, route: Route) -> Request:
    """Proposed of somebody whom the caller may hold or not, and answered by an id that is none of its proposals."""
    if route.method == "GET":
        return Request("GET", route.path, asks.client())
    if "{id}" in route.path:
        to = {"name": "to", "valueReference": {"reference": f"Organization/{asks.id('Organization')}"}}
        path = route.path.replace("{id}", asks.id("Patient"))
        return parameters(asks, path, [to, {"name": "notice", "valueCode": "annual-notice"}])
    accept = {"name": "accept", "valueBoolean": asks.rng.random() < 0.5}
    return parameters(asks, route.path, [{"name": "transfer", "valueId": asks.id("Patient")}, accept])


def _record_disclosure(asks: Asks, route: Route) -> Request:
    event = {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110106"},
        "recorded": "2026-09-20T10:00:00Z",
        "agent": [{"who": {"display": "County court"}, "requestor": True}],
        "source": {"observer": {"display": "The office"}},
        "entity": [{"what": {"reference": f"Patient/{asks.id('Patient')}"}}],
    }
    return parameters(asks, route.path, [{"name": "disclosure", "resource": event}])


def _subscriptions(asks: Asks, route: Route) -> Request:
    """How Subscriptions stand, and their events by number."""
    path = route.path.replace("{id}", asks.id(route.type))
    if route.path.endswith("$events"):
        number = asks.rng.choice(["1", "2", "x"])
        if route.method == "POST":
            return parameters(asks, path, [{"name": "eventsSinceNumber", "valueString": number}])
        return Request("GET", f"{path}?eventsSinceNumber={number}", asks.client())
    status = asks.rng.choice(["active", "requested", "error"])
    if route.method == "POST":
        return parameters(asks, path, [{"name": "status", "valueCode": status}])
    return Request("GET", f"{path}?status={status}", asks.client())


OPERATIONS: dict[str, Callable[[Asks, Route], Request]] = {
    "$disclosures": _disclosures,
    "$everything": _everything,
    "$explain-access": _explain,
    "$awaiting-release": _awaiting,
    "$meta": _meta,
    "$purposes": _meta,
    "$referral-report": _report,
    "$community-report": _community,
    "$extract": extract,
    "$support-plan": _meta,
    "$populate": populate,
    "$match": _match,
    "$merge": _merge,
    "$validate": _validate,
    "$preview": _preview,
    "$break-glass": _break_glass,
    "$export": _export,
    "$withheld": _withheld,
    "$bulk-submit": _bulk_submit,
    "$bulk-submit-status": _bulk_submit,
    "$recipients": _meta,
    "$disclosed-copy": _meta,
    "$consent-status": _meta,
    "$fast-consent": _meta,
    "$fileConsent": _file_consent,
    "$revokeConsent": _revoke_consent,
    "$compare": _compare,
    "$confirm": _confirm,
    "$recordDisclosure": _record_disclosure,
    "$statement": _statement,
    "$transfer": _transfer,
    "$transfers": _transfer,
    "$broken-glass": _broken_glass,
    "$status": _subscriptions,
    "$events": _subscriptions,
}
