"""The locks of a transaction Bundle, taken in one order before its first write.

Bundles over the same students would else wait for each other in a circle. First those of conditions, then those of
records: the order in which a single conditional write takes them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.db import read as store
from app.db.caller import lock
from app.exchange.conditional import own_lock
from app.resources import ResourceType
from app.search.query import Search
from app.session import Session


async def conditions(session: Session, searches: Iterable[tuple[ResourceType, Search]]) -> None:
    """Take the locks of these conditions."""
    if locks := {own_lock(session, declared, search) for declared, search in searches}:
        await lock(session.connection, locks, exclusive=True)


async def records(session: Session, ids: Iterable[UUID]) -> None:
    """Take the locks of those of these resources that the caller sees; what it does not see is left alone."""
    seen = await store.visible(session.connection, ids)
    if compartments := {student or own for own, (_, student) in seen.items()}:
        await lock(session.connection, compartments, exclusive=True)
