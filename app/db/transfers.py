"""Students who change district: the proposals, and what leaves when one is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Interval, Row, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = (
    "id, compartment, custodian, recipient, client, scopes, purposes, notice, proposed, closes, waiting, accepted"
)
_PROPOSE = text("""
    INSERT INTO hallpass.transfer
        (id, compartment, custodian, recipient, client, scopes, purposes, notice, proposed, closes)
    VALUES (:id, :compartment, :custodian, :recipient, :client, :scopes, :purposes, :notice, hallpass.instant(),
            hallpass.instant() + :open)
""").bindparams(
    bindparam("scopes", type_=ARRAY(Text())),
    bindparam("purposes", type_=ARRAY(Text())),
    bindparam("open", type_=Interval()),
)
_LIST = text(f"SELECT {_COLUMNS} FROM hallpass.transfer ORDER BY proposed DESC, id LIMIT :most")  # noqa: S608 - no value
_ONE = text(f"SELECT {_COLUMNS} FROM hallpass.transfer WHERE id = :id")  # noqa: S608 - no value
_HELD = text("SELECT scopes FROM hallpass.client WHERE id = :client")
_SIZE = text("""
    SELECT count(*), coalesce(sum(bytes), 0) FROM hallpass.transferable(:compartment, :custodian)
""")
_WITHDRAW = text("DELETE FROM hallpass.transfer WHERE id = :id RETURNING id")
_ENDED = text(
    "UPDATE hallpass.transfer SET waiting = :waiting WHERE id = :id AND accepted IS NULL RETURNING id"
).bindparams(bindparam("waiting", type_=JSONB()))
_ACCEPT = text("SELECT type, id, body FROM hallpass.accept_transfer(:id, :agent, :purposes, :request)").bindparams(
    bindparam("agent", type_=JSONB(none_as_null=True)), bindparam("purposes", type_=ARRAY(Text()))
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A proposal: of which student, from whom to whom, by which client, and what became of it."""

    id: UUID
    compartment: UUID
    custodian: UUID
    recipient: UUID
    client: str
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    notice: str
    proposed: datetime
    closes: datetime
    waiting: tuple[dict[str, Any], ...]
    accepted: datetime | None


async def propose(
    connection: AsyncConnection, id: UUID, compartment: UUID, parties: tuple[UUID, UUID], client: str,
    scopes: Sequence[str], purposes: Sequence[str], notice: str, open_for: timedelta,
) -> None:  # fmt: skip
    """Keep a proposal. `parties`: from whom, to whom."""
    values = {"id": id, "compartment": compartment, "custodian": parties[0], "recipient": parties[1], "client": client}
    more = {"scopes": list(scopes), "purposes": list(purposes), "notice": notice, "open": open_for}
    await connection.execute(_PROPOSE, values | more)


async def listed(connection: AsyncConnection, most: int) -> list[Transfer]:
    """The latest that the caller proposed, or may accept or has accepted."""
    return [_transfer(row) for row in await connection.execute(_LIST, {"most": most})]


async def one(connection: AsyncConnection, id: UUID) -> Transfer | None:
    """One of them."""
    row = (await connection.execute(_ONE, {"id": id})).one_or_none()
    return _transfer(row) if row else None


async def held_scopes(connection: AsyncConnection, client: str) -> list[str]:
    """The scopes that a client has now."""
    return list(await connection.scalar(_HELD, {"client": client}) or ())


async def size(connection: AsyncConnection, compartment: UUID, custodian: UUID) -> tuple[int, int]:
    """How many records of a student a transfer by the caller copies, and their bytes."""
    row = (await connection.execute(_SIZE, {"compartment": compartment, "custodian": custodian})).one()
    return int(row[0]), int(row[1])


async def withdraw(connection: AsyncConnection, id: UUID) -> bool:
    """Take a proposal of the caller's back. Whether there was one that is not accepted."""
    return (await connection.execute(_WITHDRAW, {"id": id})).one_or_none() is not None


async def ended(connection: AsyncConnection, id: UUID, waiting: Sequence[dict[str, Any]]) -> bool:
    """Keep which releases ended by it, for who accepts. Whether it still stands."""
    return (await connection.execute(_ENDED, {"id": id, "waiting": list(waiting)})).one_or_none() is not None


async def accept(
    connection: AsyncConnection, id: UUID, agent: dict[str, Any] | None, purposes: Sequence[str], request: UUID
) -> list[tuple[str, UUID, bytes]]:
    """Type, id and body of each record that leaves, the Patient first, all on the ledger. None: nothing is accepted."""
    rows = await connection.execute(_ACCEPT, {"id": id, "agent": agent, "purposes": list(purposes), "request": request})
    return [(row.type, row.id, row.body) for row in rows]


def _transfer(row: Row[Any]) -> Transfer:
    values = row._asdict()
    lists = {name: tuple(values[name]) for name in ("scopes", "purposes", "waiting")}
    return Transfer(**{**values, **lists})
