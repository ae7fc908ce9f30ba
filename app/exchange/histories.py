"""History: the visible versions of one resource, of a type, or of all, newest first.

https://hl7.org/fhir/R4/http.html#history — each version is judged by its own facts: one that was labeled is hidden
although those before and after it are not, and the total counts without it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.db import history as store
from app.db.history import Position, Span
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange.release import PendingResult, PendingRow
from app.limits.results import fitting
from app.resources import ResourceType
from app.resources.refs import as_uuid
from app.session import Session


async def of_one(
    session: Session,
    declared: ResourceType,
    resource_id: str,
    *,
    count: int,
    since: datetime | None = None,
    at: tuple[datetime, datetime] | None = None,
    after: str | None = None,
) -> PendingResult:
    """A page of one resource's versions. Raises NOT_FOUND where the caller sees none of them, whatever was asked."""
    session.require(declared.name, "r")
    found = as_uuid(resource_id)
    if found is None or not await store.page(session.connection, Span((declared.name,), found), None, 1):
        raise not_found()
    return await _page(session, Span((declared.name,), found, since, at), after, count)


async def of_types(
    session: Session,
    types: tuple[str, ...],
    *,
    count: int,
    since: datetime | None = None,
    at: tuple[datetime, datetime] | None = None,
    after: str | None = None,
) -> PendingResult:
    """A page of the versions of all resources of some types. Each type needs the scope to search it."""
    for name in types:
        session.require(name, "s")
    return await _page(session, Span(types, None, since, at), after, count)


async def _page(session: Session, span: Span, after: str | None, count: int) -> PendingResult:
    position, back = _position(after) if after is not None else (None, False)
    rows = await store.page(session.connection, span, position, count + 1, back=back)
    total = await store.total(session.connection, span)
    most = fitting([len(row.body) for row in rows[:count]], session.settings.max_result_bytes)
    more = len(rows) > most
    shown = rows[:most][::-1] if back else rows[:most]
    cursors = {}
    if shown and (more or back):
        cursors["next"] = _cursor(shown[-1])
    if shown and (more if back else position is not None):
        cursors["previous"] = f"{_cursor(shown[0])} back"
    return PendingResult(tuple(PendingRow(r) for r in shown), total=total, cursors=cursors)


def _cursor(row: Stored) -> str:
    return f"{row.updated.isoformat()} {row.id} {row.version}"


def _position(text: str) -> tuple[Position, bool]:
    """The position in a page token, and whether it points back."""
    try:
        at, resource_id, version, *back = text.split(" ")
        return (datetime.fromisoformat(at), UUID(resource_id), int(version)), bool(back)
    except ValueError:
        raise HallpassError(
            Kind.INVALID, Issue("The page token is not from this history. Follow the links of a page as they are.")
        ) from None
