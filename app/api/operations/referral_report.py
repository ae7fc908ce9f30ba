"""Organization/[id]/$referral-report: what came of the referrals that an organization made or received.

https://hl7.org/fhir/R4/measurereport.html — docs/guides/reports.md says what each figure means.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.search import understand
from app.capability.operation import Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import referral_report as reports
from app.exchange.referral_report import Asked
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType
from app.search.query import Search

YEAR = timedelta(days=365)


async def referral_report(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The report, a MeasureReport."""
    http.require_acceptable(request)
    start, end = period(http.parameters(request, "start", "end"))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await reports.referral_report(session, asked(session, id, start, end))]

    answer = await context.one("referral-report", unit_of_work)
    return http.respond(request, dump(answer.document), headers={"Cache-Control": "no-store"})


def asked(session: Session, organization: str, start: str, end: str) -> Asked:
    """The searches behind a report: referrals by their date, and what followed them."""

    def search(name: str, *pairs: tuple[str, str]) -> Search:
        return understand(session, name, [*pairs, ("_total", "none")])

    return Asked(
        organization,
        (start, end),
        search("ServiceRequest", ("authored", f"ge{start}"), ("authored", f"le{end}")),
        search("Task", ("authored-on", f"ge{start}"), ("focus:missing", "false")),
        search("Encounter", ("date", f"ge{start}"), ("based-on:missing", "false")),
    )


def period(given: dict[str, str]) -> tuple[str, str]:
    """The first and the last day of a report, by default the year until today. Raises INVALID."""
    try:
        end = date.fromisoformat(given["end"]) if "end" in given else datetime.now(UTC).date()
        start = date.fromisoformat(given["start"]) if "start" in given else end - YEAR
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue("start and end are days such as 2026-09-01.")) from None
    if end < start:
        raise HallpassError(Kind.INVALID, Issue("The parameter 'end' is before 'start'."))
    return start.isoformat(), end.isoformat()


OPERATIONS = (
    Operation(
        name="referral-report",
        type="Organization",
        calls=(
            Call("GET", "referralReport", "What came of an organization's referrals", asked=("firstDay", "lastDay")),
        ),
        note="start, end; counts and times of the referrals that it made or received, as far as the caller sees them",
        answer=referral_report,
        scopes=("system/Organization.r", "system/ServiceRequest.s", "system/Task.s", "system/Encounter.s"),
        parameters=(
            Parameter("start", "date", "The first day on which a referral was made; by default a year before the end."),
            Parameter("end", "date", "The last day on which a referral was made; by default today."),
            Parameter("return", "MeasureReport", "The report.", 1, use="out"),
        ),
        returns="MeasureReport",
        returns_text="The report.",
    ),
)
