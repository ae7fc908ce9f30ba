"""Consent/[id]/$confirm: a person at the custodian confirms a release of which something lapsed and is back.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import read
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import confirming
from app.exchange.service import PendingResult, Session
from app.limits.long_work import is_large
from app.resources import ResourceType

LONGEST = 200


async def confirm(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The Consent with the confirmation."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, "Consent", "u")
    given = await context.off_loop(lambda: read(content, {"by": "valueString"}), large=is_large(content))
    by = given.get("by", "").strip()
    if not by or len(by) > LONGEST:
        text = f"Say who at your organization confirms it (by), in {LONGEST} characters at most."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await confirming.confirm(session, id, by, http.if_match(request))]

    answer = await context.one("update", unit_of_work)
    return http.respond(request, answer.one.body, headers=http.version_headers(answer.one))


OPERATIONS = (
    Operation(
        name="confirm",
        type="Consent",
        calls=(Call("POST", "confirmConsent", "Confirm a release of which something lapsed"),),
        note="a release whose signer's authority, or whose agreement, lapsed and is back has effect again; for its"
        " custodian",
        answer=confirm,
        scopes=("system/Consent.u",),
        parameters=(
            Parameter("by", "string", "Who at the custodian confirms it.", 1),
            Parameter("return", "Consent", "The release with its confirmation.", 1, use="out"),
        ),
        affects_state=True,
        body=Body(("Parameters",), "Who confirms it."),
        returns="Consent",
        returns_text="The release with its confirmation, or as it is where nothing of it lapsed.",
        headers=("ETag", "Last-Modified"),
    ),
)
