"""What may be used once: the insert is the check, so that of two processes one wins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.db.auth_tables import assertion as table
from app.db.engine import Database


async def first_use(db: Database, client: str, mark: str, expires: datetime) -> bool:
    """Remember a client's mark until it expires, and answer whether it was new."""
    values = {"client": client, "jti": mark, "expires": expires}
    async with db.begin() as connection:
        return (await connection.execute(insert(table).values(values).on_conflict_do_nothing())).rowcount == 1


async def marks(db: Database, client: str, prefix: str) -> frozenset[str]:
    """The marks of a client that begin so and are remembered."""
    found = select(table.c.jti).where(table.c.client == client, table.c.jti.startswith(prefix, autoescape=True))
    async with db.begin() as connection:
        return frozenset(await connection.scalars(found))
