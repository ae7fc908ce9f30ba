"""How far Subscriptions are: claimed and finished by a worker, kept and numbered in their client's session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, Interval, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import Database
from app.db.rows import Stored

_CLAIM = text("SELECT * FROM hallpass.claim_subscriptions(:most, :lease)").bindparams(
    bindparam("lease", type_=Interval())
)
_FINISH = text("SELECT hallpass.finish_subscription(:id, :sent, :error, :wait)").bindparams(
    bindparam("wait", type_=Interval()), bindparam("error", type_=Text())
)
_STATE = (
    "id, status, ends, heartbeat, events, sent, since, told, walk, horizon, after_at, after_id, after_version,"
    " counted, seen, error, failures, last_sent, headers"
)
_LOCK = text(f"SELECT {_STATE} FROM hallpass.subscription WHERE id = :id FOR UPDATE")  # noqa: S608 - no value
_READ = text(f"SELECT {_STATE} FROM hallpass.subscription WHERE id = ANY (:ids)")  # noqa: S608 - no value
_SAVE = text("""
    UPDATE hallpass.subscription SET since = :since, told = :told, walk = :walk, horizon = :horizon,
        after_at = :after_at, after_id = :after_id, after_version = :after_version, counted = :counted, seen = :seen,
        events = :events, walked = CASE WHEN CAST(:walk AS timestamptz) IS NULL THEN clock_timestamp() ELSE walked END
    WHERE id = :id
""")
_PUT = text("""
    INSERT INTO hallpass.subscription AS s (id, custodian, client, purposes, scopes, status, ends, heartbeat, headers)
    VALUES (:id, :custodian, :client, :purposes, :scopes, :status, :ends, :heartbeat, :headers)
    ON CONFLICT (id) DO UPDATE SET client = excluded.client, purposes = excluded.purposes, scopes = excluded.scopes,
        status = excluded.status, ends = excluded.ends, heartbeat = excluded.heartbeat, headers = excluded.headers,
        next_try = now(), error = NULL, failures = 0, failing_since = NULL,
        since = CASE WHEN :restart THEN NULL ELSE s.since END, walk = CASE WHEN :restart THEN NULL ELSE s.walk END
""")
_STATUS = text("UPDATE hallpass.subscription SET status = :status WHERE id = :id")
_REMOVE = (
    text("DELETE FROM hallpass.subscription WHERE id = :id"),
    text("DELETE FROM hallpass.feed_entry WHERE reader = hallpass.feed_reader() AND feed = :feed"),
)
_NUMBER = text("""
    INSERT INTO hallpass.subscription_event (subscription, number, at, type, id, version)
    SELECT :subscription, k.* FROM unnest(:numbers, :moments, :types, :ids, :versions) k
""").bindparams(
    bindparam("numbers", type_=ARRAY(BigInteger())),
    bindparam("moments", type_=ARRAY(DateTime(timezone=True))),
    bindparam("types", type_=ARRAY(Text())),
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("versions", type_=ARRAY(Integer())),
)
_EVENTS = text("""
    SELECT number, at, type, id, version FROM hallpass.subscription_event
    WHERE subscription = :id AND number BETWEEN :first AND :last ORDER BY number LIMIT :most
""")
_WRITES = text("SELECT last_value FROM hallpass.write_count")
_OWN = text("SELECT id FROM hallpass.subscription ORDER BY id")
_COLUMNS = ", ".join(f"r.{name}" for name in Stored._fields)
_UNCHANGED = text(f"""
    SELECT {_COLUMNS} FROM hallpass.resource r
    WHERE r.current AND NOT r.deleted AND r.type = :type AND r.updated >= :lower AND r.updated < :upper
      AND (r.custodian IN (SELECT t.id FROM hallpass.tree t WHERE t.ancestor = (SELECT hallpass.caller()))
           OR r.compartment IN (SELECT s.compartment FROM hallpass.reached() s))
    ORDER BY r.updated, r.id
""")  # noqa: S608 - no value
_ALLOWED = text("SELECT hallpass.endpoint_allowed(:endpoint)")
_GIVEN = text("SELECT hallpass.given_before(:compartment, :id, :version)")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A Subscription that a worker has to itself, and as whom it acts."""

    id: UUID
    client: str
    organization: UUID
    purposes: tuple[str, ...]
    scopes: tuple[str, ...]
    held: tuple[str, ...]
    """The scopes that the client has now."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a Subscription is; the columns of hallpass.subscription."""

    id: UUID
    status: str
    ends: datetime | None
    heartbeat: int | None
    events: int
    sent: int
    since: datetime | None
    told: datetime | None
    walk: datetime | None
    horizon: datetime | None
    after_at: datetime | None
    after_id: UUID | None
    after_version: int | None
    counted: int
    seen: int
    error: str | None
    failures: int
    last_sent: datetime | None
    headers: str | None = field(repr=False)
    """The headers of its channel, sealed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One version that a Subscription was told of, by its number."""

    number: int
    at: datetime
    type: str
    id: UUID
    version: int


async def claim(db: Database, most: int, lease: timedelta) -> list[Claimed]:
    """Subscriptions that there may be something to do for, to be finished before the lease is over."""
    async with db.begin() as connection:
        rows = await connection.execute(_CLAIM, {"most": most, "lease": lease})
        return [
            Claimed(r.id, r.client, r.organization, tuple(r.purposes), tuple(r.scopes), tuple(r.held)) for r in rows
        ]


async def finish(db: Database, subscription: UUID, sent: int | None, error: str | None, wait: timedelta) -> timedelta:
    """Done for now. Answers for how long it has been failing."""
    async with db.begin() as connection:
        values = {"id": subscription, "sent": sent, "error": error, "wait": wait}
        found: timedelta | None = await connection.scalar(_FINISH, values)
    return found or timedelta(0)


async def lock(connection: AsyncConnection, subscription: UUID) -> State | None:
    """Its state, which nobody else changes until the end of this transaction."""
    row = (await connection.execute(_LOCK, {"id": subscription})).one_or_none()
    return State(*row) if row else None


async def states(connection: AsyncConnection, subscriptions: Sequence[UUID]) -> dict[UUID, State]:
    """The states of those that the caller holds."""
    return {row.id: State(*row) for row in await connection.execute(_READ, {"ids": list(subscriptions)})}


async def save(connection: AsyncConnection, state: State) -> None:
    """Keep where it is in the feed."""
    names = (
        "id",
        "since",
        "told",
        "walk",
        "horizon",
        "after_at",
        "after_id",
        "after_version",
        "counted",
        "seen",
        "events",
    )
    await connection.execute(_SAVE, {name: getattr(state, name) for name in names})


async def put(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep a Subscription that its client wrote. `restart`: it is about something else than before."""
    await connection.execute(_PUT, values)


async def set_status(connection: AsyncConnection, subscription: UUID, status: str) -> None:
    """Set its status."""
    await connection.execute(_STATUS, {"id": subscription, "status": status})


async def remove(connection: AsyncConnection, subscription: UUID) -> None:
    """Forget a Subscription that was deleted."""
    for statement in _REMOVE:
        await connection.execute(statement, {"id": subscription, "feed": str(subscription)})


async def number(connection: AsyncConnection, subscription: UUID, events: Sequence[Event]) -> None:
    """Keep events under their numbers."""
    values = {
        "numbers": [e.number for e in events],
        "moments": [e.at for e in events],
        "types": [e.type for e in events],
        "ids": [e.id for e in events],
        "versions": [e.version for e in events],
    }
    await connection.execute(_NUMBER, {"subscription": subscription, **values})


async def events(connection: AsyncConnection, subscription: UUID, first: int, last: int, most: int) -> list[Event]:
    """The events from a number to another, the first `most` of them."""
    rows = await connection.execute(_EVENTS, {"id": subscription, "first": first, "last": last, "most": most})
    return [Event(*row) for row in rows]


async def writes(connection: AsyncConnection) -> int:
    """How many statements have written records, those of transactions that are under way included."""
    return int(await connection.scalar(_WRITES) or 0)


async def unchanged_since(
    connection: AsyncConnection, type_name: str, lower: datetime, upper: datetime
) -> list[Stored]:
    """What the caller sees now and was last written from one moment to another, the earliest first."""
    values = {"type": type_name, "lower": lower, "upper": upper}
    return [Stored(*row) for row in await connection.execute(_UNCHANGED, values)]


async def endpoint_allowed(connection: AsyncConnection, endpoint: str) -> bool:
    """Whether the operator lets the caller's organization send there."""
    return bool(await connection.scalar(_ALLOWED, {"endpoint": endpoint}))


async def given_before(connection: AsyncConnection, compartment: UUID, record: UUID, version: int) -> bool:
    """Whether the caller's organization was given an earlier version of a record."""
    return bool(await connection.scalar(_GIVEN, {"compartment": compartment, "id": record, "version": version}))


async def own(connection: AsyncConnection) -> list[UUID]:
    """The Subscriptions that the caller holds."""
    return list(await connection.scalars(_OWN))
