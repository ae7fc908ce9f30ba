"""What may be used once: the insert is the check, so that of two processes one wins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.engine import Database
from app.db.tables import assertion as table


async def first_use(db: Database, client: str, mark: str, expires: datetime) -> bool:
    """Remember a client's mark until it expires, and answer whether it was new."""
    values = {"client": client, "jti": mark, "expires": expires}
    async with db.begin() as connection:
        return (await connection.execute(insert(table).values(values).on_conflict_do_nothing())).rowcount == 1


async def uses(db: Database, client: str, prefix: str) -> int:
    """How many marks of a client that begin so are remembered."""
    counted = select(func.count()).where(table.c.client == client, table.c.jti.startswith(prefix, autoescape=True))
    async with db.begin() as connection:
        return int(await connection.scalar(counted) or 0)
