"""ServiceRequest/$awaiting-release: the active referrals whose provider does not see them, and what is missing.

https://hl7.org/fhir/R4/operations.html — for the custodian; docs/referral.md says how a referral waits.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.page_tokens import PageTokens
from app.api.search import opened, page_token, understand
from app.capability.operation import Call, Operation, Parameter
from app.exchange import awaiting
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType

PATH = "ServiceRequest/$awaiting-release"
NAMES = ("patient", "_count", "_cursor")


async def awaiting_release(
    request: Request, context: RequestContext, _declared: ResourceType, _id: str | None
) -> Response:
    """A page of the referrals that wait."""
    http.require_acceptable(request)
    given = http.parameters(request, *NAMES)
    page_tokens: PageTokens = request.app.state.page_tokens

    async def unit_of_work(session: Session) -> list[PendingResult]:
        search = understand(session, "ServiceRequest", [("status", "active"), *given.items()])
        return [await awaiting.awaiting_release(session, search, opened(page_tokens, context, PATH, search))]

    answer = await context.one("awaiting-release", unit_of_work)
    document = dict(answer.document or {})
    if "next" in answer.cursors:
        onward = {k: v for k, v in given.items() if k != "_cursor"}
        onward["_cursor"] = page_token(answer, "next", context, page_tokens, PATH)
        link = {"name": "next", "valueUrl": f"{context.base}/{PATH}?{urlencode(onward)}"}
        document["parameter"] = [*document.get("parameter", []), link]
    return http.respond(request, dump(document), headers={"Cache-Control": "no-store"})


OPERATIONS = (
    Operation(
        name="awaiting-release",
        type="ServiceRequest",
        calls=(
            Call(
                "GET",
                "referralsAwaitingRelease",
                "The referrals that wait for a signature",
                instance=False,
                asked=("student", "count"),
            ),
        ),
        note="patient, _count; for the custodian: active referrals that their provider does not see, and why",
        answer=awaiting_release,
        scopes=("system/ServiceRequest.s", "system/Task.s", "system/Consent.r"),
        parameters=(
            Parameter("patient", "string", "Only this student's."),
            Parameter("_count", "integer", "How many referrals a page goes through."),
            Parameter("return", "Parameters", "The referrals that wait, and what is missing.", 1, use="out"),
        ),
        returns="Parameters",
        returns_text="The referrals that wait, what is missing, and the link to the next page.",
    ),
)
