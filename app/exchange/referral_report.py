"""$referral-report: what came of the referrals that an organization made or received, as far as the caller sees them.

What others hold of it is entered on the ledger like any read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from app.db import read as store
from app.db import search_queries
from app.db.bodies import MOST_BYTES, bounded
from app.db.driver import PreparedQuery, fetch
from app.db.rows import Stored
from app.db.tables import resource, tree
from app.errors import HallpassError, Kind, not_found
from app.exchange import queries, reads
from app.exchange.release import PendingResult, PendingRow
from app.fhir.json import parse
from app.limits.long_work import off_loop
from app.report.measure_report import measure_report
from app.report.referral import Referral, referral
from app.resources import TYPES
from app.resources.paths import values
from app.resources.refs import local_id, parse_local
from app.search.query import Search
from app.session import Session

MOST = 5_000
"""Referrals of one report."""
_OF_IDS = resource.c.id == any_(bindparam("ids", type_=ARRAY(Uuid())))
_WHEN = (resource.c.id, resource.c.version)
_BOUNDED = [bounded(c, _WHEN, MOST_BYTES) if c.name == "body" else c for c in store.COLUMNS]
_VERSIONS = PreparedQuery(select(*_BOUNDED).where(_OF_IDS, ~resource.c.deleted).order_by(*_WHEN))
_CURRENT = PreparedQuery(select(*_BOUNDED).where(_OF_IDS, resource.c.current, ~resource.c.deleted).order_by(*_WHEN))
_PARTS = PreparedQuery(select(tree.c.id).where(tree.c.ancestor == bindparam("organization")))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about: an organization, a period, and the searches that find what it is made of."""

    organization: str
    period: tuple[str, str]
    referrals: Search
    tasks: Search
    visits: Search


@dataclass(frozen=True, slots=True)
class Found:
    """What the caller sees of it."""

    referrals: list[Stored]
    versions: list[Stored]
    visits: list[Stored]
    needs: list[Stored]

    def all(self) -> Iterable[Stored]:
        return (*self.referrals, *self.versions, *self.visits, *self.needs)


async def referral_report(session: Session, asked: Asked) -> PendingResult:
    """The report as a MeasureReport. Raises NOT_FOUND, and TOO_COSTLY where the period holds too many referrals."""
    organization, own = await organization_with_parts(session, asked.organization)
    found = await find(session, asked, own)
    now = await store.moment(session.connection)
    reporter = f"Organization/{organization}"
    document = await off_loop(
        session.caller.client,
        lambda: measure_report(
            [r for _, r in outcomes(found, session.zone, session.settings.overdue_days)], reporter, asked.period, now
        ),
        large=True,
    )
    others = [PendingRow(r) for r in found.all() if not await session.holds(r.custodian)]
    return PendingResult(tuple(others), document=document)


async def organization_with_parts(session: Session, organization: str) -> tuple[UUID, set[UUID]]:
    """An organization, and it with all that are part of it. Raises NOT_FOUND."""
    row = await reads.current(session, TYPES["Organization"], organization)
    if row is None or row.deleted:
        raise not_found()
    return row.id, {r.id for r in await fetch(session.connection, _PARTS, {"organization": row.id})} | {row.id}


async def current_rows(session: Session, ids: Iterable[UUID]) -> list[Stored]:
    """The current resources with these ids that the caller sees."""
    return await _rows(session, _CURRENT, ids)


async def find(session: Session, asked: Asked, own: set[UUID]) -> Found:
    """The referrals that the organization made or received, with their Tasks' versions, visits and reasons."""
    referrals = await _search(session, asked.referrals, MOST)
    tasks = await _search(session, asked.tasks, 2 * MOST)
    visits = await _search(session, asked.visits, 2 * MOST)
    chosen = await off_loop(session.caller.client, lambda: _chosen(referrals, tasks, visits, own), large=True)
    return Found(
        chosen.referrals,
        await _rows(session, _VERSIONS, chosen.tasks),
        chosen.visits,
        await _rows(session, _CURRENT, chosen.reasons),
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What belongs to the organization's referrals, of all that was found."""

    referrals: list[Stored]
    tasks: list[UUID]
    visits: list[Stored]
    reasons: set[UUID]


def _chosen(referrals: list[Stored], tasks: list[Stored], visits: list[Stored], own: set[UUID]) -> _Chosen:
    requests, errands = {r.id: parse(r.body) for r in referrals}, [(t.id, parse(t.body)) for t in tasks]
    wanted = {r.id for r in referrals if r.custodian in own or own & set(_providers(requests[r.id]))}
    received = {f for _, task in errands if own & set(_providers(task)) and (f := _focus(task))}
    wanted |= received & requests.keys()
    kept = [r for r in referrals if r.id in wanted]
    return _Chosen(
        kept,
        [i for i, task in errands if _focus(task) in wanted],
        [v for v in visits if any(i in wanted for i in _answers(parse(v.body)))],
        {i for r in kept for n in requests[r.id].get("reasonReference", []) if (i := local_id(n))},
    )


async def _search(session: Session, search: Search, most: int) -> list[Stored]:
    session.require(search.types[0], "s")
    await queries.begin(session, search)
    most_bytes = session.settings.max_result_bytes
    statement = search_queries.page(search, session.caller.organization, None, most, most_bytes=most_bytes)
    rows = await store.rows(session.connection, *statement)
    reads.require_whole(rows)
    if len(rows) > most:
        raise HallpassError(Kind.TOO_COSTLY, f"The period holds more than {most} of them. Ask for a shorter one.")
    return rows


async def _rows(session: Session, statement: PreparedQuery, ids: Iterable[UUID]) -> list[Stored]:
    """Those of them that the caller sees and that its scopes let come along."""
    found = sorted(set(ids))
    if not found:
        return []
    values = {"ids": found, MOST_BYTES.key: session.settings.max_result_bytes}
    rows = await store.rows(session.connection, statement, values)
    reads.require_whole(rows)
    return [row for row in rows if reads.allows_type(session, row.type)]


def outcomes(found: Found, zone: ZoneInfo, overdue_days: Mapping[str, int]) -> list[tuple[dict[str, Any], Referral]]:
    """Each referral with what is counted of it."""
    histories: dict[UUID, dict[UUID, list[tuple[datetime, dict[str, Any]]]]] = defaultdict(lambda: defaultdict(list))
    for row in found.versions:
        task = parse(row.body)
        if (focus := _focus(task)) is not None:
            histories[focus][row.id].append((row.updated, task))
    visits: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in found.visits:
        visit = parse(row.body)
        for answered in _answers(visit):
            visits[answered].append(visit)
    needs = {row.id: parse(row.body) for row in found.needs}
    counted = []
    for row in found.referrals:
        request = parse(row.body)
        named = [needs[i] for n in request.get("reasonReference", []) if (i := local_id(n)) in needs]
        school = str(next(iter(values(request, "requester.reference")), f"Organization/{row.custodian}"))
        made = referral(request, histories[row.id].values(), visits[row.id], named, zone, school, overdue_days)
        counted.append((request, made))
    return [(request, made) for request, made in counted if made is not None]


def _focus(task: dict[str, Any]) -> UUID | None:
    return local_id(task.get("focus"), "ServiceRequest")


def _answers(visit: dict[str, Any]) -> list[UUID]:
    return [i for r in visit.get("basedOn", []) if (i := local_id(r, "ServiceRequest"))]


def _providers(content: dict[str, Any]) -> list[UUID]:
    """The organizations that are to serve: a referral's performers, a Task's owner."""
    texts = values(content, "performer.reference") + values(content, "owner.reference")
    return [found[1] for t in texts if (found := parse_local(t))]
