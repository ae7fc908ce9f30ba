"""Two records of one student become one: the Patients are linked both ways, and each is asked for with the other.

https://hl7.org/fhir/R4/patient.html#links — records stay with their Patient, and so do releases. Links are followed
between Patients of one custodian alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from app.db import read as store
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.exchange import lock_order, reads, writes
from app.exchange.merge_links import with_link
from app.exchange.release import PendingResult
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.resources import TYPES
from app.resources.merges import REPLACED_BY, REPLACES, linked
from app.resources.refs import local_id
from app.search.parameters import PARAMETERS, ParamKind
from app.search.query import Chain, Clause, Criterion, Has, ReferenceValue, Search, Value
from app.session import Session

PATIENT = TYPES["Patient"]
UNRESOLVED = "The reference does not lead to a Patient that you can see."


async def merge(session: Session, source: UUID, target: UUID, *, preview: bool) -> PendingResult:
    """Link the source to the target, which replaces it. What is answered names the releases that stay behind.

    Raises UNPROCESSABLE for what leads nowhere, FORBIDDEN for another's Patient, CONFLICT for one that is replaced.
    """
    session.require("Patient", "u")
    session.require("Consent", "r")
    if source == target:
        raise _refused("The source and the target are the same Patient.", "target-patient", "value")
    await lock_order.records(session, (source, target), (), ())
    old, new = await _held(session, source, "source-patient"), await _held(session, target, "target-patient")
    before, after = parse(old.body), parse(new.body)
    if any(i != target for i in linked(before, REPLACED_BY)):
        raise HallpassError(Kind.CONFLICT, _issue("Another Patient has replaced the source.", "source-patient"))
    if any(linked(after, REPLACED_BY)):
        raise HallpassError(
            Kind.CONFLICT, _issue("The target was replaced itself. Name its successor.", "target-patient")
        )
    if not preview:
        await _store(session, source, with_link({**before, "active": False}, target, REPLACED_BY))
        await _store(session, target, with_link(after, source, REPLACES))
        await writes.store_filed(session)
    return PendingResult(document=_report(source, target, await _waiting(session, source), preview=preview))


async def same_student(session: Session, patient: UUID) -> tuple[UUID, ...]:
    """The other Patients that are the same student by merges that the caller sees."""
    return (await store.same_students(session.connection, [patient]))[patient]


async def followed(session: Session, wanted: Search) -> Search:
    """The search with each criterion that names a Patient, at the end of a chain as well, asked of the merged ones too.

    What a chain says of a student otherwise is asked of each of them by its statement.
    """
    named = {own for clause in wanted.criteria for own in _patients(wanted.types, clause)}
    others = await store.same_students(session.connection, named)
    if not any(others.values()):
        return wanted
    return replace(wanted, criteria=tuple(_followed(wanted.types, clause, others) for clause in wanted.criteria))


def _patients(types: tuple[str, ...], clause: Clause) -> Iterator[UUID]:
    """The Patients that the references of a clause name."""
    match clause:
        case Has():
            yield from _patients((clause.type,), clause.clause)
        case Chain():
            for branch in clause.branches:
                yield from _patients((branch.type,), branch.clause)
        case Criterion() if _leads_to_patients(types, clause):
            yield from filter(None, map(_patient, clause.values))


def _followed(types: tuple[str, ...], clause: Clause, others: Mapping[UUID, tuple[UUID, ...]]) -> Clause:
    match clause:
        case Has():
            return replace(clause, clause=_followed((clause.type,), clause.clause, others))
        case Chain():
            branches = (replace(b, clause=_followed((b.type,), b.clause, others)) for b in clause.branches)
            return replace(clause, branches=tuple(branches))
        case Criterion() if _leads_to_patients(types, clause):
            more = [
                replace(value, id=str(other))
                for value in clause.values
                if isinstance(value, ReferenceValue) and (own := _patient(value))
                for other in others[own]
            ]
            return replace(clause, values=tuple(dict.fromkeys((*clause.values, *more)))) if more else clause
    return clause


def _leads_to_patients(types: tuple[str, ...], clause: Criterion) -> bool:
    return clause.kind is ParamKind.REFERENCE and any(
        "Patient" in PARAMETERS[t][clause.parameter].targets for t in types
    )


def _patient(value: Value) -> UUID | None:
    """The Patient that a value names by its id."""
    named = isinstance(value, ReferenceValue) and value.id is not None and value.type in (None, "Patient")
    return local_id({"reference": f"Patient/{value.id}"}) if named and isinstance(value, ReferenceValue) else None


async def _held(session: Session, patient: UUID, name: str) -> Stored:
    row = await reads.current(session, PATIENT, str(patient))
    if row is None or row.deleted:
        raise _refused(UNRESOLVED, name, "not-found")
    if not await session.holds(row.custodian):
        text = "Another organization holds this Patient. Only that organization can merge it."
        raise HallpassError(Kind.FORBIDDEN, text)
    return row


async def _store(session: Session, own: UUID, content: dict[str, Any]) -> None:
    validated = await validate_body(session.caller.client, PATIENT, content, session.settings)
    await writes.update(session, PATIENT, validated, str(own), None)


async def _waiting(session: Session, source: UUID) -> list[UUID]:
    """The releases of the source's records: none of them opens the target's."""
    held = await store.bodies_held(session.connection, source, "Consent", session.caller.organization, uuid4())
    found = (parse(body) for body in held)
    return sorted(UUID(c["id"]) for c in found if c.get("status") == "active")


def _report(source: UUID, target: UUID, waiting: list[UUID], *, preview: bool) -> dict[str, Any]:
    """Both Patients, and each release that waits for a new signature. https://hl7.org/fhir/R4/parameters.html"""
    named = [("source-patient", f"Patient/{source}"), ("target-patient", f"Patient/{target}")]
    named += [("waiting", f"Consent/{consent}") for consent in waiting]
    parts = [{"name": name, "valueReference": {"reference": reference}} for name, reference in named]
    return {"resourceType": "Parameters", "parameter": [*parts, {"name": "preview", "valueBoolean": preview}]}


def _refused(text: str, name: str, code: str) -> HallpassError:
    return HallpassError(Kind.UNPROCESSABLE, _issue(text, name, code))


def _issue(text: str, name: str, code: str = "conflict") -> Issue:
    return Issue(text, f"Parameters.parameter.where(name='{name}')", code)
