"""The first statement of every transaction: who calls, checked against the client's standing now; locks and plans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.driver import PreparedQuery, fetch, scalar
from app.db.engine import CANCELED, sqlstate, unavailable
from app.db.rows import CallerState

_ENTER = PreparedQuery(
    text("""
        SELECT standing, ancestors, zone
        FROM hallpass.set_caller(:client, :token, :organization, :purposes, :emergency, :ag)
    """)
)
_ENTER_AS_OPERATOR = text("SELECT ancestors FROM hallpass.set_operator(:organization)")
_PLAN = PreparedQuery(text("SELECT set_config('plan_cache_mode', :mode, true)"))
_LOCK_CONDITIONS = PreparedQuery(text("SELECT hallpass.lock_conditions(:conditions)"))
_LOCK_WRITES = PreparedQuery(text("SELECT hallpass.lock_writes(:compartments, :custodians, :ids, :kinds)"))
_LOCK_DISCLOSURE = PreparedQuery(text("SELECT hallpass.lock_disclosure(:compartments, :custodians)"))
_HOLDS = PreparedQuery(text("SELECT hallpass.holds(:custodian)"))

WriteKind = Literal["create", "update", "party", "policy", "sign", "index"]
"""What a write may do: `update` may end what is seen of its record, `policy` what a release opens; `sign` opens."""


@dataclass(frozen=True, slots=True)
class Write:
    """A record that is to be written, as its locks are told."""

    compartment: UUID
    custodian: UUID
    id: UUID
    kind: WriteKind


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
    return CallerState(frozenset(row.ancestors), row.zone) if row.standing else None


async def set_operator(connection: AsyncConnection, organization: UUID, zone: str) -> CallerState:
    """The network's operator, as the owner of the tables, on behalf of an organization."""
    row = (await connection.execute(_ENTER_AS_OPERATOR, {"organization": organization})).one()
    return CallerState(frozenset(row.ancestors), zone)


async def holds(connection: AsyncConnection, custodian: UUID) -> bool:
    """Whether what an organization holds is in the caller's custody."""
    return bool(await scalar(connection, _HOLDS, {"custodian": custodian}))


async def lock_conditions(connection: AsyncConnection, conditions: Iterable[UUID]) -> None:
    """Take the locks of conditions until the end of the transaction. Raises UNAVAILABLE as `waiting`."""
    with waiting():
        await fetch(connection, _LOCK_CONDITIONS, {"conditions": sorted(conditions)})


async def lock_writes(connection: AsyncConnection, writes: Collection[Write]) -> datetime:
    """Take the locks of writes until the end of the transaction (docs/decisions/0029-locks.md).

    Returns the time after the wait. Raises UNAVAILABLE as `waiting`.
    """
    values = {
        "compartments": [w.compartment for w in writes],
        "custodians": [w.custodian for w in writes],
        "ids": [w.id for w in writes],
        "kinds": [w.kind for w in writes],
    }
    with waiting():
        found: datetime = await scalar(connection, _LOCK_WRITES, values)
    return found


async def lock_disclosure(connection: AsyncConnection, compartments: Collection[tuple[UUID, UUID]]) -> None:
    """Wait for the writes that may end a disclosure of these (student, custodian). Raises UNAVAILABLE as `waiting`."""
    values = {
        "compartments": [compartment for compartment, _ in compartments],
        "custodians": [held for _, held in compartments],
    }
    with waiting():
        await fetch(connection, _LOCK_DISCLOSURE, values)


async def plan_by(connection: AsyncConnection, mode: str) -> None:
    """Have the statements that follow in this transaction planned so (PostgreSQL's plan_cache_mode)."""
    if mode != "force_generic_plan":
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
