"""Versions, newest first: of one resource, of types, or of all. https://hl7.org/fhir/R4/http.html#history

Each of four sources gives as many versions as the page has, by an index, in the order of the page: what the caller
holds, the directory, the students whom a release in force or a broken glass opens, and what the caller is a party
of. Row-level security judges each version by its own facts. So the cost grows with what the caller may see (and with
the hidden versions of those students), and not with what it may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.bodies import UNBOUNDED
from app.db.rows import Stored

Position = tuple[datetime, UUID, int]
"""Time, id and version of the last version on a page."""

_SINCE = "(CAST(:since AS timestamptz) IS NULL OR r.updated >= :since)"
_SINCE_VISIBLE = """
    (CAST(:since AS timestamptz) IS NULL OR r.updated >= :since OR (
        CASE WHEN CAST(:told AS timestamptz) IS NULL
        THEN EXISTS (SELECT 1 FROM hallpass.released_since(:since) s
                     WHERE s.compartment = r.compartment AND s.custodian = r.custodian)
        ELSE NOT EXISTS (
            SELECT 1 FROM hallpass.feed_entry e
            WHERE e.reader = (SELECT hallpass.feed_reader()) AND e.feed = :feed
              AND e.id = r.id AND e.version = r.version AND (e.given <= :told OR e.walk = :told)) END
        AND (r.current OR EXISTS (
            SELECT 1 FROM hallpass.resource n WHERE n.compartment = r.compartment AND n.id = r.id AND n.current))))
"""
"""Written since then, or visible and not yet given to the reader when it got the answer that it goes on from.

For who got none by then, what was released since counts.
"""
_WANTED = """
    (CAST(:horizon AS timestamptz) IS NULL OR r.updated < :horizon)
    AND (CAST(:after_id AS uuid) IS NULL OR (r.updated, r.id, r.version) < (:after_at, :after_id, :after_version))
    AND (CAST(:at_upper AS timestamptz) IS NULL OR r.updated < :at_upper AND NOT EXISTS (
        SELECT 1 FROM hallpass.resource n
        WHERE n.compartment = r.compartment AND n.id = r.id AND n.version > r.version AND n.updated <= :at_lower))
"""
_NEWEST = "ORDER BY r.updated DESC, r.id DESC, r.version DESC LIMIT :limit"
_KEY = "r.compartment, r.id, r.version, r.updated"
_OTHERS = "NOT hallpass.holds(r.custodian)"

_OF_ONE = f"""
    SELECT {_KEY} FROM hallpass.resource r WHERE r.id = :id AND r.type = ANY (:types)
      AND {_SINCE} AND {_WANTED} {_NEWEST}
"""  # noqa: S608 - pieces of this file, no value
_OF_TYPES = f"""
    SELECT k.* FROM (
        SELECT DISTINCT h.custodian, h.type FROM hallpass.tree t JOIN hallpass.custody_count h ON h.custodian = t.id
        WHERE t.ancestor = (SELECT hallpass.caller()) AND h.type = ANY (:types)) b
    CROSS JOIN LATERAL (
        SELECT {_KEY} FROM hallpass.resource r
        WHERE r.custodian = b.custodian AND r.type = b.type AND {_SINCE} AND {_WANTED} {_NEWEST}) k
    UNION
    SELECT k.* FROM unnest(:types) t(type) CROSS JOIN LATERAL (
        SELECT {_KEY} FROM hallpass.resource r
        WHERE r.directory AND r.type = t.type AND {_SINCE} AND {_WANTED} {_NEWEST}) k
    UNION
    SELECT k.* FROM hallpass.reached() s CROSS JOIN LATERAL (
        SELECT {_KEY} FROM hallpass.resource r
        WHERE r.compartment = s.compartment AND r.custodian = coalesce(s.custodian, r.custodian)
          AND r.type = ANY (:types)
          AND {_OTHERS} AND {_SINCE_VISIBLE} AND {_WANTED} {_NEWEST}) k
    UNION
    SELECT {_KEY} FROM hallpass.party_versions(:types) p
    JOIN hallpass.resource r ON r.compartment = p.compartment AND r.id = p.id AND r.version = p.version
    WHERE {_SINCE_VISIBLE} AND {_WANTED}
"""  # noqa: S608 - pieces of this file, no value
_PAGE = """
    SELECT {columns} FROM (SELECT * FROM ({keys}) r {newest}) k
    JOIN hallpass.resource r ON r.compartment = k.compartment AND r.id = k.id AND r.version = k.version {newest}
"""
_SO_FAR = f"sum(octet_length(r.body)) OVER ({_NEWEST.removesuffix(' LIMIT :limit')} ROWS UNBOUNDED PRECEDING)"
_BODY = f"CASE WHEN {_SO_FAR} - octet_length(r.body) <= :most_bytes THEN r.body END AS body"
_COLUMNS = ", ".join(_BODY if name == "body" else f"r.{name}" for name in Stored._fields)
_BINDS: tuple[Any, ...] = (
    bindparam("types", type_=ARRAY(Text())),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("feed", type_=Text()),
    bindparam("told", type_=DateTime(timezone=True)),
    bindparam("horizon", type_=DateTime(timezone=True)),
    bindparam("at_lower", type_=DateTime(timezone=True)),
    bindparam("at_upper", type_=DateTime(timezone=True)),
    bindparam("after_at", type_=DateTime(timezone=True)),
    bindparam("after_id", type_=Uuid()),
    bindparam("after_version", type_=Integer()),
    bindparam("limit", type_=Integer()),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions: of these types, or of one resource; from `since` on; current at some point in `at`.

    `feed`, `told` and `horizon` are those of a feed's answer (app.db.feed).
    """

    types: tuple[str, ...]
    id: UUID | None = None
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    feed: str | None = None
    told: datetime | None = None
    horizon: datetime | None = None


async def page(
    connection: AsyncConnection,
    span: Span,
    after: Position | None,
    limit: int,
    *,
    back: bool = False,
    most_bytes: int = UNBOUNDED,
) -> list[Stored]:
    """The visible versions behind a position, `limit` at the most; with `back` those before it, the nearest first.

    The bodies that begin beyond so many bytes are left in the database, and None.
    """
    found = _PAGE.format(columns=_COLUMNS, keys=_keys(span), newest=_NEWEST)
    if back:
        found = found.replace("< (:after_at", "> (:after_at").replace(" DESC", " ASC")
    rows = await connection.execute(
        text(found).bindparams(*_binds(span)), {**_values(span, after), "limit": limit, "most_bytes": most_bytes}
    )
    return [Stored(*row) for row in rows]


async def total(connection: AsyncConnection, span: Span) -> int:
    """How many versions the caller sees in all."""
    statement = text(f"SELECT count(*) FROM ({_keys(span)}) k").bindparams(*_binds(span))  # noqa: S608
    found = await connection.execute(statement, {**_values(span, None), "limit": None})
    return int(found.scalar_one())


def _binds(span: Span) -> tuple[Any, ...]:
    return tuple(b for b in _BINDS if span.id is None or b.key not in ("told", "feed"))


def _keys(span: Span) -> str:
    return _OF_TYPES if span.id is None else _OF_ONE


def _values(span: Span, after: Position | None) -> dict[str, Any]:
    at, after_id, version = after or (None, None, None)
    values = {
        "types": list(span.types),
        "since": span.since,
        "horizon": span.horizon,
        "at_lower": span.at[0] if span.at else None,
        "at_upper": span.at[1] if span.at else None,
        "after_at": at,
        "after_id": after_id,
        "after_version": version,
    }
    return {**values, "told": span.told, "feed": span.feed} if span.id is None else {**values, "id": span.id}
