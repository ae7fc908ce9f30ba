"""The database's side of breaking the glass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import disclosure, emergency, glass_review, tree

MOST = 100
"""Broken glass that one list holds."""
_OWN = select(tree.c.id).where(tree.c.ancestor == select(func.hallpass.caller()).scalar_subquery())
"""The caller's organization and its parts."""
_BREAK = text("SELECT hallpass.break_glass(:system, :value, :client, :reason, CAST(:length AS interval))")


async def break_glass(
    connection: AsyncConnection, system: str, value: str, client: str, reason: str, hours: int
) -> list[UUID]:
    """Open the student with this identifier to the caller, as each organization holds it; none where nobody does."""
    found = await connection.scalars(
        _BREAK,
        {"system": system, "value": value, "client": client, "reason": reason, "length": timedelta(hours=hours)},
    )
    return list(found)


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken glass: for whom, by whom and why, how many versions it gave, and what its review came to."""

    id: UUID
    student: UUID
    organization: UUID
    client: str
    reason: str
    opens: datetime
    closes: datetime
    versions: int
    note: str | None


async def broken(connection: AsyncConnection, start: datetime | None, *, reviewed: bool | None) -> list[Broken]:
    """The broken glass of the caller's students, the latest first; row-level security leaves no other."""
    e, g, d = emergency.c, glass_review.c, disclosure.c
    given = (
        select(func.count())
        .where(
            d.compartment == e.compartment,
            d.recipient == e.organization,
            d.basis == "emergency",
            d.at >= e.opens,
            d.at < e.closes,
        )
        .scalar_subquery()
    )
    chosen: list[ColumnElement[bool]] = [e.custodian.in_(_OWN)]
    chosen += [e.opens >= start] if start else []
    chosen += [g.at.is_not(None) if reviewed else g.at.is_(None)] if reviewed is not None else []
    statement = (
        select(e.id, e.compartment, e.organization, e.client, e.reason, e.opens, e.closes, given, g.note)
        .select_from(emergency.outerjoin(glass_review, (g.compartment == e.compartment) & (g.emergency == e.id)))
        .where(*chosen)
        .order_by(e.opens.desc(), e.id)
        .limit(MOST)
    )
    return [Broken(*row) for row in await connection.execute(statement)]


async def review(connection: AsyncConnection, glass: UUID, custodian: UUID, client: str, note: str) -> bool:
    """Note a review; whether there is such a glass of the caller's students."""
    e = emergency.c
    found = await connection.scalar(select(e.compartment).where(e.id == glass, e.custodian.in_(_OWN)))
    if found is None:
        return False
    values = {"compartment": found, "emergency": glass, "custodian": custodian, "client": client}
    await connection.execute(insert(glass_review).values(**values, at=func.hallpass.instant(), note=note))
    return True


async def is_reviewed(connection: AsyncConnection, glass: UUID) -> bool:
    """Whether a broken glass was reviewed by the caller's organization or a part of it."""
    g = glass_review.c
    return await connection.scalar(select(g.emergency).where(g.emergency == glass)) is not None
