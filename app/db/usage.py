"""What clients stored, added up between processes. docs/decisions/0024-limits-by-process.md"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.driver import FAULTS, PreparedQuery, fetch
from app.db.engine import Database
from app.errors import HallpassError
from app.limits.stored import StoredBytes

log = logging.getLogger("hallpass.limits")
SECONDS = 5.0
"""How often each process adds what it counted."""
_SHARE = PreparedQuery(
    text("SELECT client, bytes FROM hallpass.share_usage(CAST(:clients AS text[]), CAST(:sizes AS bigint[]))")
)


async def share(db: Database, stored: StoredBytes) -> None:
    """Add what this process counted, and learn what the others did. Where that fails it is added next time."""
    counted = stored.telling()
    try:
        stored.told(await _added(db, counted))
    except (HallpassError, DBAPIError, PoolTimeout, OSError, TimeoutError, *FAULTS) as e:
        stored.untold()
        log.warning("what clients stored was not added up: %s", type(e).__name__)
    except asyncio.CancelledError:
        stored.untold()
        raise


async def share_always(db: Database, stored: StoredBytes) -> None:
    """`share`, again and again."""
    while True:
        await share(db, stored)
        await asyncio.sleep(SECONDS)


async def _added(db: Database, counted: Mapping[str, int]) -> dict[str, int]:
    async with db.begin() as connection:
        rows = await fetch(connection, _SHARE, {"clients": list(counted), "sizes": list(counted.values())})
    return {row.client: row.bytes for row in rows}
