"""The locks of a transaction Bundle, taken in one order before its first write.

Bundles over the same students would else wait for each other in a circle. First those of conditions, then those of
records: the order in which a single conditional write takes them too (docs/decisions/0023-locks.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from app.consent.gate.conditional import own_lock
from app.consent.gate.door import Door
from app.consent.gate.lock_kinds import create_kind, update_kind
from app.resources import ResourceType
from app.search.query import Search
from app.store import read as store
from app.store.enter import Write, lock_conditions, lock_writes


@dataclass(frozen=True, slots=True)
class Creation:
    """A record that a Bundle creates, and the student whom it is about."""

    type: str
    student: UUID
    content: dict[str, Any]


async def conditions(door: Door, searches: Iterable[tuple[ResourceType, Search]]) -> None:
    """Take the locks of these conditions."""
    if locks := {own_lock(door, declared, search) for declared, search in searches}:
        await lock_conditions(door.connection, locks)


async def records(door: Door, ids: Iterable[UUID], creations: Iterable[Creation]) -> None:
    """Take the locks of those of these resources that the caller sees, and of what is created about such students.

    What the caller does not see is left alone.
    """
    updated, created = set(ids), list(creations)
    seen = await store.visible(door.connection, updated | {c.student for c in created})
    writes = [
        Write(found.student or i, found.custodian, i, await update_kind(door, found.type, found.custodian))
        for i, found in seen.items()
        if i in updated
    ]
    own = door.caller.organization
    writes += [Write(c.student, own, uuid4(), create_kind(c.type, c.content)) for c in created if c.student in seen]
    if writes:
        await lock_writes(door.connection, writes)
