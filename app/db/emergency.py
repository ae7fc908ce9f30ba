"""The database's side of breaking the glass."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_BREAK = text("SELECT hallpass.break_glass(:system, :value, :client, :reason, CAST(:length AS interval))")


async def break_glass(
    connection: AsyncConnection, system: str, value: str, client: str, reason: str, hours: int
) -> UUID | None:
    """Open the one student with this identifier to the caller; None where there is not exactly one."""
    found: UUID | None = await connection.scalar(
        _BREAK,
        {"system": system, "value": value, "client": client, "reason": reason, "length": timedelta(hours=hours)},
    )
    return found
