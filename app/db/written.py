"""What was written back to districts' ODS, and what is to be: as the owner of the tables reads and writes it.
docs/guides/write-back.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LEASE = text("""
    UPDATE hallpass.sync_source SET lease = now() + interval '15 minutes'
    WHERE name = :source AND (lease IS NULL OR lease < now() OR :renew)
""")
_FREE = text("UPDATE hallpass.sync_source SET lease = NULL WHERE name = :source")
_MARK = text("UPDATE hallpass.sync_source SET mark = :mark WHERE name = :source")
_SESSION = text("""
    SELECT student, intervention, held, minutes FROM hallpass.written_session
    WHERE source = :source AND encounter = :encounter
""")
_KEEP = text("""
    INSERT INTO hallpass.written_session (source, encounter, student, intervention, held, minutes)
    VALUES (:source, :encounter, :student, :intervention, :held, :minutes)
    ON CONFLICT (source, encounter) DO UPDATE
    SET student = EXCLUDED.student, intervention = EXCLUDED.intervention, held = EXCLUDED.held,
        minutes = EXCLUDED.minutes
""")
_DROP = text("""
    DELETE FROM hallpass.written_session WHERE source = :source AND encounter = :encounter
    RETURNING student, intervention
""")
_TOUCH = text("""
    INSERT INTO hallpass.written_service (source, student, intervention, changed)
    VALUES (:source, :student, :intervention, clock_timestamp())
    ON CONFLICT (source, student, intervention) DO UPDATE SET changed = clock_timestamp()
""")
_PENDING = text("""
    SELECT s.student, s.intervention, s.changed, s.place, count(w.encounter) AS sessions,
           coalesce(sum(w.minutes), 0) AS minutes,
           (SELECT min(x.held) FROM hallpass.written_session x
            WHERE x.source = s.source AND x.intervention = s.intervention) AS begins
    FROM hallpass.written_service s LEFT JOIN hallpass.written_session w USING (source, student, intervention)
    WHERE s.source = :source AND s.sent IS DISTINCT FROM s.changed
    GROUP BY s.source, s.student, s.intervention ORDER BY s.changed
""")
_SENT = text("""
    UPDATE hallpass.written_service SET sent = :changed, place = :place, error = NULL
    WHERE source = :source AND student = :student AND intervention = :intervention
""")
_FORGET = text("""
    DELETE FROM hallpass.written_service
    WHERE source = :source AND student = :student AND intervention = :intervention AND changed = :changed
""")
_FAILED = text("""
    UPDATE hallpass.written_service SET error = :error
    WHERE source = :source AND student = :student AND intervention = :intervention
""")


class Session(Protocol):
    """A session that was held."""

    @property
    def encounter(self) -> UUID: ...
    @property
    def student(self) -> str: ...
    @property
    def intervention(self) -> str: ...
    @property
    def held(self) -> date: ...
    @property
    def minutes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """One student's part in one service, as it is to be written: without sessions it is taken back."""

    student: str
    intervention: str
    changed: datetime
    place: str | None
    """The id under which the ODS keeps it; None where it was never written."""
    sessions: int
    minutes: int
    begins: date | None


async def lease(connection: AsyncConnection, source: str, *, renew: bool = False) -> bool:
    """Have a source for a quarter of an hour; False where another run has it."""
    return (await connection.execute(_LEASE, {"source": source, "renew": renew})).rowcount == 1


async def free(connection: AsyncConnection, source: str) -> None:
    """Give a source back."""
    await connection.execute(_FREE, {"source": source})


async def take(
    connection: AsyncConnection, source: str, stand: Iterable[Session], gone: Iterable[UUID], mark: str
) -> None:
    """Keep what is new up to a mark: which parts of which students differ from what was written."""
    for one in stand:
        key = {"source": source, "encounter": one.encounter}
        before = (await connection.execute(_SESSION, key)).first()
        now = (one.student, one.intervention, one.held, one.minutes)
        if before is not None and tuple(before) == now:
            continue
        names = ("student", "intervention", "held", "minutes")
        await connection.execute(_KEEP, {**key, **dict(zip(names, now, strict=True))})
        await _touch(connection, source, [now[:2], *([tuple(before)[:2]] if before is not None else [])])
    for encounter in gone:
        dropped = await connection.execute(_DROP, {"source": source, "encounter": encounter})
        await _touch(connection, source, [tuple(row) for row in dropped])
    await connection.execute(_MARK, {"source": source, "mark": mark})


async def pending(connection: AsyncConnection, source: str) -> list[Pending]:
    """What is to be written, in the order in which it changed."""
    return [Pending(**row) for row in (await connection.execute(_PENDING, {"source": source})).mappings()]


async def sent(connection: AsyncConnection, source: str, one: Pending, place: str) -> None:
    """Keep that the ODS has it."""
    await connection.execute(_SENT, {**_named(source, one), "changed": one.changed, "place": place})


async def forget(connection: AsyncConnection, source: str, one: Pending) -> None:
    """Keep that the ODS has it no longer."""
    await connection.execute(_FORGET, {**_named(source, one), "changed": one.changed})


async def failed(connection: AsyncConnection, source: str, one: Pending, error: str) -> None:
    """Keep why the ODS refused it; it is tried again with the next run."""
    await connection.execute(_FAILED, {**_named(source, one), "error": error})


async def _touch(connection: AsyncConnection, source: str, parts: Iterable[tuple[Any, ...]]) -> None:
    for student, intervention in dict.fromkeys(parts):
        given = {"source": source, "student": student, "intervention": intervention}
        await connection.execute(_TOUCH, given)


def _named(source: str, one: Pending) -> dict[str, Any]:
    return {"source": source, "student": one.student, "intervention": one.intervention}
