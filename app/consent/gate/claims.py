"""The locks of a transaction Bundle, taken in one order before its first write.

Bundles over the same students would else wait for each other in a circle. First those of conditions, then those of
records: the order in which a single conditional write takes them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.consent.gate.conditional import own_lock
from app.consent.gate.door import Door
from app.resources import ResourceType
from app.search.query import Search
from app.store import read as store
from app.store.enter import hold


async def conditions(door: Door, searches: Iterable[tuple[ResourceType, Search]]) -> None:
    """Take the locks of these conditions."""
    if locks := {own_lock(door, declared, search) for declared, search in searches}:
        await hold(door.connection, locks, exclusive=True)


async def records(door: Door, ids: Iterable[UUID]) -> None:
    """Take the locks of those of these resources that the caller sees; what it does not see is left alone."""
    seen = await store.visible(door.connection, ids)
    if shards := {student or own for own, (_, student) in seen.items()}:
        await hold(door.connection, shards, exclusive=True)
