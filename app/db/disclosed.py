"""The versions of a student's records that the ledger says were given away, as the custodian stored them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.bodies import bounded
from app.db.read import COLUMNS, stored
from app.db.rows import Stored
from app.db.tables import disclosure, resource

Place = tuple[UUID, int]
"""Id and version: where a page ended."""


async def versions(
    connection: AsyncConnection,
    student: UUID,
    recipient: UUID | None,
    period: tuple[datetime | None, datetime | None],
    after: Place | None,
    limit: int,
    most_bytes: int,
) -> list[Stored]:
    """Each version once, by id and number, from behind a place. Row-level security leaves the caller's own.

    The bodies that begin beyond so many bytes are left in the database, and None.
    """
    c, d = resource.c, disclosure.c
    given = [d.compartment == student, d.compartment == c.compartment, d.id == c.id, d.version == c.version]
    given += [d.recipient == recipient] if recipient else []
    given += [d.at >= period[0]] if period[0] else []
    given += [d.at < period[1]] if period[1] else []
    place = tuple_(c.id, c.version)
    behind = [place > after] if after else []
    page = (
        select(*COLUMNS)
        .where(c.compartment == student, ~c.deleted, exists().where(*given), *behind)
        .order_by(c.id, c.version)
        .limit(limit)
        .subquery()
    )
    order = [page.c.id, page.c.version]
    columns = [bounded(x, order, literal(most_bytes)) if x.name == "body" else x for x in page.c]
    return [stored(row) for row in await connection.execute(select(*columns).order_by(*order))]
