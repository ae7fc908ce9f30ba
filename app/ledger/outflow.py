"""What an operator's SIEM is told: the ledger and the security log as AuditEvents, without a value of a record.

Read as the owner of the tables. https://profiles.ihe.net/ITI/BALP/content.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import disclosure, event
from app.ledger.entries import ORDER, Entry, entry_of
from app.ledger.events import audit_event, security_event
from app.ledger.names import Names
from app.ledger.security_log import Event, event_of

AT_ONCE = 1_000
MINUTE = timedelta(minutes=1)
"""Alike events of a minute are one row, which is told once its minute is over."""
_UNNAMED = Names()
_TEXTS = frozenset({"query", "access"})
"""Kinds of events whose detail says what was looked for or at."""
_HORIZON = text("""
    WITH now AS MATERIALIZED (SELECT hallpass.instant() AS at)  -- before the transactions are looked at
    SELECT least(n.at, (
        SELECT min(coalesce(a.xact_start, n.at - interval '1 minute'))  -- another role's, which this one may not see
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
        WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
          AND a.backend_type = 'client backend'))
    FROM now n
""")


async def horizon(connection: AsyncConnection) -> datetime:
    """The moment before which nothing more is entered: the start of the oldest transaction under way.

    To be asked in a statement before those that read.
    """
    found: datetime = (await connection.execute(_HORIZON)).scalar_one()
    return found


async def told(connection: AsyncConnection, since: datetime, until: datetime) -> AsyncIterator[dict[str, Any]]:
    """The AuditEvents from one moment to before another: an entry counts by its time, an event by its minute's end."""
    after: tuple[Any, ...] | None = None
    while rows := (await connection.execute(_entries(since, until, after))).all():
        for row in rows:
            yield _of_entry(entry_of(row))
        after = tuple(getattr(rows[-1], c.name) for c in ORDER)
    key, last = (event.c.minute, event.c.id), None
    while True:
        chosen = select(event).where(event.c.minute >= since - MINUTE, event.c.minute < until - MINUTE)
        chosen = chosen if last is None else chosen.where(tuple_(*key) > last)
        found = (await connection.execute(chosen.order_by(*key).limit(AT_ONCE))).all()
        for row in found:
            yield _of_event(event_of(row))
        if len(found) < AT_ONCE:
            return
        last = (found[-1].minute, found[-1].id)


def _entries(since: datetime, until: datetime, after: tuple[Any, ...] | None) -> Select[Any]:
    at = disclosure.c.at
    chosen = select(disclosure).where(at >= (since if after is None else after[0]), at < until)
    chosen = chosen if after is None else chosen.where(tuple_(*ORDER) > after)
    return chosen.order_by(*ORDER).limit(AT_ONCE)


def _of_entry(entry: Entry) -> dict[str, Any]:
    """Ids for names, and no free text: the reason for breaking the glass stays on the ledger."""
    return audit_event(replace(entry, reason=None), _UNNAMED)


def _of_event(happened: Event) -> dict[str, Any]:
    """Of a query its request's id alone: its text is what it looked for."""
    if happened.kind not in _TEXTS:
        return security_event(happened, _UNNAMED)
    detail = happened.detail.partition(" ")[0] if happened.kind == "query" else ""
    found = security_event(replace(happened, detail=detail), _UNNAMED)
    return found if detail else {k: v for k, v in found.items() if k != "outcomeDesc"}
