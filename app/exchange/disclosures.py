"""The record of disclosures, for the custodian: of one student, or all that one organization received.

34 CFR 99.32 and 45 CFR 164.528. To anybody else the student is absent, and an organization received nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.errors import not_found
from app.exchange import reads
from app.exchange.release import PendingResult
from app.ledger import entries, ids, outside, security_log
from app.ledger.entries import Entry, Filter, Position
from app.ledger.events import audit_event, security_event
from app.ledger.names import names_of
from app.ledger.security_log import Chosen, Event
from app.resources import TYPES
from app.resources.refs import as_uuid
from app.session import Session


async def of_student(
    session: Session, patient: str, wanted: Filter, after: Position | None, count: int
) -> PendingResult:
    """A page of a student's disclosures. Raises NOT_FOUND where the caller does not hold the student."""
    session.require("AuditEvent", "s")
    await require_held(session, "Patient", patient)
    return await _page(session, wanted, after, count)


async def of_recipient(
    session: Session, organization: str, wanted: Filter, after: Position | None, count: int
) -> PendingResult:
    """A page of all that an organization received of what the caller holds."""
    session.require("AuditEvent", "s")
    if await reads.current(session, TYPES["Organization"], organization) is None:
        raise not_found()
    return await _page(session, wanted, after, count)


async def of_consent(
    session: Session, consent: str, wanted: Filter, after: Position | None, count: int
) -> PendingResult:
    """A page of what was disclosed under a Consent, whatever version. NOT_FOUND where the caller does not hold it."""
    session.require("AuditEvent", "s")
    await require_held(session, "Consent", consent)
    return await _page(session, wanted, after, count)


async def require_held(session: Session, type_name: str, resource_id: str) -> UUID:
    """The id of a resource in the caller's custody. Raises NOT_FOUND for any other."""
    row = await reads.current(session, TYPES[type_name], resource_id)
    if row is None or not await session.holds(row.custodian):
        raise not_found()
    return row.id


async def search(
    session: Session, wanted: Filter | None, events: Chosen | None, after: Position | None, count: int, *, total: bool
) -> PendingResult:
    """A page of AuditEvents: of the ledger's entries and of the trail's events that the caller may see, by time."""
    session.require("AuditEvent", "s")
    newest = wanted.newest_first if wanted else bool(events and events.newest_first)
    found: list[Entry | Event] = []
    if wanted is not None:
        found += await _entries(session, wanted, after, count + 1)
    if events is not None:
        found += await security_log.page(session.connection, events, after, count + 1)
    found.sort(key=lambda each: each.position, reverse=newest)
    number = None
    if total:
        number = await entries.count(session.connection, wanted) if wanted else 0
        number += await outside.count(session.connection, wanted) if wanted else 0
        number += await security_log.count(session.connection, events) if events else 0
    more = len(found) > count
    return PendingResult(
        total=number,
        document={"events": await _resources(session, found[:count])},
        cursors={"next": _packed(found[count - 1].position)} if more else {},
    )


async def named(session: Session, event_ids: list[str]) -> PendingResult:
    """The AuditEvents with these ids that the caller may see."""
    session.require("AuditEvent", "s")
    found = [event for i in dict.fromkeys(event_ids) if (event := await _one(session, i)) is not None]
    return PendingResult(total=len(found), document={"events": found})


async def read(session: Session, event_id: str) -> PendingResult:
    """One AuditEvent. Raises NOT_FOUND where the caller may not see it."""
    session.require("AuditEvent", "r")
    found = await _one(session, event_id)
    if found is None:
        raise not_found()
    return PendingResult(document=found)


async def _one(session: Session, event_id: str) -> dict[str, Any] | None:
    where, own = ids.place(event_id), as_uuid(event_id)
    if where is not None:
        there = await entries.at(session.connection, where.compartment, where.at, where.request)
        found: Sequence[Entry | Event] = [e for e in there if ids.mark(e) == where.mark][:1]
    else:
        event = await security_log.one(session.connection, own) if own is not None else None
        entry = await outside.one(session.connection, own) if own is not None and event is None else None
        found = [e for e in (event, entry) if e is not None]
    return next(iter(await _resources(session, found)), None)


async def _resources(session: Session, found: Sequence[Entry | Event]) -> list[dict[str, Any]]:
    """Entries and events as AuditEvents, with the names of then."""
    told = [e for e in found if isinstance(e, Entry)]
    clients = [(e.organization, e.first) for e in found if isinstance(e, Event)]
    names = await names_of(session.connection, told, clients)
    return [audit_event(e, names) if isinstance(e, Entry) else security_event(e, names) for e in found]


async def _entries(session: Session, wanted: Filter, after: Position | None, limit: int) -> list[Entry]:
    """Entries of the ledger, and disclosures outside the exchange that the caller entered, in one order."""
    found = await entries.page(session.connection, wanted, after, limit)
    found += await outside.page(session.connection, wanted, after, limit)
    return sorted(found, key=lambda e: e.position, reverse=wanted.newest_first)[:limit]


async def _page(session: Session, wanted: Filter, after: Position | None, count: int) -> PendingResult:
    found = await _entries(session, wanted, after, count + 1)
    page = found[:count]
    names = await names_of(session.connection, page)
    return PendingResult(
        document={"entries": page, "names": names},
        cursors={"next": _packed(page[-1].position)} if len(found) > count else {},
    )


def _packed(position: Position) -> str:
    return " ".join(map(str, (position[0].isoformat(), *position[1:])))


def position(cursor: str) -> Position:
    """The position that a cursor of a page holds."""
    at, request, resource, version = cursor.split(" ")
    return datetime.fromisoformat(at), UUID(request), UUID(resource), int(version)
