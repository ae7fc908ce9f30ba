"""The database's side of breaking the glass."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
