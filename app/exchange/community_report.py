"""$community-report: what an organization may publish of the referrals that it and its parts hold, for a month.

Small counts do not leave it (app/report/community.py). What each custodian of them may publish is added up, since a
part may publish as well: the whole without its parts would give back what is small in one of them. A month is told once
it is over and settled, so that two answers about one month do not differ by a late child.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.exchange.referral_report import Asked, current_rows, find, organization_with_parts, outcomes
from app.exchange.release import PendingResult, PendingRow
from app.fhir.dates import instant
from app.fhir.json import parse
from app.limits.long_work import off_loop
from app.report.community import Published, counted, publish, report, together
from app.resources.paths import first
from app.resources.refs import local_id
from app.session import Session

Json = dict[str, Any]
SETTLED = timedelta(days=30)


async def community_report(session: Session, asked: Asked, month: str) -> PendingResult:
    """The report as a MeasureReport.

    Raises NOT_FOUND, FORBIDDEN where the organization is not the caller's, and UNPROCESSABLE while the month is not
    settled.
    """
    session.require("Patient", "s")
    organization, own = await organization_with_parts(session, asked.organization)
    if not await session.holds(organization):
        raise HallpassError(Kind.FORBIDDEN, "An organization publishes its own counts, and no other's.")
    now = await store.moment(session.connection)
    if now.astimezone(session.zone).date() < date.fromisoformat(asked.period[1]) + SETTLED:
        text = f"A month is told {SETTLED.days} days after its end, when it is settled."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "month", "business-rule"))
    found = await find(session, asked, own)
    custodians = {r.id: r.custodian for r in found.referrals if r.custodian in own}
    client = session.caller.client
    made_of = await off_loop(client, lambda: outcomes(found, session.zone), large=True)
    of_each: dict[UUID, list[tuple[Json, bool]]] = {}
    for request, made in made_of:
        if (custodian := custodians.get(UUID(request["id"]))) is not None:
            of_each.setdefault(custodian, []).append((request, made.served is not None))
    told = [request for requests in of_each.values() for request, _ in requests]
    students = {i for q in told if (i := local_id(q.get("subject"), "Patient"))}
    rows = await current_rows(session, students)

    def table() -> Published:
        areas = {f"Patient/{r.id}": _area(parse(r.body)) for r in rows}
        return together(publish(counted(requests, areas)) for requests in of_each.values())

    published = await off_loop(client, table, large=True)
    others = [PendingRow(r) for r in (*found.all(), *rows) if not await session.holds(r.custodian)]
    document = report(published, f"Organization/{organization}", month, asked.period, instant(now))
    return PendingResult(tuple(others), document=document)


def _area(student: dict[str, Any]) -> str:
    return str(first(student, "address.postalCode") or "(not said)")[:5]
