"""Ledger entries and events of the trail as AuditEvents, in the patterns of IHE BALP. Pure.

https://profiles.ihe.net/ITI/BALP/StructureDefinition-IHE.BasicAudit.PrivacyDisclosure.Source.html for a disclosure,
with the consent as an entity; https://profiles.ihe.net/ITI/BALP/content.html for the others.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.consent.codes import ACT_REASON
from app.fhir.dates import instant
from app.ledger.entries import Entry
from app.ledger.ids import entry_id
from app.ledger.names import Names
from app.ledger.security_log import Event

DCM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
OURS = "https://hallpass.example/fhir/CodeSystem/disclosure-basis"
EVENT = "https://hallpass.example/fhir/CodeSystem/audit-event-kind"
EVENTS = {
    "login": ("110114", "User Authentication", "A client asked for a token."),
    "token": ("110113", "Security Alert", "A token that does not hold was presented."),
    "scope": ("110113", "Security Alert", "A request went beyond the token's scopes."),
    "emergency": ("110127", "Emergency Override Started", "The glass was broken, or was tried to be."),
    "query": ("110112", "Query", "A query read others' records; its text is what it asked for."),
    "access": ("110110", "Patient Record", "Records were read by a client or a person of who holds them."),
    "command": ("110129", "Security Configuration", "The network's operator changed something."),
}
"""By kind of event: DICOM's code and words for it, and what it means."""
_RESTFUL = frozenset({"read", "vread", "search", "history", "create", "update", "delete", "batch", "transaction"})


def audit_event(entry: Entry, names: Names) -> dict[str, Any]:
    """The AuditEvent of one disclosure, with the names as they were."""
    if entry.asserted is not None:
        return entry.asserted
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": entry_id(entry),
        "meta": {"lastUpdated": instant(entry.at)},
        "type": _coding(DCM, "110106", "Export") if entry.parameters is None else _coding(DCM, "110112", "Query"),
        "subtype": _subtypes(entry),
        "action": "R" if entry.parameters is None else "E",
        "recorded": instant(entry.at),
        "outcome": "0",
        "purposeOfEvent": [{"coding": [{"system": ACT_REASON, "code": p}]} for p in entry.purposes],
        "agent": _agents(entry, names),
        "source": {"observer": _organization(entry.custodian, entry.at, names)},
        "entity": _entities(entry, names),
    }
    if not entry.purposes:
        del event["purposeOfEvent"]
    if entry.reason:
        event["outcomeDesc"] = entry.reason
    return event


def security_event(event: Event, names: Names) -> dict[str, Any]:
    """The AuditEvent of a login, a refusal, a broken glass or a command; `times` tells how often in its minute."""
    code, display, _ = EVENTS[event.kind]
    found: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(event.id),
        "meta": {"lastUpdated": instant(event.last)},
        "type": _coding(DCM, code, display),
        "subtype": [{"system": EVENT, "code": event.kind}],
        "action": "E",
        "period": {"start": instant(event.first), "end": instant(event.last)},
        "recorded": instant(event.first),
        "outcome": event.outcome,
        "outcomeDesc": event.detail,
        "agent": [
            {
                "type": {"coding": [_coding(DCM, "110153", "Source Role ID")]},
                "who": {**_organization(event.organization, event.first, names), "identifier": {"value": event.client}},
                "requestor": True,
            }
        ],
        "source": {"observer": {"display": "Hallpass"}},
    }
    if event.times > 1:
        detail = [{"type": "times", "valueString": str(event.times)}]
        found["entity"] = [{"type": _coding(ENTITY_TYPE, "4", "Other"), "detail": detail}]
    return found


def _subtypes(entry: Entry) -> list[dict[str, str]]:
    found = [_coding(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event"), {"system": OURS, "code": entry.basis}]
    if entry.interaction in _RESTFUL:
        found.append({"system": INTERACTION, "code": entry.interaction})
    return found


def _agents(entry: Entry, names: Names) -> list[dict[str, Any]]:
    recipient = _coding(DCM, "110152", "Destination Role ID")
    source = _coding(DCM, "110153", "Source Role ID")
    custodian = _coding(PARTICIPATION_ROLE, "CST", "custodian")
    return [
        {"type": {"coding": [source]}, "who": {"display": "Hallpass"}, "requestor": False},
        {
            "type": {"coding": [recipient]},
            "who": {**_organization(entry.recipient, entry.at, names), "identifier": {"value": entry.client}},
            "requestor": True,
        },
        {"type": {"coding": [custodian]}, "who": _organization(entry.custodian, entry.at, names), "requestor": False},
        *_behind(entry),
    ]


def _behind(entry: Entry) -> list[dict[str, Any]]:
    """Who the client said is behind it. It is the client's word."""
    said = entry.agent or {}
    name, identifier = said.get("subject_name"), said.get("subject_id")
    who = {**({"display": name} if name else {}), **({"identifier": {"value": identifier}} if identifier else {})}
    if not who:
        return []
    role = {"role": [{"text": said["subject_role"]}]} if "subject_role" in said else {}
    return [{"type": {"coding": [_coding(PARTICIPATION_ROLE, "AUT", "author (originator)")]}, **role, "who": who,
             "requestor": False}]  # fmt: skip


def _entities(entry: Entry, names: Names) -> list[dict[str, Any]]:
    if entry.parameters is not None:
        return [_query(entry, entry.parameters)]
    entities = [_entity(f"{entry.type}/{entry.id}/_history/{entry.version}", "4", "Domain Resource")]
    if entry.student is not None:
        patient = _entity(f"Patient/{entry.student}", "1", "Patient")
        entities.insert(0, {**patient, "type": _coding(ENTITY_TYPE, "1", "Person")})
    if entry.consent is not None:
        what = f"Consent/{entry.consent}/_history/{entry.consent_version}"
        entities.append(
            {"what": {"reference": what}, "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent"}}
        )
    signed = [{"type": "signer", "valueString": who} for who in names.signed(entry)]
    request = {"type": "request", "valueString": str(entry.request)}
    entities[-1] = {**entities[-1], "detail": [request, *signed]}
    return entities


def _query(entry: Entry, parameters: tuple[str, ...]) -> dict[str, Any]:
    """What was asked, by the names of its parameters: what it asked for is not the custodian's to read."""
    details = [("type", entry.type), *(("parameter", name) for name in parameters)]
    details += [("students", str(entry.students)), ("request", str(entry.request))]
    return {
        "type": _coding(ENTITY_TYPE, "2", "System Object"),
        "role": _coding(ENTITY_ROLE, "24", "Query"),
        "detail": [{"type": name, "valueString": value} for name, value in details],
    }


def _entity(reference: str, role: str, display: str) -> dict[str, Any]:
    return {
        "what": {"reference": reference},
        "type": _coding(ENTITY_TYPE, "2", "System Object"),
        "role": _coding(ENTITY_ROLE, role, display),
    }


def _organization(organization: UUID, at: datetime, names: Names) -> dict[str, str]:
    name = names.organization(organization, at)
    return {"reference": f"Organization/{organization}", **({"display": name} if name else {})}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}
