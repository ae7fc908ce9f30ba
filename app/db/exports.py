"""Bulk exports as they are stored: what was asked, what was chosen, and the records when a file is fetched.

schema/functions/export_*.sql choose. Row-level security shows an export to its client alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.rows import Stored

_MOMENTS = (bindparam("since", type_=DateTime(timezone=True)), bindparam("until", type_=DateTime(timezone=True)))
_TYPES = bindparam("types", type_=ARRAY(Text()))
_IDS = bindparam("ids", type_=ARRAY(Uuid()))
_LONG = text("SELECT set_config('statement_timeout', :milliseconds, true)")
_CREATE = text("""
    INSERT INTO hallpass.export (id, client, reader, request, asked, feed, created)
    VALUES (:id, :client, hallpass.feed_reader(), :request, :asked, :feed, hallpass.instant())
    ON CONFLICT DO NOTHING RETURNING id
""").bindparams(bindparam("asked", type_=JSONB()))
_RUNNING = text("SELECT hallpass.exports_running()")
_LOAD = text("""
    SELECT id, request, asked, feed, status, at, horizon, told, students, done, unseen, created, ended
    FROM hallpass.export WHERE id = :id AND status <> 'canceled'
""")
_LOCK = text("SELECT status FROM hallpass.export WHERE id = :id FOR UPDATE")
_KEPT = text("SELECT count(*) FROM hallpass.export")
_CANCEL = text("UPDATE hallpass.export SET status = 'canceled', ended = hallpass.instant() WHERE id = :id")
_WITHIN = text("""
    SELECT compartment FROM hallpass.export_student WHERE export = :id AND compartment = ANY (:compartments)
""").bindparams(bindparam("compartments", type_=ARRAY(Uuid())))
_BEGIN = text("""
    UPDATE hallpass.export SET status = 'choosing', at = :at, horizon = :horizon, told = :told,
        students = hallpass.export_students(:id, :types, :ids) WHERE id = :id
""").bindparams(
    _TYPES,
    _IDS,
    *(bindparam(n, type_=DateTime(timezone=True)) for n in ("at", "horizon", "told")),
)
_UNSEEN = text("UPDATE hallpass.export SET unseen = :unseen WHERE id = :id").bindparams(
    bindparam("unseen", type_=ARRAY(Text()))
)
_STUDENTS = text("""
    SELECT compartment FROM hallpass.export_student WHERE export = :id AND n > :after ORDER BY n LIMIT :limit
""")
_CHOOSE = text(
    "SELECT hallpass.export_choose(:id, :types, :compartments, :ids, :since, :until, :by_patient, :consents)"
).bindparams(_TYPES, _IDS, bindparam("compartments", type_=ARRAY(Uuid())), *_MOMENTS)
_ASSOCIATE = text("SELECT hallpass.export_associated(:id, :compartments, :latest, :by_patient)").bindparams(
    bindparam("compartments", type_=ARRAY(Uuid()))
)
_ADVANCE = text("UPDATE hallpass.export SET done = :done WHERE id = :id")
_DIRECTORY = text("SELECT hallpass.export_directory(:id, :types, :ids, :since, :until)").bindparams(
    _TYPES, _IDS, *_MOMENTS
)
_DELETED = text("SELECT hallpass.export_deleted(:id, :types, :since)").bindparams(_TYPES, _MOMENTS[0])
_END = text("UPDATE hallpass.export SET status = 'complete', ended = hallpass.instant() WHERE id = :id")
_SERIES = text("""
    WITH RECURSIVE s AS (
        (SELECT series FROM hallpass.export_item WHERE export = :id ORDER BY series LIMIT 1)
        UNION ALL
        SELECT (SELECT i.series FROM hallpass.export_item i WHERE i.export = :id AND i.series > s.series
                ORDER BY i.series LIMIT 1) FROM s WHERE s.series IS NOT NULL)
    SELECT s.series, (SELECT max(i.n) FROM hallpass.export_item i WHERE i.export = :id AND i.series = s.series) AS last
    FROM s WHERE s.series IS NOT NULL
""")
_NAMES = text("""
    SELECT n, compartment, id, version, type FROM hallpass.export_item
    WHERE export = :id AND series = :series AND n > :after AND n <= :last ORDER BY n LIMIT :limit
""")
_LINES = """
    SELECT k.n, k.so_far, {columns} FROM (
        SELECT i.n, r.*, sum(octet_length(r.body)) OVER (ORDER BY i.n) AS so_far
        FROM hallpass.export_item i
        JOIN hallpass.resource r ON r.compartment = i.compartment AND r.id = i.id AND r.version = i.version
        WHERE i.export = :id AND i.series = :series AND i.n > :after AND i.n <= :last
          AND (r.current OR NOT EXISTS (
              SELECT 1 FROM hallpass.resource d
              WHERE d.compartment = i.compartment AND d.id = i.id AND d.current AND d.deleted))) k
    WHERE k.so_far - octet_length(k.body) <= :bytes ORDER BY k.n
"""
_ROWS = text(_LINES.format(columns=", ".join(f"k.{name}" for name in Stored._fields)))
_BARE = text(_LINES.format(columns=", ".join("''::bytea" if n == "body" else f"k.{n}" for n in Stored._fields)))
_BLOCKS = text("""
    SELECT series, after, last FROM hallpass.export_block
    WHERE export = :id AND series = :series AND last > :after AND after < :last ORDER BY after
""")
_NOTE_BLOCK = text("INSERT INTO hallpass.export_block VALUES (:id, :series, :after, :last) ON CONFLICT DO NOTHING")
_KEPT_UP_TO = text("""
    SELECT series, max(last) AS last FROM hallpass.export_block WHERE export = :id GROUP BY series
""")
_RELEASES = text("SELECT consent, version FROM hallpass.export_releases(:id, :after, :most)")
_OVER = text("SELECT hallpass.exports_over(:ids, :before)").bindparams(
    _IDS, bindparam("before", type_=DateTime(timezone=True))
)
_PLACE = text("SELECT n FROM hallpass.export_item WHERE export = :id AND series = :series AND id = :after")
_WITHHOLD = text("SELECT hallpass.export_withhold(:id, :series, :after, :last, :given)").bindparams(
    bindparam("given", type_=ARRAY(Uuid()))
)
_WITHHELD = text("""
    SELECT w.at, w.export, w.id, w.version, w.type, w.compartment, w.recipient, w.purposes FROM hallpass.withheld w
    WHERE (w.at, w.export, w.id) > (:at, :export, :id)
      AND (CAST(:recipient AS uuid) IS NULL OR w.recipient = :recipient)
    ORDER BY w.at, w.export, w.id LIMIT :limit
""").bindparams(
    bindparam("at", type_=DateTime(timezone=True)), *(bindparam(n, type_=Uuid()) for n in ("export", "id", "recipient"))
)
_SWEEP = text("SELECT hallpass.sweep_exports(:before, :stuck, :most)").bindparams(
    *(bindparam(n, type_=DateTime(timezone=True)) for n in ("before", "stuck"))
)
_FAIL = text("SELECT hallpass.fail_export(:id)")


@dataclass(frozen=True, slots=True)
class Export:
    """An export as it stands."""

    id: UUID
    request: str
    asked: dict[str, Any]
    feed: str
    status: str
    at: datetime | None
    horizon: datetime | None
    told: datetime | None
    students: int
    done: int
    unseen: Sequence[str]
    created: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Name:
    """A line of a series: which version stands in it."""

    n: int
    compartment: UUID
    id: UUID
    version: int
    type: str


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a series behind `after`, up to `last`, whose records are kept in one object."""

    series: str
    after: int
    last: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A line that was left out of a file as it was fetched."""

    at: datetime
    export: UUID
    id: UUID
    version: int
    type: str
    compartment: UUID
    recipient: UUID
    purposes: Sequence[str]


async def allow_long(connection: AsyncConnection, seconds: int) -> None:
    """Let this transaction's statements run longer than a request's may."""
    await connection.execute(_LONG, {"milliseconds": str(seconds * 1000)})


async def create(
    connection: AsyncConnection, id: UUID, client: str, request: str, asked: dict[str, Any], feed: str
) -> bool:
    """Store a kick-off. Whether it could be: not where one of the same client is under way."""
    values = {"id": id, "client": client, "request": request, "asked": asked, "feed": feed}
    return await connection.scalar(_CREATE, values) is not None


async def running(connection: AsyncConnection) -> int:
    """How many exports of all clients are being chosen."""
    return int(await connection.scalar(_RUNNING) or 0)


async def load(connection: AsyncConnection, id: UUID) -> Export | None:
    """One of the caller's own exports."""
    row = (await connection.execute(_LOAD, {"id": id})).one_or_none()
    return Export(*row) if row else None


async def lock(connection: AsyncConnection, id: UUID) -> bool:
    """Whether the export is still there; nobody cancels it before this transaction ends."""
    return await connection.scalar(_LOCK, {"id": id}) is not None


async def kept(connection: AsyncConnection) -> int:
    """How many exports of the caller's take room: those that it canceled too, until they are swept."""
    return int(await connection.scalar(_KEPT) or 0)


async def cancel(connection: AsyncConnection, id: UUID) -> None:
    """Have nothing of an export be had any more; the worker forgets what was chosen."""
    await connection.execute(_CANCEL, {"id": id})


async def within(connection: AsyncConnection, id: UUID, compartments: Sequence[UUID]) -> set[UUID]:
    """Which of some compartments the export is chosen from."""
    rows = await connection.execute(_WITHIN, {"id": id, "compartments": list(compartments)})
    return {row.compartment for row in rows}


async def begin(
    connection: AsyncConnection, id: UUID, moments: dict[str, datetime | None], types: Sequence[str],
    only: Sequence[UUID] | None,
) -> None:  # fmt: skip
    """Keep the moments of its feed, and list the compartments to choose from."""
    values = {"id": id, "types": list(types), "ids": None if only is None else list(only)}
    await connection.execute(_BEGIN, {**values, **moments})


async def name_unseen(connection: AsyncConnection, id: UUID, unseen: Sequence[str]) -> None:
    """Keep which references that were asked for lead to nothing that the caller sees."""
    await connection.execute(_UNSEEN, {"id": id, "unseen": list(unseen)})


async def compartments(connection: AsyncConnection, id: UUID, after: int, limit: int) -> list[UUID]:
    """The next compartments to choose from."""
    rows = await connection.execute(_STUDENTS, {"id": id, "after": after, "limit": limit})
    return [row.compartment for row in rows]


async def choose(
    connection: AsyncConnection, id: UUID, types: Sequence[str], compartments: Sequence[UUID],
    ids: Sequence[UUID] | None, *, since: datetime | None, until: datetime | None, by_patient: bool,
    consents: bool,
) -> None:  # fmt: skip
    """Choose what the caller sees in some compartments, all of these types or these ids alone.

    `consents`: with records under 42 CFR Part 2 the Consents that they leave under.
    """
    values = {"id": id, "types": list(types), "compartments": list(compartments), "since": since, "until": until}
    values |= {"ids": None if ids is None else list(ids), "by_patient": by_patient, "consents": consents}
    await connection.execute(_CHOOSE, values)


async def associate(
    connection: AsyncConnection, id: UUID, compartments: Sequence[UUID], *, latest: bool, by_patient: bool
) -> None:
    """Choose the Provenance about what is chosen in some compartments: all, or the latest about each record."""
    values = {"id": id, "compartments": list(compartments), "latest": latest, "by_patient": by_patient}
    await connection.execute(_ASSOCIATE, values)


async def advance(connection: AsyncConnection, id: UUID, done: int) -> None:
    """Keep for how many compartments it is chosen."""
    await connection.execute(_ADVANCE, {"id": id, "done": done})


async def directory(
    connection: AsyncConnection, id: UUID, types: Sequence[str], ids: Sequence[UUID] | None,
    *, since: datetime | None, until: datetime | None,
) -> None:  # fmt: skip
    """Choose entries of the directory."""
    values = {"id": id, "types": list(types), "ids": None if ids is None else list(ids)}
    await connection.execute(_DIRECTORY, {**values, "since": since, "until": until})


async def deleted(connection: AsyncConnection, id: UUID, types: Sequence[str], since: datetime) -> None:
    """List what was deleted since, and what the caller was given and no longer sees."""
    await connection.execute(_DELETED, {"id": id, "types": list(types), "since": since})


async def end(connection: AsyncConnection, id: UUID) -> None:
    """It is chosen whole."""
    await connection.execute(_END, {"id": id})


async def series(connection: AsyncConnection, id: UUID) -> dict[str, int]:
    """The number of the last line of each series."""
    return {row.series: row.last for row in await connection.execute(_SERIES, {"id": id})}


async def names(connection: AsyncConnection, id: UUID, series: str, after: int, last: int, limit: int) -> list[Name]:
    """Which versions stand in the next lines."""
    values = {"id": id, "series": series, "after": after, "last": last, "limit": limit}
    return [Name(*row) for row in await connection.execute(_NAMES, values)]


async def rows(
    connection: AsyncConnection, id: UUID, series: str, after: int, last: int, most: int, *, bare: bool = False
) -> tuple[list[Stored], int]:
    """The versions in some lines that the caller sees now and that are not deleted, and the line up to which they go.

    They have `most` bytes together, and one more at the most. `bare`: without their bodies.
    """
    values = {"id": id, "series": series, "after": after, "last": last, "bytes": most}
    found = list(await connection.execute(_BARE if bare else _ROWS, values))
    cut = bool(found) and found[-1].so_far > most
    return [Stored(*row[2:]) for row in found], found[-1].n if cut else last


async def blocks(connection: AsyncConnection, id: UUID, series: str, after: int, last: int) -> list[Block]:
    """The blocks that hold lines of a range, in order."""
    values = {"id": id, "series": series, "after": after, "last": last}
    return [Block(*row) for row in await connection.execute(_BLOCKS, values)]


async def unkept(connection: AsyncConnection, id: UUID, lines: int, most: int) -> list[tuple[Block, list[Stored]]]:
    """The next lines that no block holds, with what the caller sees of their versions; none at the end."""
    held = {row.series: row.last for row in await connection.execute(_KEPT_UP_TO, {"id": id})}
    for name, last in (await series(connection, id)).items():
        if (after := held.get(name, 0)) < last:
            found, reached = await rows(connection, id, name, after, min(last, after + lines), most)
            return [(Block(name, after, reached), found)]
    return []


async def note_block(connection: AsyncConnection, id: UUID, block: Block) -> None:
    """Keep that a block is in the store."""
    await connection.execute(_NOTE_BLOCK, {"id": id, "series": block.series, "after": block.after, "last": block.last})


async def releases(connection: AsyncConnection, id: UUID, after: UUID, most: int) -> list[tuple[UUID, int]]:
    """The next Consents and versions that open a line to the caller now, by their ids."""
    rows = await connection.execute(_RELEASES, {"id": id, "after": after, "most": most})
    return [(row.consent, row.version) for row in rows]


async def over(connection: AsyncConnection, ids: Sequence[UUID], before: datetime) -> list[UUID]:
    """Of some exports, whosever they are, those of which nothing can be fetched any more."""
    return list(await connection.scalar(_OVER, {"ids": list(ids), "before": before}) or ())


async def place(connection: AsyncConnection, id: UUID, series: str, after: UUID) -> int | None:
    """The line in which a record stands, if it stands in a series."""
    found = await connection.scalar(_PLACE, {"id": id, "series": series, "after": after})
    return None if found is None else int(found)


async def withhold(
    connection: AsyncConnection, id: UUID, series: str, after: int, last: int, given: Sequence[UUID]
) -> None:
    """Keep for their custodians which lines of a range were not given."""
    values = {"id": id, "series": series, "after": after, "last": last, "given": list(given)}
    await connection.execute(_WITHHOLD, values)


async def withheld(
    connection: AsyncConnection, after: tuple[datetime, UUID, UUID], recipient: UUID | None, limit: int
) -> list[Withheld]:
    """What was left out of others' exports of what the caller and its parts hold, the oldest first, behind a place."""
    values = {"at": after[0], "export": after[1], "id": after[2], "recipient": recipient, "limit": limit}
    return [Withheld(*row) for row in await connection.execute(_WITHHELD, values)]


async def sweep(connection: AsyncConnection, before: datetime, stuck: datetime, most: int) -> int:
    """Forget some rows of the exports of all clients that are over; how many. See hallpass.sweep_exports."""
    return int(await connection.scalar(_SWEEP, {"before": before, "stuck": stuck, "most": most}) or 0)


async def fail(connection: AsyncConnection, id: UUID) -> None:
    """End an export that cannot be chosen, of whatever client."""
    await connection.execute(_FAIL, {"id": id})
