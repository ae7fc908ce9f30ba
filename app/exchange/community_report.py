"""$community-report: what an organization may publish of the referrals that it and its parts hold, for a month.

Small counts do not leave it (app/report/community.py). What each custodian of them may publish is added up, since a
part may publish as well: the whole without its parts would give back what is small in one of them. A month is published
once, when it is over and settled: what is asked for again is what was published, so that no two answers about one month
can be subtracted. It is published under an agreement, and those with whom there is one may read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.db import community
from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.exchange.referral_report import Asked, Found, current_rows, find, organization_with_parts, outcomes
from app.exchange.release import PendingResult, PendingRow
from app.fhir.dates import instant
from app.fhir.json import dump, parse
from app.limits.long_work import off_loop
from app.report.community import Published, counted, publish, read, report, together
from app.resources.paths import first
from app.resources.refs import local_id
from app.session import Session

Json = dict[str, Any]
SETTLED = timedelta(days=30)


async def community_report(session: Session, asked: Asked, month: str) -> PendingResult:
    """The report as a MeasureReport.

    Raises NOT_FOUND, FORBIDDEN where the organization is not the caller's or has no agreement, and UNPROCESSABLE while
    the month is not settled.
    """
    session.require("Patient", "s")
    organization, own = await organization_with_parts(session, asked.organization)
    if (there := await community.published(session.connection, organization, month)) is not None:
        return PendingResult(document=parse(there))
    if not await session.holds(organization):
        text = "An organization publishes its own counts. Under an agreement with it you read what it has published."
        raise HallpassError(Kind.FORBIDDEN, text)
    if session.settings.require_agreement and not await community.has_agreement(session.connection, organization):
        raise HallpassError(Kind.FORBIDDEN, "Counts are published under an agreement, and none is in effect.")
    now = await store.moment(session.connection)
    if now.astimezone(session.zone).date() < date.fromisoformat(asked.period[1]) + SETTLED:
        text = f"A month is told {SETTLED.days} days after its end, when it is settled."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "month", "business-rule"))
    await community.lock(session.connection, organization)
    if (there := await community.published(session.connection, organization, month)) is not None:
        return PendingResult(document=parse(there))
    found = await find(session, asked, own)
    tables, rows = await _tables(session, found, own)
    kept = await community.shares(session.connection, own, month)
    tables |= {custodian: read(parse(body)) for custodian, body in kept.items()}

    def reported(table: Published, reporter: UUID) -> bytes:
        return dump(report(table, f"Organization/{reporter}", month, asked.period, instant(now)))

    whole = reported(together(tables[custodian] for custodian in sorted(tables)), organization)
    new = {c: reported(table, c) for c, table in tables.items() if c not in kept}
    await community.publish(session.connection, organization, month, session.caller.client, whole, new)
    others = [PendingRow(r) for r in (*found.all(), *rows) if not await session.holds(r.custodian)]
    return PendingResult(tuple(others), document=parse(whole))


async def _tables(session: Session, found: Found, own: set[UUID]) -> tuple[dict[UUID, Published], list[Any]]:
    """What each custodian may publish of what was found, and the students' records that were read for it."""
    custodians = {r.id: r.custodian for r in found.referrals if r.custodian in own}
    client, days = session.caller.client, session.settings.overdue_days
    made_of = await off_loop(client, lambda: outcomes(found, session.zone, days), large=True)
    of_each: dict[UUID, list[tuple[Json, bool]]] = {}
    for request, made in made_of:
        if (custodian := custodians.get(UUID(request["id"]))) is not None:
            of_each.setdefault(custodian, []).append((request, made.served is not None))
    told = [request for requests in of_each.values() for request, _ in requests]
    students = {i for q in told if (i := local_id(q.get("subject"), "Patient"))}
    rows = await current_rows(session, students)

    def tables() -> Mapping[UUID, Published]:
        areas = {f"Patient/{r.id}": _area(parse(r.body)) for r in rows}
        return {custodian: publish(counted(requests, areas)) for custodian, requests in of_each.items()}

    return dict(await off_loop(client, tables, large=True)), rows


def _area(student: dict[str, Any]) -> str:
    return str(first(student, "address.postalCode") or "(not said)")[:5]
