"""The ledger read back, for the custodian whose records were disclosed. Row-level security keeps others out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.tables import disclosure

Position = tuple[datetime, UUID, UUID, int]
"""Time, request, resource and version of an entry."""
_ORDER = (disclosure.c.at, disclosure.c.request, disclosure.c.id, disclosure.c.version)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries: of a student, from `start` up to `end`, to a recipient, on a basis, under a Consent."""

    student: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None
    recipient: UUID | None = None
    basis: str | None = None
    consent: UUID | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One disclosure: who, what, when, why and on what basis."""

    at: datetime
    request: UUID
    interaction: str
    type: str
    id: UUID
    version: int
    student: UUID | None
    custodian: UUID
    recipient: UUID
    client: str
    purposes: tuple[str, ...]
    basis: str
    consent: UUID | None
    consent_version: int | None
    reason: str | None
    agent: dict[str, str] | None = None

    @property
    def position(self) -> Position:
        """Its place in the order. It holds no number that counts what others disclosed."""
        return self.at, self.request, self.id, self.version


async def page(connection: AsyncConnection, wanted: Filter, after: Position | None, limit: int) -> list[Entry]:
    """Entries oldest first, from behind the position of one."""
    statement = _chosen(wanted).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*_ORDER) > after)
    return [_entry(row) for row in await connection.execute(statement)]


async def stream(connection: AsyncConnection, wanted: Filter) -> AsyncIterator[Entry]:
    """All entries, oldest first, a few at a time."""
    async with connection.stream(_chosen(wanted).execution_options(yield_per=500)) as rows:
        async for row in rows:
            yield _entry(row)


def _chosen(wanted: Filter) -> Select[Any]:
    c = disclosure.c
    statement = select(disclosure).order_by(*_ORDER)
    if wanted.student is not None:
        statement = statement.where(c.shard == wanted.student)
    if wanted.start is not None:
        statement = statement.where(c.at >= wanted.start)
    if wanted.end is not None:
        statement = statement.where(c.at < wanted.end)
    for column, value in ((c.recipient, wanted.recipient), (c.basis, wanted.basis), (c.consent, wanted.consent)):
        if value is not None:
            statement = statement.where(column == value)
    return statement


def _entry(row: Row[Any]) -> Entry:
    values = row._asdict()
    del values["shard"], values["n"], values["link"]  # the chain counts what others disclosed
    return Entry(**{**values, "purposes": tuple(row.purposes)})
