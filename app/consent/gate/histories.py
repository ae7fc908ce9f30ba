"""History: the visible versions of one resource, of a type, or of all, newest first.

https://hl7.org/fhir/R4/http.html#history — each version is judged by its own facts: one that was labelled is hidden
although those before and after it are not, and the total counts without it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.consent.gate.door import Door
from app.consent.gate.released import Candidate, Found
from app.errors import HallpassError, Issue, Kind, not_found
from app.resources import ResourceType
from app.resources.refs import as_uuid
from app.store import history as store
from app.store.history import Position, Span
from app.store.rows import Stored


async def of_one(
    door: Door,
    declared: ResourceType,
    resource_id: str,
    *,
    count: int,
    since: datetime | None = None,
    at: tuple[datetime, datetime] | None = None,
    after: str | None = None,
) -> Found:
    """A page of one resource's versions. Raises NOT_FOUND where the caller sees none of them, whatever was asked."""
    door.require(declared.name, "r")
    found = as_uuid(resource_id)
    if found is None or not await store.page(door.connection, Span((declared.name,), found), None, 1):
        raise not_found()
    return await _page(door, Span((declared.name,), found, since, at), after, count)


async def of_types(
    door: Door,
    types: tuple[str, ...],
    *,
    count: int,
    since: datetime | None = None,
    at: tuple[datetime, datetime] | None = None,
    after: str | None = None,
) -> Found:
    """A page of the versions of all resources of some types. Each type needs the scope to search it."""
    for name in types:
        door.require(name, "s")
    return await _page(door, Span(types, None, since, at), after, count)


async def _page(door: Door, span: Span, after: str | None, count: int) -> Found:
    position, back = _position(after) if after is not None else (None, False)
    rows = await store.page(door.connection, span, position, count + 1, back=back)
    total = await store.total(door.connection, span)
    more = len(rows) > count
    shown = rows[:count][::-1] if back else rows[:count]
    cursors = {}
    if shown and (more or back):
        cursors["next"] = _cursor(shown[-1])
    if shown and (more if back else position is not None):
        cursors["previous"] = f"{_cursor(shown[0])} back"
    return Found(tuple(Candidate(r) for r in shown), total=total, cursors=cursors)


def _cursor(row: Stored) -> str:
    return f"{row.updated.isoformat()} {row.id} {row.version}"


def _position(text: str) -> tuple[Position, bool]:
    """The position in a page token, and whether it points back."""
    try:
        at, resource_id, version, *back = text.split(" ")
        return (datetime.fromisoformat(at), UUID(resource_id), int(version)), bool(back)
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue("The page token is not one that this history gave you.")) from None
