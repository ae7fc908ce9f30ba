"""Who received a student's records: the ledger summed up by recipient and release, for the custodian.

42 CFR 2.24 asks who received in the last three years, 34 CFR 99.32 for as long as the record is kept. Row-level
security keeps what others disclosed out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import disclosure

MOST = 1000
"""Groups that one answer holds."""


@dataclass(frozen=True, slots=True)
class Received:
    """What one organization received from one custodian on one basis: how many versions of how many records, when."""

    custodian: UUID
    recipient: UUID
    basis: str
    consent: UUID | None
    purposes: tuple[str, ...]
    versions: int
    records: int
    first: datetime
    last: datetime


async def received(
    connection: AsyncConnection, student: UUID, start: datetime | None, end: datetime | None
) -> list[Received]:
    """Each recipient by custodian, basis, release and purposes, the latest first; one more than MOST at the most."""
    c = disclosure.c
    by = (c.custodian, c.recipient, c.basis, c.consent, c.purposes)
    last = func.max(c.at)
    chosen = [c.compartment == student]
    chosen += [c.at >= start] if start else []
    chosen += [c.at < end] if end else []
    statement = (
        select(*by, func.count(), func.count(c.id.distinct()), func.min(c.at), last)
        .where(*chosen)
        .group_by(*by)
        .order_by(last.desc(), *by[:4])
        .limit(MOST + 1)
    )
    rows = await connection.execute(statement)
    return [Received(r[0], r[1], r[2], r[3], tuple(r[4]), r[5], r[6], r[7], r[8]) for r in rows]
