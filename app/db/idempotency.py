"""What was written by requests with an idempotency key; schema/functions/*_keyed.sql does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.driver import PreparedQuery, fetch

_KEY = bindparam("key", type_=LargeBinary())
_BEGIN = PreparedQuery(text("SELECT busy, request, written FROM hallpass.begin_keyed(:key)").bindparams(_KEY))
_KEEP = PreparedQuery(
    text("SELECT hallpass.keep_keyed(:key, :request, :written, :hours)").bindparams(
        _KEY, bindparam("request", type_=LargeBinary()), bindparam("written", type_=JSONB())
    )
)


@dataclass(frozen=True, slots=True)
class Written:
    """One outcome of a request: the version that it wrote or found; none for what it deleted."""

    type: str = ""
    id: UUID | None = None
    version: int = 0
    created: bool = False
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a key: whether a request with it is under way, what was asked by it, and what that wrote."""

    busy: bool
    request: bytes | None
    written: tuple[Written, ...] = ()


async def begin(connection: AsyncConnection, key: bytes) -> Before:
    """Begin a request with a key; until the transaction ends, others with it are told that it is under way."""
    (row,) = await fetch(connection, _BEGIN, {"key": key})
    return Before(row.busy, row.request, tuple(_read(row.written)))


async def keep(connection: AsyncConnection, key: bytes, request: bytes, written: Sequence[Written], hours: int) -> None:
    """Keep what the request wrote, in the transaction that wrote it."""
    rows = [[w.type, str(w.id), w.version, w.created, w.unchanged] if w.id else [] for w in written]
    await fetch(connection, _KEEP, {"key": key, "request": request, "written": rows, "hours": hours})


def _read(written: Any) -> list[Written]:
    return [Written(w[0], UUID(w[1]), w[2], w[3], w[4]) if w else Written() for w in written or []]
