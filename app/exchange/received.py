"""Who received a student's records, and a copy of what left, for the custodian; to anybody else the student is absent.

34 CFR 99.30(c)(1), 42 CFR 2.24.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import disclosed
from app.db.bodies import sizes
from app.errors import HallpassError, Kind
from app.exchange.disclosures import require_held
from app.exchange.release import PendingResult, PendingRow
from app.fhir.dates import instant
from app.ledger import recipients
from app.ledger.names import Names, names_of
from app.ledger.recipients import Received
from app.limits.results import fitting
from app.session import Session

Period = tuple[datetime | None, datetime | None]


async def who(session: Session, patient: str, period: Period) -> PendingResult:
    """Each organization that received, from whom, on what basis and when. Raises NOT_FOUND, TOO_COSTLY."""
    session.require("AuditEvent", "s")
    student = await require_held(session, "Patient", patient)
    found = await recipients.received(session.connection, student, *period)
    if len(found) > recipients.MOST:
        text = f"There are more than {recipients.MOST} recipients and releases. Ask for a period, by start and end."
        raise HallpassError(Kind.TOO_COSTLY, text)
    names = await names_of(session.connection, (), {(o, r.last) for r in found for o in (r.recipient, r.custodian)})
    parts = [{"name": "recipient", "part": _parts(r, names)} for r in found]
    return PendingResult(document={"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def copies(
    session: Session, patient: str, recipient: UUID | None, period: Period, after: str | None, count: int
) -> PendingResult:
    """A page of the versions that left, each once, as they are stored. Raises NOT_FOUND.

    Raises FORBIDDEN where one of them is of a type that the scopes do not let the caller read: a copy has all of them.
    """
    session.require("AuditEvent", "s")
    session.require("Patient", "r")
    student = await require_held(session, "Patient", patient)
    place = (UUID(after.partition(" ")[0]), int(after.partition(" ")[2])) if after else None
    most_bytes = session.settings.max_result_bytes
    found = await disclosed.versions(session.connection, student, recipient, period, place, count + 1, most_bytes)
    page = found[: fitting(sizes(found[:count]), most_bytes)]
    for name in sorted({row.type for row in page}):
        session.require(name, "r")
    cursors = {"next": f"{page[-1].id} {page[-1].version}"} if len(found) > len(page) else {}
    return PendingResult(tuple(PendingRow(row) for row in page), cursors=cursors)


def _parts(r: Received, names: Names) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "organization", "valueReference": _organization(r.recipient, names.organization(r.recipient, r.last))},
        {"name": "custodian", "valueReference": _organization(r.custodian, names.organization(r.custodian, r.last))},
        {"name": "basis", "valueCode": r.basis},
    ]
    if r.consent is not None:
        parts.append({"name": "consent", "valueReference": {"reference": f"Consent/{r.consent}"}})
    parts += [{"name": "purpose", "valueCode": p} for p in r.purposes]
    parts += [{"name": "records", "valueInteger": r.records}, {"name": "versions", "valueInteger": r.versions}]
    return [
        *parts,
        {"name": "first", "valueInstant": instant(r.first)},
        {"name": "last", "valueInstant": instant(r.last)},
    ]


def _organization(organization: UUID, name: str | None) -> dict[str, str]:
    return {"reference": f"Organization/{organization}", **({"display": name} if name else {})}
