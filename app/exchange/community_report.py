"""$community-report: what an organization may publish of the referrals that it and its parts hold, for a month.

Small counts do not leave it (app/report/community.py). A month is published once, when it is over and settled: what is
asked for again is what was published, so that no two answers about one month can be subtracted. It is published under an
agreement, and those with whom there is one may read it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.db import community
from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.exchange.referral_report import Asked, current_rows, find, organization_with_parts, outcomes
from app.exchange.release import PendingResult, PendingRow
from app.fhir.dates import instant
from app.fhir.json import dump, parse
from app.limits.long_work import off_loop
from app.report.community import counted, publish, report
from app.resources.paths import first
from app.resources.refs import local_id
from app.session import Session

SETTLED = timedelta(days=30)


async def community_report(session: Session, asked: Asked, month: str) -> PendingResult:
    """The report as a MeasureReport.

    Raises NOT_FOUND, FORBIDDEN where the organization is not the caller's or has no agreement, CONFLICT where the month
    is published within another's, and UNPROCESSABLE while it is not settled.
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
    found = await find(session, asked, own)
    held = {r.id for r in found.referrals if r.custodian in own}
    client = session.caller.client
    made_of = await off_loop(client, lambda: outcomes(found, session.zone, session.settings.overdue_days), large=True)
    referrals = [(q, made.served is not None) for q, made in made_of if UUID(q["id"]) in held]
    students = {i for q, _ in referrals if (i := local_id(q.get("subject"), "Patient"))}
    rows = await current_rows(session, students)
    table = await off_loop(
        client,
        lambda: publish(counted(referrals, {f"Patient/{r.id}": _area(parse(r.body)) for r in rows})),
        large=True,
    )
    others = [PendingRow(r) for r in (*found.all(), *rows) if not await session.holds(r.custodian)]
    document = report(table, f"Organization/{organization}", month, asked.period, instant(now))
    kept = await community.publish(session.connection, organization, month, client, dump(document))
    if kept is None:
        text = (
            "A part of the organization, or one that it is a part of, has published this month. "
            "The two together would tell small counts."
        )
        raise HallpassError(Kind.CONFLICT, Issue(text, "month", "business-rule"))
    return PendingResult(tuple(others), document=parse(kept))


def _area(student: dict[str, Any]) -> str:
    return str(first(student, "address.postalCode") or "(not said)")[:5]
