"""Patient/[id]/$recipients and $disclosed-copy: who received a student's records, and a copy of what left.

34 CFR 99.30(c)(1), 42 CFR 2.24. For the custodian; https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import Request, Response

from app.api import bundle, http
from app.api.context import RequestContext
from app.api.operations.disclosures import count_of, date_of, id_of
from app.api.page_tokens import PageTokens
from app.capability.operation import Call, Operation, Parameter
from app.exchange import received
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType


async def recipients(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """Each organization that received, on what basis, how much and when."""
    http.require_acceptable(request)
    given = http.parameters(request, "start", "end")

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await received.who(session, id, _period(given, session.zone))]

    return http.respond(request, dump((await context.one("disclosures", unit_of_work)).document))


async def disclosed_copy(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """A page of the versions that left."""
    http.require_acceptable(request)
    given = http.parameters(request, "start", "end", "recipient", "_count", "_cursor")
    page_tokens: PageTokens = request.app.state.page_tokens
    own = f"{context.base}/Patient/{id}/$disclosed-copy"
    bound = f"{context.caller.client}\0{own}"
    after = page_tokens.verify(given["_cursor"], bound) if "_cursor" in given else None
    count = count_of(given.get("_count"), context)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        period = _period(given, session.zone)
        return [await received.copies(session, id, id_of(given, "recipient"), period, after, count)]

    answer = await context.one("disclosed-copy", unit_of_work)
    links = [("self", own)]
    if "next" in answer.cursors:
        following = request.url.replace_query_params(
            **{**given, "_cursor": page_tokens.sign(answer.cursors["next"], bound)}
        )
        links.append(("next", f"{own}?{str(following).partition('?')[2]}"))
    return http.respond(request, bundle.searchset(answer.released, context.base, links, None))


def _period(given: Mapping[str, str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """From the start of one day to the end of another, in the caller's time zone."""
    start, end = date_of(given, "start", zone), date_of(given, "end", zone)
    return start[0] if start else None, end[1] if end else None


_START = Parameter("start", "dateTime", "Disclosures from this time on.")
_END = Parameter("end", "dateTime", "Disclosures before this time.")
OPERATIONS = (
    Operation(
        name="recipients",
        type="Patient",
        calls=(Call("GET", "recipients", "Who received a student's records", asked=("start", "end")),),
        note="everyone who received a student's records, from whom and under which release, for the custodian",
        answer=recipients,
        scopes=("system/AuditEvent.s",),
        parameters=(
            _START,
            _END,
            Parameter(
                "return",
                "Parameters",
                "By recipient, custodian, basis, release and purposes: how many records and versions, first and last.",
                1,
                use="out",
            ),
        ),
        returns="Parameters",
        returns_text="Each recipient, the latest first.",
    ),
    Operation(
        name="disclosed-copy",
        type="Patient",
        calls=(
            Call(
                "GET",
                "disclosedCopy",
                "A copy of a student's records as they left",
                asked=("start", "end", "recipient", "pageCount"),
            ),
        ),
        note="the versions of a student's records that were disclosed, for the custodian to hand to the family; the "
        "token needs system/[type].r of each type that left",
        answer=disclosed_copy,
        scopes=("system/AuditEvent.s", "system/Patient.r"),
        parameters=(
            _START,
            _END,
            Parameter("recipient", "string", "The id of the Organization that received."),
            Parameter("_count", "integer", "Versions on a page."),
            Parameter("return", "Bundle", "Each version that was disclosed, once.", 1, use="out"),
        ),
        returns_text="The versions that were disclosed.",
    ),
)
