"""The paths of the ledger as FHIR: AuditEvents, which only the server writes.

https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

from typing import Any

from app.capability.interactions import LEDGER_PARAMETERS
from app.openapi import answers
from app.openapi.operation import operation, scope
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import ANY
from app.openapi.schemas import ref as schema

Json = dict[str, Any]


def paths() -> dict[str, Json]:
    """The path items, by path."""
    return {
        "/fhir/AuditEvent": {"get": _events("searchAuditEvent", "Search the ledger")},
        "/fhir/AuditEvent/_search": {"post": _events("searchByPostAuditEvent", "Search the ledger by a form")},
        "/fhir/AuditEvent/{id}": {"get": _event()},
    }


def _events(operation_id: str, summary: str) -> Json:
    names = [ref(f"AuditEvent.{n}") for n in (*LEDGER_PARAMETERS, "_sort", "_total")]
    return operation(
        operation_id,
        summary,
        "AuditEvent",
        parameters=[*names, ref("pageCount"), *ALWAYS],
        success={200: answers.json("A page of what concerns the caller, newest first.", schema("Bundle"))},
        scopes=[scope("AuditEvent", "s")],
    )


def _event() -> Json:
    return operation(
        "readAuditEvent",
        "Read an entry of the ledger",
        "AuditEvent",
        parameters=[ref("AuditEvent.id"), *ALWAYS],
        success={200: answers.json("The entry.", schema(ANY))},
        scopes=[scope("AuditEvent", "r")],
    )
