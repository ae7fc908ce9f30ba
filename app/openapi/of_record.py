"""The paths of operations on one student's record, and of those that look at releases.

https://hl7.org/fhir/R4/operations.html — their definitions are among the served OperationDefinitions.
"""

from __future__ import annotations

from typing import Any

from app.capability.interactions import LEDGER_PARAMETERS
from app.errors import Kind
from app.openapi import answers
from app.openapi.answers import VERSION
from app.openapi.operation import json_body, operation, scope
from app.openapi.parameters import ALWAYS, ref
from app.openapi.schemas import ANY, any_of
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
CSV, HTML = "text/csv", "text/html"


def paths() -> dict[str, Json]:
    """The path items, by path."""
    return {
        "/fhir/Patient/{id}/$everything": _everything("Patient", "The visible record of one student"),
        "/fhir/Encounter/{id}/$everything": _everything("Encounter", "An Encounter with what belongs to it"),
        "/fhir/Patient/$match": {"post": _match()},
        "/fhir/Patient/{id}/$disclosures": {"get": _disclosures("Patient")},
        "/fhir/Organization/{id}/$disclosures": {"get": _disclosures("Organization")},
        "/fhir/Consent/{id}/$disclosures": {"get": _disclosures("Consent")},
        "/fhir/AuditEvent": {"get": _events("searchAuditEvent", "Search the ledger")},
        "/fhir/AuditEvent/_search": {"post": _events("searchByPostAuditEvent", "Search the ledger by a form")},
        "/fhir/AuditEvent/{id}": {"get": _event()},
        "/fhir/Patient/{id}/$explain-access": {"post": _explain()},
        "/fhir/Patient/$break-glass": {"post": _break_glass()},
        "/fhir/Consent/$preview": {"post": _preview()},
    }


def _everything(name: str, summary: str) -> Json:
    period = [ref("start"), ref("end")] if name == "Patient" else []
    parts = [ref("summary"), ref("elements"), *ALWAYS]
    scopes = [scope(name, "r")] if name == "Encounter" else []
    success = {200: answers.json("A page of it; the links lead to the others.", schema("Bundle"))}
    kinds = (*answers.SEARCHING, Kind.NOT_FOUND, Kind.GONE)
    asked = [ref("id"), *period, ref("changedSince"), ref("types"), ref("count"), *parts]
    body = {**json_body(schema("Parameters"), "The same parameters."), "required": False}
    by_get = operation(
        f"everythingOf{name}", summary, name, parameters=asked, success=success, kinds=kinds, scopes=scopes
    )
    by_post = operation(
        f"everythingOf{name}ByPost",
        f"{summary}, by a form of parameters",
        name,
        parameters=asked,
        body=body,
        success=success,
        kinds=(*kinds, *answers.BODY),
        scopes=scopes,
    )
    return {"get": by_get, "post": by_post}


def _match() -> Json:
    return operation(
        "matchPatient",
        "Find a student by a description",
        "Patient",
        parameters=ALWAYS,
        body=json_body(
            any_of(("Patient", "Parameters")), "A Patient, or Parameters with resource, onlyCertainMatches and count."
        ),
        success={200: answers.json("The students that the caller may see and that fit, graded.", schema("Bundle"))},
        kinds=(*answers.SEARCHING, *answers.BODY),
        scopes=[scope("Patient", "s")],
    )


_DISCLOSURES = {
    "Patient": ("disclosuresOfPatient", "A student's record of disclosures"),
    "Organization": ("disclosuresToOrganization", "All that an organization received of what you hold"),
    "Consent": ("disclosuresUnderConsent", "What was disclosed under a release"),
}


def _events(operation_id: str, summary: str) -> Json:
    names = [ref(f"AuditEvent.{n}") for n in (*LEDGER_PARAMETERS, "_sort", "_total")]
    return operation(
        operation_id,
        summary,
        "AuditEvent",
        parameters=[*names, ref("pageCount"), *ALWAYS],
        success={200: answers.json("A page of what concerns the caller, newest first.", schema("Bundle"))},
        kinds=(*answers.READING, *(answers.BODY if "Post" in operation_id else ())),
        scopes=[scope("AuditEvent", "s")],
    )


def _event() -> Json:
    return operation(
        "readAuditEvent",
        "Read an entry of the ledger",
        "AuditEvent",
        parameters=[ref("AuditEvent.id"), *ALWAYS],
        success={200: answers.json("The entry.", schema(ANY))},
        kinds=(*answers.READING, Kind.NOT_FOUND),
        scopes=[scope("AuditEvent", "r")],
    )


def _disclosures(name: str) -> Json:
    operation_id, summary = _DISCLOSURES[name]
    table = {"schema": {"type": "string"}}
    found = answers.json("A Bundle of AuditEvents; a table, and a page to print, by _format.", schema("Bundle"), "Link")
    found["content"] |= {CSV: table, HTML: table}
    narrowed = [ref(n) for n in ("start", "end", "recipient", "basis", "consent", "pageCount")]
    return operation(
        operation_id,
        summary,
        name,
        parameters=[ref("id"), *narrowed, ref("formatOfDisclosures"), ref("pretty")],
        success={200: found},
        kinds=(*answers.READING, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope("AuditEvent", "s")],
    )


def _explain() -> Json:
    return operation(
        "explainAccess",
        "Why a recipient may see a student's records, or not",
        "Patient",
        parameters=[ref("id"), *ALWAYS],
        body=json_body(schema("Parameters"), "recipient, purpose (again for more), and type or resource."),
        success={200: answers.json("Each record asked about, and each provision weighed.", schema("Parameters"))},
        kinds=(*answers.READING, *answers.BODY, Kind.NOT_FOUND, Kind.GONE),
        scopes=[scope("Patient", "r"), scope("Consent", "r")],
    )


def _break_glass() -> Json:
    return operation(
        "breakGlass",
        "Open a student's records in an emergency, with a reason",
        "Patient",
        parameters=ALWAYS,
        body=json_body(schema("Parameters"), "identifier (with system and value) and reason."),
        success={200: answers.json("The student.", schema("Patient"), *VERSION)},
        kinds=(*answers.READING, *answers.BODY, Kind.NOT_FOUND, Kind.GONE),
        scopes=["hallpass/emergency", scope("Patient", "r")],
    )


def _preview() -> Json:
    return operation(
        "previewConsent",
        "What a Consent would open",
        "Consent",
        parameters=ALWAYS,
        body=json_body(any_of(("Consent", "Parameters")), "The Consent as drafted, or Parameters with it."),
        success={200: answers.json("What it would open, and what it lacks.", schema("Parameters"))},
        kinds=(*answers.READING, *answers.BODY),
        scopes=[scope("Consent", "r")],
    )
