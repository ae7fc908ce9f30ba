"""Patient/$broken-glass: who broke the glass for which of the caller's students and why, to be reviewed.

34 CFR 99.32(a)(5), 99.36. For the students' custodian; https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.operations.disclosures import date_of
from app.api.parameters import read
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import glass_review
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.limits.long_work import is_large
from app.resources import ResourceType
from app.resources.refs import as_uuid

KINDS = {"glass": "valueId", "note": "valueString"}


async def broken_glass(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """The list; a POST reviews one of it first."""
    http.require_acceptable(request)
    given = http.parameters(request, "start", "reviewed")
    reviewed = given.get("reviewed")
    if reviewed not in (None, "true", "false"):
        raise HallpassError(Kind.INVALID, Issue("The parameter 'reviewed' takes true or false."))
    review = await _review(request, context) if request.method == "POST" else None

    async def unit_of_work(session: Session) -> list[PendingResult]:
        if review is not None:
            await glass_review.review(session, *review)
        start = date_of(given, "start", session.zone)
        wanted = None if reviewed is None else reviewed == "true"
        return [await glass_review.listed(session, start[0] if start else None, wanted)]

    return http.respond(request, dump((await context.one("disclosures", unit_of_work)).document))


async def _review(request: Request, context: RequestContext) -> tuple[UUID, str]:
    content = await context.body(request, "AuditEvent", "c")
    given = await context.off_loop(lambda: read(content, KINDS), large=is_large(content))
    glass = as_uuid(given.get("glass", ""))
    if glass is None or not given.get("note", "").strip():
        text = "Say which one was reviewed (glass, its id) and what came of it (note)."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))
    return glass, given["note"].strip()


OPERATIONS = (
    Operation(
        name="broken-glass",
        type="Patient",
        calls=(
            Call("GET", "brokenGlass", "Broken glass to be reviewed", instance=False, asked=("start", "reviewed")),
            Call(
                "POST",
                "reviewBrokenGlass",
                "Review a broken glass",
                instance=False,
                asked=("start", "reviewed"),
            ),
        ),
        note="who broke the glass for which of the caller's students and why; a POST notes what a review came to",
        answer=broken_glass,
        scopes=("system/AuditEvent.c", "system/AuditEvent.s"),
        parameters=(
            Parameter("start", "dateTime", "Broken from this time on."),
            Parameter("reviewed", "boolean", "Only those that are reviewed, or are not."),
            Parameter("glass", "id", "Which one was reviewed."),
            Parameter("note", "string", "What the review came to."),
            Parameter("return", "Parameters", "Each broken glass, the latest first.", 1, use="out"),
        ),
        affects_state=True,
        body=Body(("Parameters",), "glass and note."),
        returns="Parameters",
        returns_text="Each broken glass: the student, who, why, when, how many records it gave, and the review.",
    ),
)
