"""AuditEvent/$recordDisclosure: a disclosure outside the exchange, entered by the custodian.

https://hl7.org/fhir/us/consent-management/ (1.0.0-ballot), 34 CFR 99.32
"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import read
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import outside
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.fhir.outcome import success
from app.limits.long_work import is_large

KINDS = {"disclosure": "resource", "consent": "valueReference"}


async def record_disclosure(request: Request, context: RequestContext, _declared: None, _id: None) -> Response:
    """The outcome, with the address of the AuditEvent."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, "AuditEvent", "c")
    given = await context.off_loop(lambda: read(content, KINDS), large=is_large(content))
    if "disclosure" not in given:
        at = "Parameters.parameter.where(name='disclosure')"
        raise HallpassError(Kind.UNPROCESSABLE, Issue("The parameter 'disclosure' is missing.", at, "required"))
    event = given["disclosure"]
    await context.off_loop(lambda: outside.check(event), large=is_large(event))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await outside.enter(session, event, given.get("consent"))]

    document = (await context.one("create", unit_of_work)).document or {}
    headers = {"Location": f"{context.base}/AuditEvent/{document['id']}"}
    return http.respond(request, dump(success("Entered, as your organization asserts it.")), 200, headers)


OPERATIONS = (
    Operation(
        name="recordDisclosure",
        type="AuditEvent",
        calls=(Call("POST", "recordDisclosure", "Enter a disclosure outside the exchange", instance=False),),
        note="a disclosure by telephone, on paper or by subpoena, entered by the custodian and marked as asserted",
        answer=record_disclosure,
        scopes=("system/AuditEvent.c",),
        parameters=(
            Parameter("disclosure", "AuditEvent", "Who received what of which student, when and why.", 1),
            Parameter("consent", "Reference", "The Consent under which it was made; none: under an exception."),
            Parameter("return", "OperationOutcome", "What came of it.", use="out"),
        ),
        affects_state=True,
        body=Body(("Parameters",), "disclosure and consent."),
        returns="OperationOutcome",
        returns_text="What came of it; Location leads to the AuditEvent.",
        headers=("Location",),
    ),
)
