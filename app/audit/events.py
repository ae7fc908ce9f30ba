"""A ledger entry as an AuditEvent, in the pattern of IHE BALP's privacy disclosure. Pure.

https://profiles.ihe.net/ITI/BALP/StructureDefinition-IHE.BasicAudit.PrivacyDisclosure.Source.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from app.audit.entries import Entry
from app.consent.codes import ACT_REASON
from app.fhir.dates import instant

DCM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
OURS = "https://hallpass.example/fhir/CodeSystem/disclosure-basis"
_NAMESPACE = UUID("6f9b1c1e-6d2e-4e0f-9a59-0a7c62a4a0f1")
_RESTFUL = frozenset({"read", "vread", "search", "history", "create", "update", "delete", "batch", "transaction"})


def event_id(entry: Entry) -> UUID:
    """The id of the AuditEvent that an entry is."""
    return uuid5(_NAMESPACE, "|".join(map(str, entry.position)))


def audit_event(entry: Entry) -> dict[str, Any]:
    """The AuditEvent of one disclosure."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(event_id(entry)),
        "meta": {"lastUpdated": instant(entry.at)},
        "type": _coding(DCM, "110106", "Export"),
        "subtype": _subtypes(entry),
        "action": "R",
        "recorded": instant(entry.at),
        "outcome": "0",
        "purposeOfEvent": [{"coding": [{"system": ACT_REASON, "code": p}]} for p in entry.purposes],
        "agent": _agents(entry),
        "source": {"observer": _organization(entry.custodian)},
        "entity": _entities(entry),
    }
    if not entry.purposes:
        del event["purposeOfEvent"]
    if entry.reason:
        event["outcomeDesc"] = entry.reason
    return event


def _subtypes(entry: Entry) -> list[dict[str, str]]:
    found = [_coding(LIFECYCLE, "disclose", "Disclose"), {"system": OURS, "code": entry.basis}]
    if entry.interaction in _RESTFUL:
        found.append({"system": INTERACTION, "code": entry.interaction})
    return found


def _agents(entry: Entry) -> list[dict[str, Any]]:
    recipient = _coding(DCM, "110152", "Destination Role ID")
    source = _coding(DCM, "110153", "Source Role ID")
    custodian = _coding(PARTICIPATION_ROLE, "CST", "custodian")
    return [
        {"type": {"coding": [source]}, "who": {"display": "Hallpass"}, "requestor": False},
        {
            "type": {"coding": [recipient]},
            "who": {**_organization(entry.recipient), "identifier": {"value": entry.client}},
            "requestor": True,
        },
        {"type": {"coding": [custodian]}, "who": _organization(entry.custodian), "requestor": False},
    ]


def _entities(entry: Entry) -> list[dict[str, Any]]:
    entities = [_entity(f"{entry.type}/{entry.id}/_history/{entry.version}", "4", "Domain Resource")]
    if entry.student is not None:
        patient = _entity(f"Patient/{entry.student}", "1", "Patient")
        entities.insert(0, {**patient, "type": _coding(ENTITY_TYPE, "1", "Person")})
    if entry.consent is not None:
        what = f"Consent/{entry.consent}/_history/{entry.consent_version}"
        entities.append(
            {"what": {"reference": what}, "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent"}}
        )
    request = {"type": "request", "valueString": str(entry.request)}
    entities[-1] = {**entities[-1], "detail": [request]}
    return entities


def _entity(reference: str, role: str, display: str) -> dict[str, Any]:
    return {
        "what": {"reference": reference},
        "type": _coding(ENTITY_TYPE, "2", "System Object"),
        "role": _coding(ENTITY_ROLE, role, display),
    }


def _organization(organization: UUID) -> dict[str, str]:
    return {"reference": f"Organization/{organization}"}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}
