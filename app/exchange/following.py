"""What a Subscription is to be told now: events are judged, numbered and entered on the ledger in one transaction.

The source is the feed of what is written and of what becomes visible (docs/decisions/0031-feed.md), which loses nothing
to late commits; the Subscription is a reader of its own. What is sent again is judged again: what is no longer visible
keeps its number, and loses its focus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from app.db import feed, subscriptions
from app.db import history as store
from app.db import read as versions
from app.db.history import Span
from app.db.rows import Stored
from app.db.subscriptions import Event, State
from app.errors import not_found
from app.exchange import queries, reads, writes
from app.exchange.release import PendingResult, PendingRow
from app.exchange.subscribing import TYPE, as_sent, definition_of
from app.exchange.validated import validate_now
from app.fhir.json import parse
from app.resources import TYPES
from app.resources.refs import as_uuid
from app.scopes import allows
from app.search.terms import terms
from app.session import Session
from app.subscriptions.definition import Definition
from app.subscriptions.matching import holds
from app.subscriptions.topics import Version

PAGE = 1_000
"""Versions that one transaction looks at: each look judges all of a student's that are not told yet, so few are had."""
PAGE_BYTES = 1 << 23


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say of a Subscription: its state, its definition, and events with those that are visible."""

    kind: str
    """handshake, heartbeat, event-notification, query-status, query-event; end where its time is over."""
    state: State
    definition: Definition
    events: tuple[Event, ...] = ()
    visible: frozenset[int] = frozenset()
    """The numbers of the events whose record the subscriber sees now."""


async def due(session: Session, subscription: UUID) -> tuple[Told | None, PendingResult]:
    """What is to be sent next; None: nothing. Events get numbers here, and are judged once more when they leave."""
    state = await subscriptions.lock(session.connection, subscription)
    content = await _content(session, subscription)
    if state is None or content is None or state.status not in ("requested", "active"):
        return None, PendingResult()
    definition = as_sent(session, state, definition_of(session, content))
    now = datetime.now(UTC)
    if state.ends is not None and state.ends <= now:
        return Told("end", state, definition), PendingResult()
    if state.status == "requested" and state.since is not None:
        return Told("handshake", state, definition), PendingResult()
    if state.sent < state.events:
        waiting = await subscriptions.events(
            session.connection, state.id, state.sent + 1, state.events, definition.max_count
        )
        return Told("event-notification", state, definition, tuple(waiting)), PendingResult()
    collect = _overdue if definition.topic.overdue else _collect
    found, state = await collect(session, state, definition)
    if state.status == "requested":  # what is there is counted before it is active, so that nothing falls in between
        await subscriptions.save(session.connection, state)
        return None, PendingResult()
    if found:
        numbered = tuple(
            Event(state.events + n, row.updated, row.type, row.id, row.version) for n, row in enumerate(found, start=1)
        )
        await subscriptions.number(session.connection, state.id, numbered)
        state = replace(state, events=numbered[-1].number)
    await subscriptions.save(session.connection, state)
    if found:
        return Told("event-notification", state, definition, numbered[: definition.max_count]), PendingResult()
    last_sent = state.last_sent or datetime.min.replace(tzinfo=UTC)
    if state.heartbeat is not None and (now - last_sent).total_seconds() >= state.heartbeat:
        return Told("heartbeat", state, definition), PendingResult()
    return None, PendingResult()


async def judged(session: Session, told: Told) -> tuple[Told, PendingResult]:
    """The same, as the subscriber may see it at this moment: what leaves next, and nothing else."""
    numbers = [e.number for e in told.events]
    if not numbers:
        return told, PendingResult()
    return await _again(session, told.state, told.definition, told.kind, numbers[0], numbers[-1])


async def status(session: Session, ids: Sequence[str], among: frozenset[str]) -> list[Told]:
    """The Subscriptions of the caller's with these ids (all where there are none) and one of these statuses.

    Not those of its parts: how many events there were hangs on what is released to them, and to them alone.
    """
    session.require(TYPE, "r")
    found = [as_uuid(i) for i in ids] if ids else await _own(session)
    states = await subscriptions.states(session.connection, [i for i in found if i is not None])
    told = []
    for state in states.values():
        content = await _content(session, state.id, own=True)
        if content is not None and (not among or state.status in among):
            told.append(Told("query-status", state, definition_of(session, content)))
    return told


async def events(
    session: Session, subscription: str, first: int, last: int | None, content: str | None
) -> tuple[Told, PendingResult]:
    """Events by their numbers, judged again. Raises NOT_FOUND, as for a Subscription of a part of the caller's."""
    session.require(TYPE, "r")
    found = as_uuid(subscription)
    state = (await subscriptions.states(session.connection, [found])).get(found) if found else None
    stored = await _content(session, found, own=True) if found else None
    if state is None or stored is None:
        raise not_found()
    definition = definition_of(session, stored)
    definition = replace(definition, content=content or definition.content)
    return await _again(session, state, definition, "query-event", first, state.events if last is None else last)


async def set_status(session: Session, subscription: UUID, status: str, error: str | None) -> list[PendingResult]:
    """Set the status of a Subscription for the worker, as a version of its own."""
    content = await _content(session, subscription)
    if content is None or content.get("status") == status:
        return [PendingResult()]
    content = {**{k: v for k, v in content.items() if k != "error"}, "status": status}
    if error is not None:
        content["error"] = error
    validated = validate_now(TYPES[TYPE], content, session.settings.fhir_base)
    await writes.update(replace(session, worker=True), TYPES[TYPE], validated, str(subscription), None)
    return [PendingResult()]


async def _again(
    session: Session, state: State, definition: Definition, kind: str, first: int, last: int
) -> tuple[Told, PendingResult]:
    found = await subscriptions.events(session.connection, state.id, first, last, definition.max_count)
    rows = await versions.numbered(session.connection, [(e.type, e.id, e.version) for e in found])
    seen: dict[int, Stored] = {}
    for event in found:
        row = rows.get((event.type, event.id, event.version))
        if row is not None and not row.deleted and allows(session.caller.scopes, event.type, "r"):
            seen[event.number] = row
    told = Told(kind, state, definition, tuple(found), frozenset(seen))
    return told, _pending(definition.content, list(seen.values()))


async def _collect(session: Session, state: State, definition: Definition) -> tuple[list[Stored], State]:
    """The next versions that are events, and where the feed goes on behind them."""
    connection, types = session.connection, definition.topic.types
    if state.walk is None:
        counted = await subscriptions.writes(connection)
        at, horizon = await feed.moment(connection)
        state = replace(
            state, walk=at, horizon=horizon, counted=counted, after_at=None, after_id=None, after_version=None
        )
    name = str(state.id)
    span = Span(types, None, state.since, feed=name, told=state.told, horizon=state.horizon)
    position = None
    if state.after_at is not None and state.after_id is not None and state.after_version is not None:
        position = (state.after_at, state.after_id, state.after_version)
    rows = await store.page(connection, span, position, PAGE, back=True, most_bytes=PAGE_BYTES)
    found: list[Stored] = []
    looked = list(takewhile(lambda row: row.body is not None, rows))
    for row in looked:
        await asyncio.sleep(0)  # others have their turn
        if state.since is not None and await _is_event(session, row, definition, state.since):
            found.append(row)
    await _enter(session, state, definition, looked, found)
    assert state.walk is not None
    assert state.horizon is not None
    answer = feed.Answer(name, state.walk, state.horizon, state.told)
    given = [r for r in looked if not r.directory and not await session.holds(r.custodian)]
    if given:
        await feed.give(connection, answer, given)
    if len(looked) < len(rows) or len(rows) == PAGE:
        last = looked[-1]
        return found, replace(state, after_at=last.updated, after_id=last.id, after_version=last.version)
    await feed.withdraw(connection, answer)
    caught_up = state.horizon > state.walk
    return found, replace(
        state,
        since=state.horizon,
        told=state.walk,
        walk=None,
        horizon=None,
        seen=state.counted if caught_up else state.seen,
    )


async def _overdue(session: Session, state: State, definition: Definition) -> tuple[list[Stored], State]:
    """What became overdue since the last look: its last change is as long ago as its priority allows."""
    counted = await subscriptions.writes(session.connection)
    _, until = await feed.moment(session.connection)
    found: list[Stored] = []
    looked: list[Stored] = []
    for priority, days in session.settings.overdue_days.items() if state.since is not None else ():
        assert state.since is not None
        allowed = timedelta(days=days)
        for type_name in definition.topic.types:
            rows = await subscriptions.unchanged_since(
                session.connection, type_name, state.since - allowed, until - allowed
            )
            looked += rows
            for row in rows:
                due = parse(row.body).get("priority", "routine") == priority
                if due and await _is_event(session, row, definition, row.updated):
                    found.append(row)
    await _enter(session, state, definition, looked, found)
    return found, replace(state, since=until, told=until, seen=counted)


async def _enter(
    session: Session, state: State, definition: Definition, looked: list[Stored], found: list[Stored]
) -> None:
    """Enter that others' records were judged by a filter, or are counted and not named: both tell of them.

    Those that are named are entered one by one when they leave. What was there before is not judged.
    """
    if state.since is None:
        return
    judged = looked if definition.filters else found if definition.content == "empty" else []
    for row in judged:
        if not row.directory and not await session.holds(row.custodian):
            await queries.enter_followed(session, state.id, definition)
            return


async def _is_event(session: Session, row: Stored, definition: Definition, since: datetime) -> bool:
    """Whether a version is an event. Of what became visible it is the current one; others were there before."""
    if row.deleted or not allows(session.caller.scopes, row.type, "r") or (row.updated < since and not row.current):
        return False
    topic, content = definition.topic, parse(row.body)
    if not topic.event(Version(row.version, content)):
        return False
    if topic.corrects and not await subscriptions.given_before(
        session.connection, row.compartment, row.id, row.version
    ):
        return False
    asked = [criterion for type_name, criterion in definition.filters if type_name == row.type]
    if not asked:
        return True
    found = terms(row.type, content, session.zone, session.settings.fhir_base)
    return all(holds(criterion, found, row.id, row.updated) for criterion in asked)


def _pending(content: str, rows: Sequence[Stored]) -> PendingResult:
    """What leaves: an empty notification names nothing. That there was something is entered when it is counted."""
    if content == "empty":
        return PendingResult()
    return PendingResult(tuple(PendingRow(row) for row in rows), bundled=content == "full-resource")


async def _content(session: Session, subscription: UUID, *, own: bool = False) -> dict[str, Any] | None:
    """A Subscription; `own`: of the caller's organization itself."""
    row = await reads.current(session, TYPES[TYPE], str(subscription))
    if row is None or row.deleted or (own and row.custodian != session.caller.organization):
        return None
    return parse(row.body)


async def _own(session: Session) -> list[UUID | None]:
    return list(await subscriptions.own(session.connection))
