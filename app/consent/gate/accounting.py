"""The record of disclosures, for the custodian: of one student, or all that one organization received.

34 CFR 99.32 and 45 CFR 164.528. To anybody else the student is absent, and an organization received nothing.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.audit import entries, ids, trail
from app.audit.entries import Entry, Filter, Position
from app.audit.events import audit_event, trail_event
from app.audit.trail import Chosen
from app.consent.gate import reads
from app.consent.gate.door import Door
from app.consent.gate.released import Found
from app.errors import not_found
from app.resources import TYPES
from app.resources.refs import as_uuid
from app.store import read as store


async def of_student(door: Door, patient: str, wanted: Filter, after: Position | None, count: int) -> Found:
    """A page of a student's disclosures. Raises NOT_FOUND where the caller does not hold the student."""
    door.require("AuditEvent", "s")
    await _require_held(door, "Patient", patient)
    return await _page(door, wanted, after, count)


async def of_recipient(door: Door, organization: str, wanted: Filter, after: Position | None, count: int) -> Found:
    """A page of all that an organization received of what the caller holds."""
    door.require("AuditEvent", "s")
    if await reads.current(door, TYPES["Organization"], organization) is None:
        raise not_found()
    return await _page(door, wanted, after, count)


async def of_consent(door: Door, consent: str, wanted: Filter, after: Position | None, count: int) -> Found:
    """A page of what was disclosed under a Consent, whatever version. NOT_FOUND where the caller does not hold it."""
    door.require("AuditEvent", "s")
    await _require_held(door, "Consent", consent)
    return await _page(door, wanted, after, count)


async def _require_held(door: Door, type_name: str, resource_id: str) -> None:
    row = await reads.current(door, TYPES[type_name], resource_id)
    if row is None or not await door.holds(row.custodian):
        raise not_found()


async def search(
    door: Door, wanted: Filter | None, events: Chosen | None, after: Position | None, count: int, *, total: bool
) -> Found:
    """A page of AuditEvents: of the ledger's entries and of the trail's events that the caller may see, by time."""
    door.require("AuditEvent", "s")
    newest = wanted.newest_first if wanted else bool(events and events.newest_first)
    found: list[tuple[Position, dict[str, Any]]] = []
    if wanted is not None:
        page = await entries.page(door.connection, wanted, after, count + 1)
        found += [(e.position, audit_event(e)) for e in page]
    if events is not None:
        found += [(e.position, trail_event(e)) for e in await trail.page(door.connection, events, after, count + 1)]
    found.sort(key=lambda pair: pair[0], reverse=newest)
    number = None
    if total:
        number = await entries.count(door.connection, wanted) if wanted else 0
        number += await trail.count(door.connection, events) if events else 0
    more = len(found) > count
    return Found(
        total=number,
        document={"events": [resource for _, resource in found[:count]]},
        cursors={"next": _packed(found[count - 1][0])} if more else {},
    )


async def read(door: Door, event_id: str) -> Found:
    """One AuditEvent. Raises NOT_FOUND where the caller may not see it."""
    door.require("AuditEvent", "r")
    where, own = ids.place(event_id), as_uuid(event_id)
    found: dict[str, Any] | None = None
    if where is not None:
        there = await entries.at(door.connection, where.shard, where.at, where.request)
        found = next((audit_event(e) for e in there if ids.mark(e) == where.mark), None)
    elif own is not None and (event := await trail.one(door.connection, own)) is not None:
        found = trail_event(event)
    if found is None:
        raise not_found()
    return Found(document=found)


async def _page(door: Door, wanted: Filter, after: Position | None, count: int) -> Found:
    found = await entries.page(door.connection, wanted, after, count + 1)
    page = found[:count]
    names = await _names(door, page)
    return Found(
        document={"entries": page, "names": names},
        cursors={"next": _packed(page[-1].position)} if len(found) > count else {},
    )


def _packed(position: Position) -> str:
    return " ".join(map(str, (position[0].isoformat(), *position[1:])))


async def _names(door: Door, page: list[Entry]) -> dict[UUID, str]:
    """The names of the organizations on a page, for people to read."""
    return await store.organization_names(door.connection, {e.recipient for e in page} | {e.custodian for e in page})
