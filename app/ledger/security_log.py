"""The trail of what is no disclosure: logins, refusals, broken glass, the operator's commands, the text of queries.

Alike events of one minute are one row that counts them, so that nobody fills the database by being refused. An event
concerns the organization of the client that it is about, and is read by that organization alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import event
from app.ledger.entries import Position

KindOfEvent = Literal["login", "token", "scope", "emergency", "command", "query", "access"]
Outcome = Literal["0", "4", "8"]
"""Success, minor failure, serious failure. https://hl7.org/fhir/R4/valueset-audit-event-outcome.html"""
_NOTE = text("SELECT hallpass.record_security_event(:kind, :client, :outcome, :detail)")
_COMMAND = text("SELECT hallpass.record_command(:organization, :detail)")
LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which events, by what is not None."""

    start: datetime | None = None
    end: datetime | None = None
    organization: UUID | None = None
    client: str | None = None
    kind: str | None = None
    outcome: str | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened `times` between `first` and `last`, in one minute."""

    id: UUID
    kind: str
    organization: UUID
    client: str
    outcome: str
    detail: str
    first: datetime
    last: datetime
    times: int

    @property
    def position(self) -> Position:
        """Its place among the entries of the ledger."""
        return self.first, self.id, self.id, 0


async def record(connection: AsyncConnection, kind: KindOfEvent, client: str, outcome: Outcome, detail: str) -> None:
    """Note an event of a client; nothing where no such client is registered. `detail` is a code of ours."""
    values = {"kind": kind, "client": client, "outcome": outcome, "detail": detail[:LONGEST]}
    await connection.execute(_NOTE, values)


async def record_command(connection: AsyncConnection, organization: UUID, detail: str) -> None:
    """Note a command of the operator's, as the owner of the tables."""
    await connection.execute(_COMMAND, {"organization": organization, "detail": detail[:LONGEST]})


async def page(connection: AsyncConnection, wanted: Chosen, after: Position | None, limit: int) -> list[Event]:
    """Events in the filter's order, from behind a position."""
    c = event.c
    order = [c.first.desc(), c.id.desc()] if wanted.newest_first else [c.first, c.id]
    statement = select(event).where(*_conditions(wanted)).order_by(*order).limit(limit)
    if after is not None:
        here = tuple_(c.first, c.id)
        statement = statement.where(here < after[:2] if wanted.newest_first else here > after[:2])
    return [event_of(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, wanted: Chosen) -> int:
    """How many events a filter leaves."""
    return int(await connection.scalar(select(func.count()).select_from(event).where(*_conditions(wanted))) or 0)


async def one(connection: AsyncConnection, event_id: UUID) -> Event | None:
    """One event by its id."""
    row = (await connection.execute(select(event).where(event.c.id == event_id))).one_or_none()
    return event_of(row) if row else None


def _conditions(wanted: Chosen) -> list[ColumnElement[bool]]:
    c = event.c
    found: list[ColumnElement[bool]] = [true()]
    if wanted.start is not None:
        found.append(c.first >= wanted.start)
    if wanted.end is not None:
        found.append(c.first < wanted.end)
    for name in ("organization", "client", "kind", "outcome"):
        if getattr(wanted, name) is not None:
            found.append(c[name] == getattr(wanted, name))
    return found


def event_of(row: Row[Any]) -> Event:
    """An event from its row."""
    values = row._asdict()
    del values["minute"]
    return Event(**values)
