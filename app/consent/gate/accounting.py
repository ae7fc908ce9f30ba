"""The record of disclosures, for the custodian: of one student, or all that one organization received.

34 CFR 99.32 and 45 CFR 164.528. To anybody else the student is absent, and an organization received nothing.
"""

from __future__ import annotations

from uuid import UUID

from app.audit import entries
from app.audit.entries import Entry, Filter, Position
from app.audit.events import audit_event
from app.consent.gate import reads
from app.consent.gate.door import Door
from app.consent.gate.released import Found
from app.errors import not_found
from app.resources import TYPES
from app.store import read as store


async def of_student(door: Door, patient: str, wanted: Filter, after: Position | None, count: int) -> Found:
    """A page of a student's disclosures. Raises NOT_FOUND where the caller does not hold the student."""
    door.require("AuditEvent", "s")
    row = await reads.current(door, TYPES["Patient"], patient)
    if row is None or row.custodian not in door.below:
        raise not_found()
    return await _page(door, wanted, after, count)


async def of_recipient(door: Door, organization: str, wanted: Filter, after: Position | None, count: int) -> Found:
    """A page of all that an organization received of what the caller holds."""
    door.require("AuditEvent", "s")
    if await reads.current(door, TYPES["Organization"], organization) is None:
        raise not_found()
    return await _page(door, wanted, after, count)


async def _page(door: Door, wanted: Filter, after: Position | None, count: int) -> Found:
    found = await entries.page(door.connection, wanted, after, count + 1)
    page = found[:count]
    names = await _names(door, page)
    last = page[-1] if len(found) > count else None
    return Found(
        document={
            "events": [audit_event(e) for e in page],
            "rows": [plain(e, names) for e in page],
        },
        cursors={"next": " ".join(map(str, (last.at.isoformat(), *last.position[1:])))} if last else {},
    )


async def _names(door: Door, page: list[Entry]) -> dict[UUID, str]:
    """The names of the organizations on a page, for people to read."""
    return await store.organization_names(door.connection, {e.recipient for e in page} | {e.custodian for e in page})


def plain(entry: Entry, names: dict[UUID, str]) -> dict[str, str]:
    """An entry in words: who, what, when, why and under which release."""
    release = f"Consent/{entry.consent} version {entry.consent_version}" if entry.consent else ""
    return {
        "when": entry.at.isoformat(timespec="seconds"),
        "what": f"{entry.type}/{entry.id} version {entry.version}",
        "from": names.get(entry.custodian, str(entry.custodian)),
        "to": names.get(entry.recipient, str(entry.recipient)),
        "client": entry.client,
        "why": " ".join(entry.purposes),
        "how": entry.interaction,
        "basis": entry.basis,
        "release": release,
        "reason": entry.reason or "",
    }
