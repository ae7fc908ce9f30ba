"""The first statement of every transaction: who calls, checked against the client's standing now; locks and plans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.driver import PreparedQuery, fetch, scalar
from app.db.engine import CANCELED, sqlstate, unavailable
from app.db.rows import CallerState

_ENTER = PreparedQuery(
    text("""
        SELECT standing, ancestors, descendants, zone
        FROM hallpass.set_caller(:client, :token, :organization, :purposes, :emergency, :ag)
    """)
)
_ENTER_AS_OPERATOR = text("SELECT ancestors, descendants FROM hallpass.set_operator(:organization)")
_PLAN = PreparedQuery(text("SELECT set_config('plan_cache_mode', :mode, true)"))
_HOLD = PreparedQuery(text("SELECT hallpass.lock_compartments(:compartments, :exclusive)"))


async def set_caller(
    connection: AsyncConnection,
    *,
    client: str,
    token: str,
    organization: UUID,
    purposes: list[str],
    emergency: bool,
    agreement_required: bool,
) -> CallerState | None:
    """Set the caller for this transaction; None when its client is disabled or its token revoked."""
    values = {
        "client": client,
        "token": token,
        "organization": organization,
        "purposes": purposes,
        "emergency": emergency,
        "ag": agreement_required,
    }
    (row,) = await fetch(connection, _ENTER, values)
    return CallerState(frozenset(row.ancestors), frozenset(row.descendants), row.zone) if row.standing else None


async def set_operator(connection: AsyncConnection, organization: UUID, zone: str) -> CallerState:
    """The network's operator, as the owner of the tables, on behalf of an organization."""
    row = (await connection.execute(_ENTER_AS_OPERATOR, {"organization": organization})).one()
    return CallerState(frozenset(row.ancestors), frozenset(row.descendants), zone)


async def lock(connection: AsyncConnection, compartments: set[UUID], *, exclusive: bool) -> datetime:
    """Take the compartments' locks until the end of the transaction: exclusive to write, shared to disclose.

    Answers the time after the wait. Raises UNAVAILABLE as `waiting`.
    """
    with waiting():
        found: datetime = await scalar(
            connection, _HOLD, {"compartments": sorted(compartments), "exclusive": exclusive}
        )
    return found


async def plan_by(connection: AsyncConnection, mode: str) -> None:
    """Have the statements that follow in this transaction planned so (PostgreSQL's plan_cache_mode)."""
    if mode != "auto":
        await fetch(connection, _PLAN, {"mode": mode})


@contextmanager
def waiting() -> Iterator[None]:
    """Raises UNAVAILABLE where the locks together are too long in coming: that is others' work, not this request's."""
    try:
        yield
    except DBAPIError as e:
        if sqlstate(e) == CANCELED:
            raise unavailable() from e
        raise
