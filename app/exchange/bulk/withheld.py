"""What was left out of others' exports as they were fetched, and why; for the custodian, never the recipient."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from app.consent.evaluate import Deny, Permit
from app.consent.report import LeftOut, withheld_report
from app.db import exports
from app.db.exports import Withheld
from app.errors import HallpassError
from app.exchange.explaining import Holdings, decision_for, holdings
from app.exchange.release import PendingResult
from app.fhir.dates import instant
from app.session import Session

Place = tuple[datetime, UUID, UUID]
"""When, of which export, and which record: where a page ended."""
BEGINNING: Place = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0), UUID(int=0))
GONE = "The record was deleted, or is held no more."


async def withheld(session: Session, recipient: UUID | None, after: Place, count: int) -> PendingResult:
    """A page of what was left out of what the caller and its parts hold, and why it is not seen today."""
    session.require("AuditEvent", "s")
    session.require("Consent", "r")
    rows = await exports.withheld(session.connection, after, recipient, count + 1)
    students: dict[UUID, Holdings] = {}
    told = []
    for row in rows[:count]:
        if row.compartment not in students:
            students[row.compartment] = await holdings(session, row.compartment)
        today = await _today(session, students[row.compartment], row)
        told.append(LeftOut(row.type, row.id, row.version, row.recipient, instant(row.at), tuple(row.purposes), today))
    cursors = {}
    if len(rows) > count:
        last = rows[count - 1]
        cursors["next"] = f"{last.at.isoformat()} {last.export} {last.id}"
    return PendingResult(document=withheld_report(told), cursors=cursors)


def place_of(text: str) -> Place:
    """The place that a page token holds."""
    at, export, id = text.split(" ")
    return datetime.fromisoformat(at), UUID(export), UUID(id)


async def _today(session: Session, held: Holdings, row: Withheld) -> Permit | Deny:
    if all(record.id != row.id for record in held.records):
        return Deny(GONE)
    try:
        return await decision_for(session, held, row.recipient, row.id, frozenset(row.purposes))
    except HallpassError as e:  # the recipient has left the network since
        return Deny(e.issues[0].text)
