"""$withheld: the lines of bulk exports that were left out when they were fetched, and why; for the custodian.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.operations.disclosures import count_of, id_of
from app.api.page_tokens import PageTokens
from app.capability.operation import SYSTEM, Call, Operation, Parameter
from app.exchange.bulk import withheld
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType

PATH = "$withheld"


async def answer(request: Request, context: RequestContext, _declared: ResourceType | None, _id: None) -> Response:
    """A page of what was left out, the oldest first."""
    http.require_acceptable(request)
    given = http.parameters(request, "recipient", "_count", "_cursor")
    page_tokens: PageTokens = request.app.state.page_tokens
    bound = f"{context.caller.client}\0{PATH}"
    after = withheld.BEGINNING
    if "_cursor" in given:
        after = withheld.place_of(page_tokens.verify(given["_cursor"], bound))
    count = count_of(given.get("_count"), context)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await withheld.withheld(session, id_of(given, "recipient"), after, count)]

    found = await context.one("withheld", unit_of_work)
    document = dict(found.document or {})
    if "next" in found.cursors:
        onward = {**given, "_cursor": page_tokens.sign(found.cursors["next"], bound)}
        link = {"name": "next", "valueUrl": f"{context.base}/{PATH}?{urlencode(onward)}"}
        document["parameter"] = [*document.get("parameter", []), link]
    return http.respond(request, dump(document))


OPERATIONS = (
    Operation(
        name="withheld",
        type=SYSTEM,
        calls=(
            Call(
                "GET",
                "withheld",
                "What bulk exports left out when they were fetched",
                instance=False,
                asked=("recipient", "pageCount"),
            ),
        ),
        note="recipient, _count; for the custodian: what others' exports had chosen and left out, and why",
        answer=answer,
        scopes=("system/AuditEvent.s", "system/Consent.r"),
        parameters=(
            Parameter("recipient", "string", "The id of the Organization whose client fetched."),
            Parameter("_count", "integer", "Lines on a page."),
            Parameter("return", "Parameters", "Each line, and why it is not seen today.", 1, use="out"),
        ),
        returns="Parameters",
        returns_text="The lines that were left out, and the link to the next page.",
    ),
)
