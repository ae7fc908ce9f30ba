"""The rosters that the worker fetches on a schedule, as the owner of the tables reads and writes them.
docs/guides/roster.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_SAVE = text("""
    INSERT INTO hallpass.sync_source (name, client, kind, place, district, mapping, sealed, schedule, next_run,
                                      staff)
    VALUES (:name, :client, :kind, :place, :district, :mapping, :sealed, :schedule, :next_run, :staff)
    ON CONFLICT (name) DO NOTHING
""")
_ALL = text("SELECT * FROM hallpass.sync_source ORDER BY name")
_ONE = text("SELECT * FROM hallpass.sync_source WHERE name = :name")
_REMOVE = text("DELETE FROM hallpass.sync_source WHERE name = :name")
_DUE = text("""
    SELECT name, schedule FROM hallpass.sync_source WHERE next_run <= :now ORDER BY next_run FOR UPDATE SKIP LOCKED
""")
_NEXT = text("UPDATE hallpass.sync_source SET next_run = :next_run WHERE name = :name")
_BEGAN = text("UPDATE hallpass.sync_source SET began = now(), ended = NULL WHERE name = :name")
_ENDED = text("""
    UPDATE hallpass.sync_source SET ended = now(), status = :status, report = CAST(:report AS jsonb) WHERE name = :name
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSource:
    """One of them, and what became of its last run."""

    name: str
    client: str
    kind: str
    place: str
    district: str | None = None
    mapping: str | None = None
    sealed: str = field(repr=False)
    schedule: str
    next_run: datetime
    began: datetime | None = None
    ended: datetime | None = None
    status: int | None = None
    report: Mapping[str, Any] | None = None
    staff: Sequence[str] = ()
    mark: str | None = None
    lease: datetime | None = None


async def add(connection: AsyncConnection, source: SyncSource) -> bool:
    """Keep a new one; False where there is one of the name."""
    given = {name: getattr(source, name) for name in SyncSource.__slots__} | {"staff": [*source.staff]}
    return (await connection.execute(_SAVE, given)).rowcount == 1


async def every(connection: AsyncConnection) -> list[SyncSource]:
    """All of them, by name."""
    return [SyncSource(**row) for row in (await connection.execute(_ALL)).mappings()]


async def one(connection: AsyncConnection, name: str) -> SyncSource | None:
    """The one of a name."""
    row = (await connection.execute(_ONE, {"name": name})).mappings().first()
    return SyncSource(**row) if row else None


async def remove(connection: AsyncConnection, name: str) -> bool:
    """Forget one with its secrets; False where there is none."""
    return (await connection.execute(_REMOVE, {"name": name})).rowcount == 1


async def due(connection: AsyncConnection, now: datetime) -> list[tuple[str, str]]:
    """The name and the schedule of each whose time has come, held by this transaction."""
    return [(name, schedule) for name, schedule in await connection.execute(_DUE, {"now": now})]


async def plan(connection: AsyncConnection, name: str, next_run: datetime) -> None:
    """Keep when it is due next."""
    await connection.execute(_NEXT, {"name": name, "next_run": next_run})


async def begin(connection: AsyncConnection, name: str) -> None:
    """Keep that a run has begun."""
    await connection.execute(_BEGAN, {"name": name})


async def end(connection: AsyncConnection, name: str, status: int, report: Mapping[str, Any]) -> None:
    """Keep what became of a run."""
    await connection.execute(_ENDED, {"name": name, "status": status, "report": orjson.dumps(report).decode()})
