"""Organization/[id]/$community-report: counts of needs, referrals and unmet needs that may be published.

https://hl7.org/fhir/R4/measurereport.html — docs/guides/reports.md says what is left out, and why.
"""

from __future__ import annotations

import re
from calendar import monthrange

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.operations.referral_report import asked
from app.capability.operation import Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import community_report as reports
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


async def community_report(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The report, a MeasureReport."""
    http.require_acceptable(request)
    month = http.parameters(request, "month").get("month", "")
    stated = _MONTH.fullmatch(month)
    if stated is None:
        raise HallpassError(Kind.INVALID, Issue("The parameter 'month' is a month such as 2026-09."))
    last = monthrange(int(stated[1]), int(stated[2]))[1]

    async def unit_of_work(session: Session) -> list[PendingResult]:
        wanted = asked(session, id, f"{month}-01", f"{month}-{last}")
        return [await reports.community_report(session, wanted, month)]

    answer = await context.one("community-report", unit_of_work)
    return http.respond(request, dump(answer.document), headers={"Cache-Control": "no-store"})


OPERATIONS = (
    Operation(
        name="community-report",
        type="Organization",
        calls=(Call("GET", "communityReport", "Counts of an organization's that may be published", asked=("month",)),),
        note="month; counts by category and area, without small ones, for the organization itself to publish",
        answer=community_report,
        scopes=(
            "system/Organization.r",
            "system/Patient.s",
            "system/ServiceRequest.s",
            "system/Task.s",
            "system/Encounter.s",
        ),
        parameters=(
            Parameter("month", "string", "The month, such as 2026-09; it is over for 30 days.", 1),
            Parameter("return", "MeasureReport", "The report.", 1, use="out"),
        ),
        returns="MeasureReport",
        returns_text="The report.",
    ),
)
