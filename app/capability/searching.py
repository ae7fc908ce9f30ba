"""How definitions and AuditEvents are searched: which SearchParameter defines each parameter, HL7's or ours.

https://hl7.org/fhir/R4/searchparameter-registry.html — those of the types that hold records are in app/search.
"""

from __future__ import annotations

from app.capability.interactions import LEDGER_PARAMETERS
from app.search.own import RECORDS
from app.terminology.definition import Json, canonical, definition

HL7 = "http://hl7.org/fhir/SearchParameter"
SEARCHED = {"_id": "token", "url": "uri", "version": "token", "name": "string", "status": "token"}
"""The search parameters of definitions, and their types."""
_OURS = {
    ("AuditEvent", "purpose"): "AuditEvent.purposeOfEvent | AuditEvent.agent.purposeOfUse",
    ("AuditEvent", "consent"): "AuditEvent.entity.what.where(resolve() is Consent)",
}
"""Search parameters that HL7 does not define, with their expressions."""


def definition_of(type_name: str, code: str) -> str:
    """The canonical URL of the SearchParameter behind a parameter of AuditEvent or of a type of definitions."""
    if (type_name, code) in _OURS:
        return canonical("SearchParameter", f"{type_name}-{code}")
    if code == "_lastUpdated":
        return f"{HL7}/Resource-lastUpdated"
    if type_name == "AuditEvent" and code != "_id":
        return f"{HL7}/AuditEvent-{code}"
    return f"{HL7}/Resource-id" if code == "_id" else f"{HL7}/conformance-{code}"


HL7_PARAMETERS = frozenset(
    url
    for type_name, codes in (("AuditEvent", LEDGER_PARAMETERS), ("ValueSet", SEARCHED))
    for url in (definition_of(type_name, code) for code in codes)
    if url.startswith(HL7)
)
"""The canonical URLs of HL7's."""


def search_parameters() -> list[Json]:
    """The SearchParameters of the exchange's own."""
    audited = [
        _parameter(type_name, code, *LEDGER_PARAMETERS[code], expression)
        for (type_name, code), expression in _OURS.items()
    ]
    return audited + [_parameter(r["base"], r["code"], r["kind"], r["description"], r["expression"]) for r in RECORDS]


def _parameter(type_name: str, code: str, kind: str, description: str, expression: str) -> Json:
    found = definition(
        "SearchParameter",
        f"{type_name}-{code}",
        f"{type_name} by {code}",
        f"{description}.",
        code=code,
        base=[type_name],
        type=kind,
        expression=expression,
        xpathUsage="normal",
    )
    del found["title"]  # R4's SearchParameter has none
    return found
