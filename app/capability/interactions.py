"""What can be asked of the FHIR service, besides search parameters: said once, for the CapabilityStatement and docs.

https://hl7.org/fhir/R4/http.html and https://hl7.org/fhir/R4/operations.html. A test holds it equal to the routes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interaction:
    """One way to ask: a code of CapabilityStatement.rest, or of rest.resource, with its request."""

    code: str
    request: str
    """Method and path: `[type]`, `[id]` and `[vid]` stand for what they name, `?[condition]` for search parameters."""
    note: str = ""


OF_TYPES: tuple[Interaction, ...] = (
    Interaction("read", "GET [type]/[id]", "If-None-Match and If-Modified-Since; _summary, _elements"),
    Interaction("vread", "GET [type]/[id]/_history/[vid]", "as read"),
    Interaction("update", "PUT [type]/[id]", "If-Match; there is no create by PUT to an id"),
    Interaction("update", "PUT [type]?[condition]", "inside the caller's own custody; creates where nothing matches"),
    Interaction("patch", "PATCH [type]/[id]", "JSON Patch, Merge Patch, or FHIRPath Patch as Parameters; If-Match"),
    Interaction("patch", "PATCH [type]?[condition]", "inside the caller's own custody"),
    Interaction("delete", "DELETE [type]/[id]", "If-Match; refused while a resource that you see refers to it"),
    Interaction("delete", "DELETE [type]?[condition]", "inside the caller's own custody, up to HALLPASS_MAX_DELETES"),
    Interaction("history-instance", "GET [type]/[id]/_history", "_since, _at, _count"),
    Interaction("history-type", "GET [type]/_history", "_since, _at, _count; a feed: see docs/guides/referrals.md"),
    Interaction("create", "POST [type]", "If-None-Exist, or the same in the query; Idempotency-Key"),
    Interaction("search-type", "GET [type]?[condition]"),
    Interaction("search-type", "POST [type]/_search"),
)
OF_SYSTEM: tuple[Interaction, ...] = (
    Interaction("transaction", "POST ", "by verb: DELETE, POST, PUT, PATCH, GET; all or nothing"),
    Interaction("batch", "POST ", "each entry for itself; operations too"),
    Interaction("history-system", "GET _history", "_since, _at, _count, _type; a feed"),
    Interaction("search-system", "GET ?[condition]", "_type, and what all types searched have in common"),
    Interaction("search-system", "POST _search"),
)
IN_COMPARTMENT: tuple[Interaction, ...] = (
    Interaction("search-compartment", "GET Patient/[id]/[type]?[condition]", "types of the compartment"),
    Interaction("search-compartment", "POST Patient/[id]/[type]/_search"),
    Interaction("search-compartment", "GET Patient/[id]/*?[condition]"),
    Interaction("search-compartment", "POST Patient/[id]/*/_search"),
)
OF_LEDGER: tuple[Interaction, ...] = (
    Interaction("read", "GET AuditEvent/[id]", "an entry of the ledger, or of the trail of logins and refusals"),
    Interaction("search-type", "GET AuditEvent?[condition]", "newest first; _sort=date, _count, _total=accurate"),
    Interaction("search-type", "POST AuditEvent/_search"),
)
OF_EXPORTS: tuple[Interaction, ...] = (
    Interaction("status", "GET export/[id]", "202 with X-Progress, then the manifest"),
    Interaction("file", "GET export/[id]/[name]", "its lines; what is no longer visible is left out"),
    Interaction("cancel", "DELETE export/[id]", "and forget it"),
    Interaction("submission", "GET submission/[id]", "202 with X-Progress, then the manifest of outcomes"),
    Interaction("upload", "POST submission/[id]/[name]", "a file of NDJSON is taken in: [type].ndjson"),
    Interaction("outcome", "GET submission/[id]/[name]", "an OperationOutcome for each line of a file"),
)
"""What follows the kick-off of an export, or the first request of a submission: no interactions of FHIR's, so the
CapabilityStatement has none of them."""
LEDGER_PARAMETERS: dict[str, tuple[str, str]] = {
    "_id": ("token", "The ids of events; no other criterion stands beside it"),
    "_lastUpdated": ("date", "As date"),
    "agent": ("reference", "Who received, or whose client it was: Organization/[id]"),
    "consent": ("reference", "The Consent that was cited: Consent/[id]"),
    "date": ("date", "When: eq, ge, gt, le, lt"),
    "entity": ("reference", "What was disclosed, the student it is about, or the Consent that was cited"),
    "outcome": ("token", "0, 4 or 8"),
    "patient": ("reference", "The student"),
    "purpose": ("token", "The purpose of use"),
    "subtype": ("token", "The basis of a disclosure, or the kind of another event"),
}
"""What AuditEvents are searched by: the type of the parameter, and what it is about."""
