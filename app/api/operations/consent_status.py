"""Patient/[id]/$consent-status: how a student's releases stand, for the custodian.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.capability.operation import Call, Operation, Parameter
from app.exchange import standing
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType


async def consent_status(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """Which releases have effect, what each opens to whom, and what changes in the next 30 days."""
    http.require_acceptable(request)
    http.parameters(request)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await standing.status(session, id)]

    return http.respond(request, dump((await context.one("explain", unit_of_work)).document))


OPERATIONS = (
    Operation(
        name="consent-status",
        type="Patient",
        calls=(Call("GET", "consentStatus", "How a student's releases stand"),),
        note="which releases have effect, what each opens to whom, and what changes in 30 days, for the custodian",
        answer=consent_status,
        scopes=("system/Patient.r", "system/Consent.r"),
        parameters=(
            Parameter(
                "return",
                "Parameters",
                "A release for each active Consent: effective or why not, since, until, and by recipient what it"
                " opens by type and which other Consent opens the same; a change for each moment of the next 30 days.",
                1,
                use="out",
            ),
        ),
        returns="Parameters",
        returns_text="Each release, and each change to come.",
    ),
)
