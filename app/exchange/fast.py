"""Filing and revoking a Consent as HL7 FAST Consent Management does: the document and the Consent in one transaction.

https://hl7.org/fhir/us/consent-management/ — people are looked up by their identifiers in the caller's own custody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from app.consent import fast
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import patching, reads, writes
from app.exchange.release import PendingResult, PendingRow
from app.exchange.validated import validate_now
from app.fhir.json import parse
from app.resources import TYPES
from app.resources.paths import first
from app.resources.refs import local_id
from app.session import Session

Json = dict[str, Any]
Find = Callable[[Session, str, str, str], Awaitable[list[str]]]
"""The references of the caller's own resources of a type with an identifier of this system and value."""
DOCUMENTS = ("DocumentReference", "QuestionnaireResponse")


async def file(session: Session, consent: Json, document: Json, find: Find) -> list[PendingResult]:
    """The document, stored, and the Consent that rests on it. Raises UNPROCESSABLE with what has no place here."""
    discloser = await _own_entry(session)
    refused = fast.refusals(consent, discloser)
    people, lost = await _people(session, consent, find)
    if refused or lost:
        raise HallpassError(Kind.UNPROCESSABLE, *refused, *lost)
    student = people.get("Consent.patient") or first(consent, "patient.reference")
    filed = await _document(session, document, str(student))
    row = filed.pending[0].row
    source = {"reference": f"{row.type}/{row.id}"}
    content = fast.ours(consent, people, discloser, source)
    declared = TYPES["Consent"]
    validated = validate_now(declared, content, session.settings.fhir_base)
    return [filed, await writes.create(session, declared, validated)]


async def revoke(
    session: Session, consent: Json, patient: Json, document: Json | None, find: Find
) -> list[PendingResult]:
    """The Consent, inactive, with the document that asks for it. Raises NOT_FOUND, UNPROCESSABLE."""
    target = local_id(consent, "Consent")
    row = await reads.current(session, TYPES["Consent"], str(target)) if target else None
    if row is None or row.deleted or not await session.holds(row.custodian):
        raise not_found()
    named = await _one(session, "Patient", patient, find)
    if named != f"Patient/{row.compartment}":
        text = "The Consent is about another student."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='patient')", "value"))
    found = [await _document(session, document, named)] if document is not None else []
    ended = await patching.patch(session, TYPES["Consent"], str(row.id), _inactive, None)
    return [*found, ended]


async def theirs(session: Session, consent_id: str) -> PendingResult:
    """A Consent as FAST has it, with the identifiers that the caller's own records and the directory give.

    What of the directory others hold is entered on the ledger like any read. Raises NOT_FOUND.
    """
    session.require("Consent", "r")
    row = await reads.current(session, TYPES["Consent"], consent_id)
    if row is None or row.deleted or not await session.holds(row.custodian):
        raise not_found()
    consent = parse(row.body)
    identifiers: dict[str, Json] = {}
    others: list[PendingRow] = []
    for reference in fast.references(consent):
        kind, _, own = reference.partition("/")
        told = await reads.current(session, TYPES[kind], own) if kind in TYPES else None
        known = first(parse(told.body), "identifier") if told and not told.deleted else None
        if told is None or not known:
            continue
        held = await session.holds(told.custodian)
        if held or told.directory:
            identifiers[reference] = known
            others += [] if held else [PendingRow(told)]
    return PendingResult(tuple(others), document=fast.theirs(consent, identifiers))


def _inactive(consent: Json) -> Json:
    return {**consent, "status": "inactive"}


async def _own_entry(session: Session) -> Json:
    row = await reads.current(session, TYPES["Organization"], str(session.caller.organization))
    if row is None:
        raise not_found()
    return parse(row.body)


async def _people(session: Session, consent: Json, find: Find) -> tuple[dict[str, str], list[Issue]]:
    """The references of those who are named by identifier, and an issue for each that is not one of the caller's."""
    found: dict[str, str] = {}
    lost: list[Issue] = []
    for path, (system, value) in fast.keys(consent).items():
        kinds = ("Patient",) if path == "Consent.patient" else ("Patient", "RelatedPerson")
        known = [r for kind in kinds for r in await find(session, kind, system, value)]
        if len(known) == 1:
            found[path] = known[0]
        else:
            text = "The identifier must be that of exactly one person whose record you hold."
            lost.append(Issue(text, f"{path}.identifier", "not-found"))
    return found, lost


async def _one(session: Session, kind: str, reference: Json, find: Find) -> str | None:
    """The one resource that a Reference names, literally or by identifier."""
    if own := local_id(reference, kind):
        return f"{kind}/{own}"
    identifier = reference.get("identifier", {})
    known = await find(session, kind, str(identifier.get("system", "")), str(identifier.get("value", "")))
    return known[0] if len(known) == 1 else None


async def _document(session: Session, document: Json, student: str) -> PendingResult:
    """The document, stored as the student's. Raises UNPROCESSABLE for another type."""
    declared = TYPES.get(str(document.get("resourceType")))
    if declared is None or declared.name not in DOCUMENTS:
        text = f"The document is a {' or a '.join(DOCUMENTS)}."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='document').resource"))
    content = {k: v for k, v in document.items() if k != "id"} | {"subject": {"reference": student}}
    validated = validate_now(declared, content, session.settings.fhir_base)
    return await writes.create(session, declared, validated, uuid4())
