"""The locks of a transaction Bundle, taken in one order before its first write.

Bundles over the same students would else wait for each other in a circle. First those of conditions, then those of
records: the order in which a single conditional write takes them too (docs/decisions/0029-locks.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from app.db import read as store
from app.db.caller import Write, lock_conditions, lock_writes
from app.exchange.conditional import own_lock
from app.exchange.lock_kinds import create_kind, update_kind
from app.resources import ResourceType
from app.search.query import Search
from app.session import Session


@dataclass(frozen=True, slots=True)
class Creation:
    """A record that a Bundle creates, and the student whom it is about."""

    type: str
    student: UUID
    content: dict[str, Any]


async def conditions(session: Session, searches: Iterable[tuple[ResourceType, Search]]) -> None:
    """Take the locks of these conditions."""
    if locks := {own_lock(session, declared, search) for declared, search in searches}:
        await lock_conditions(session.connection, locks)


async def records(
    session: Session, ids: Iterable[UUID], creations: Iterable[Creation], references: Iterable[UUID]
) -> None:
    """Take the locks of those of these resources that the caller sees, and of what is created about such students.

    What the caller does not see is left alone. Under the locks the session then remembers what is updated, and what the
    `references` lead to.
    """
    updated, created = set(ids), list(creations)
    given = {i for kind, i in session.pending if kind == "Patient"} | {
        c.student for c in created if c.type == "Patient"
    }
    seen = await store.visible(session.connection, updated | {c.student for c in created} - given)
    writes = [
        Write(found.student or i, found.custodian, i, await update_kind(session, found.type, found.custodian))
        for i, found in seen.items()
        if i in updated
    ]
    own = session.caller.organization
    there = [c for c in created if c.student in seen or c.student in given]
    creating = [Write(c.student, own, uuid4(), create_kind(c.type, c.content)) for c in there]
    if writes or creating:
        session.memory.at = await lock_writes(session.connection, [*writes, *creating])
        await session.remember(creating, updated & seen.keys(), references)
