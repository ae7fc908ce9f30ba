"""The review of broken glass, by the custodian of the students. 34 CFR 99.36, 45 CFR 164.510(b)(3)"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import emergency as store
from app.db.emergency import Broken
from app.errors import HallpassError, Kind, not_found
from app.exchange.release import PendingResult
from app.fhir.dates import instant
from app.ledger.names import Names, names_of
from app.session import Session


async def listed(session: Session, start: datetime | None, reviewed: bool | None) -> PendingResult:
    """The latest broken glass of the caller's students, a hundred at the most."""
    session.require("AuditEvent", "s")
    found = await store.broken(session.connection, start, reviewed=reviewed)
    names = await names_of(session.connection, (), {(b.organization, b.opens) for b in found})
    parts = [{"name": "glass", "part": _parts(b, names)} for b in found]
    return PendingResult(document={"resourceType": "Parameters", **({"parameter": parts} if parts else {})})


async def review(session: Session, glass: UUID, note: str) -> None:
    """Note what a review came to. Raises CONFLICT for a second one, NOT_FOUND where the student is not the caller's."""
    session.require("AuditEvent", "c")
    if await store.is_reviewed(session.connection, glass):
        raise HallpassError(Kind.CONFLICT, "It was reviewed already, and a review stands.")
    if not await store.review(session.connection, glass, session.caller.organization, session.caller.client, note):
        raise not_found()


def _parts(b: Broken, names: Names) -> list[dict[str, Any]]:
    name = names.organization(b.organization, b.opens)
    who = {"reference": f"Organization/{b.organization}", **({"display": name} if name else {})}
    found: list[dict[str, Any]] = [
        {"name": "id", "valueId": str(b.id)},
        {"name": "patient", "valueReference": {"reference": f"Patient/{b.student}"}},
        {"name": "organization", "valueReference": who},
        {"name": "client", "valueString": b.client},
        {"name": "reason", "valueString": b.reason},
        {"name": "start", "valueInstant": instant(b.opens)},
        {"name": "end", "valueInstant": instant(b.closes)},
        {"name": "versions", "valueInteger": b.versions},
        {"name": "reviewed", "valueBoolean": b.note is not None},
    ]
    return [*found, {"name": "note", "valueString": b.note}] if b.note is not None else found
