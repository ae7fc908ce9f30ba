"""The limits that the operator gave single clients, followed by every process.

docs/decisions/0024-limits-by-process.md
"""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import Database
from app.errors import HallpassError, Kind
from app.ledger import security_log
from app.limits.limits import Limits, Own

log = logging.getLogger("hallpass.limits")
SECONDS = 5.0
"""After which a change has effect."""
_ALL = text("SELECT client, rate, running, logins FROM hallpass.client_limits()")
_PUT = text("""
    INSERT INTO hallpass.client_limit (client, rate, running, logins)
    SELECT c.id, CAST(:rate AS integer), CAST(:running AS integer), CAST(:logins AS integer) FROM hallpass.client c
    WHERE c.id = :client
    ON CONFLICT (client) DO UPDATE SET rate = EXCLUDED.rate, running = EXCLUDED.running, logins = EXCLUDED.logins
    RETURNING (SELECT organization FROM hallpass.client WHERE id = :client)
""")


async def follow(db: Database, limits: Limits) -> None:
    """Read the limits; where that fails, those of before stand."""
    try:
        async with db.begin() as connection:
            rows = (await connection.execute(_ALL)).all()
        limits.set_own({r.client: Own(r.rate, r.running, r.logins) for r in rows})
    except (HallpassError, DBAPIError, PoolTimeout, OSError, TimeoutError) as e:
        log.warning("the limits of clients were not read: %s", type(e).__name__)


async def follow_always(db: Database, limits: Limits) -> None:
    """`follow`, again and again."""
    while True:
        await asyncio.sleep(SECONDS)
        await follow(db, limits)


async def of(connection: AsyncConnection, client: str) -> Own:
    """The limits of a client, as the owner of the tables."""
    rows = await connection.execute(text("SELECT * FROM hallpass.client_limit WHERE client = :c"), {"c": client})
    row = rows.one_or_none()
    return Own(row.rate, row.running, row.logins) if row else Own()


async def put(connection: AsyncConnection, client: str, own: Own) -> None:
    """Give a client limits of its own, as the owner of the tables. Raises NOT_FOUND."""
    values = {"client": client, "rate": own.rate, "running": own.running, "logins": own.logins}
    organization = await connection.scalar(_PUT, values)
    if organization is None:
        raise HallpassError(Kind.NOT_FOUND, "There is no client with this id.")
    await security_log.record_command(connection, organization, f"client {client} has other limits")
