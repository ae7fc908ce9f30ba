"""What a feed remembers of its readers, and how far it may answer; schema/functions/feed_*.sql does it.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.caller import waiting
from app.db.driver import PreparedQuery, fetch
from app.db.rows import Stored

_TIME = DateTime(timezone=True)
_BEGIN = PreparedQuery(
    text("SELECT at, horizon, told FROM hallpass.feed_begin(:feed, :since)").bindparams(bindparam("since", type_=_TIME))
)
_HORIZON = PreparedQuery(text("SELECT at, horizon FROM hallpass.feed_horizon()"))
_WITHDRAW = PreparedQuery(
    text("SELECT type, id, at FROM hallpass.feed_withdraw(:feed, :at, :told)").bindparams(
        bindparam("at", type_=_TIME), bindparam("told", type_=_TIME)
    )
)
_GIVE = PreparedQuery(
    text("SELECT hallpass.feed_give(:feed, :walk, :compartments, :ids, :versions, :types)").bindparams(
        bindparam("walk", type_=_TIME),
        bindparam("compartments", type_=ARRAY(Uuid())),
        bindparam("ids", type_=ARRAY(Uuid())),
        bindparam("versions", type_=ARRAY(Integer())),
        bindparam("types", type_=ARRAY(Text())),
    )
)
_ANSWERED = PreparedQuery(
    text("SELECT hallpass.feed_answered(:feed, :since, :at, :gives)").bindparams(
        bindparam("since", type_=_TIME), bindparam("at", type_=_TIME)
    )
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a reader, over all its pages: when it began, how far it goes, and since when the reader asks."""

    feed: str
    """The types that the reader follows."""
    at: datetime
    horizon: datetime
    """What was written from here on may not be committed yet, and stays out."""
    told: datetime | None
    """When the reader got the answer from which it goes on; None: it got none before."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A resource that a reader was given and no longer sees."""

    type: str
    id: UUID
    at: datetime


async def begin(connection: AsyncConnection, types: Sequence[str], since: datetime | None) -> Answer:
    """Begin an answer, after those to the same reader that are under way. Raises UNAVAILABLE as `waiting`."""
    feed = ",".join(sorted(types))
    with waiting():
        (row,) = await fetch(connection, _BEGIN, {"feed": feed, "since": since})
    return Answer(feed, row.at, row.horizon, row.told)


async def horizon(connection: AsyncConnection) -> datetime:
    """The moment below which every version is committed or never will be."""
    (row,) = await fetch(connection, _HORIZON)
    found: datetime = row.horizon
    return found


async def moment(connection: AsyncConnection) -> tuple[datetime, datetime]:
    """The time, and the moment below which every version is committed or never will be."""
    (row,) = await fetch(connection, _HORIZON)
    return row.at, row.horizon


async def withdraw(connection: AsyncConnection, answer: Answer) -> list[Withdrawn]:
    """What the reader no longer sees and was not told of; nothing for one that asks for everything."""
    values = {"feed": answer.feed, "at": answer.at, "told": answer.told}
    return [Withdrawn(row.type, row.id, row.at) for row in await fetch(connection, _WITHDRAW, values)]


async def give(connection: AsyncConnection, answer: Answer, rows: Sequence[Stored]) -> None:
    """Remember what a page gives."""
    values = {
        "feed": answer.feed,
        "walk": answer.at,
        "compartments": [r.compartment for r in rows],
        "ids": [r.id for r in rows],
        "versions": [r.version for r in rows],
        "types": [r.type for r in rows],
    }
    await fetch(connection, _GIVE, values)


async def answered(connection: AsyncConnection, since: datetime, answer: Answer, *, gives: bool) -> None:
    """Remember when the answer was given that hands out `since` to go on from."""
    await fetch(connection, _ANSWERED, {"feed": answer.feed, "since": since, "at": answer.at, "gives": gives})
