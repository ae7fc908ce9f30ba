"""ServiceRequest/[id]/$waiting: for how many days a referral has waited."""

from __future__ import annotations

from datetime import UTC

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.capability.operation import Call, Operation, Parameter
from app.exchange import reads
from app.exchange.service import PendingResult, Session
from app.fhir.dates import interval
from app.fhir.json import dump, parse
from app.resources import ResourceType


async def waiting(request: Request, context: RequestContext, declared: ResourceType, id: str) -> Response:
    """Parameters with the days between the referral and its last change."""
    http.require_acceptable(request)
    http.parameters(request)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await reads.read(session, declared, id)]

    answer = await context.one("read", unit_of_work)
    referral = parse(answer.one.body)
    found = {"resourceType": "Parameters"}
    if "authoredOn" in referral:
        since = interval(referral["authoredOn"], UTC)
        days = {"name": "days", "valueInteger": (answer.one.updated - since.lower).days}
        found["parameter"] = [days]
    return http.respond(request, dump(found))


OPERATIONS = (
    Operation(
        name="waiting",
        type="ServiceRequest",
        calls=(Call("GET", "waitingOfServiceRequest", "For how many days a referral has waited"),),
        note="for how many days a referral has waited",
        answer=waiting,
        scopes=("system/ServiceRequest.r",),
        parameters=(Parameter("days", "integer", "Days since it was authored.", use="out"),),
        returns="Parameters",
        returns_text="The days.",
    ),
)
