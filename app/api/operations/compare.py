"""Consent/$compare: does a draft open anything that a filed release does not, for any record there could be?

No is a proof by a solver, yes comes with an example. https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import read
from app.capability.operation import Body, Call, Operation, Parameter
from app.consent import comparison
from app.consent.model import Release
from app.errors import HallpassError, Issue, Kind
from app.exchange import comparing
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.limits.long_work import is_large
from app.resources import ResourceType

KINDS = {"consent": "resource", "with": "valueReference"}


async def compare(request: Request, context: RequestContext, declared: ResourceType, _id: None) -> Response:
    """Whether the draft opens more, with an example, and whether the filed release does."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, "Consent", "r")
    given = await context.off_loop(lambda: read(content, KINDS), large=is_large(content))
    for name in KINDS:
        if name not in given:
            at = f"Parameters.parameter.where(name='{name}')"
            raise HallpassError(Kind.UNPROCESSABLE, Issue(f"The parameter {name!r} is missing.", at, "required"))
    validated = await context.validate_body(declared, given["consent"])

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await comparing.pair(session, validated, given["with"])]

    pair: dict[str, Any] = (await context.one("explain", unit_of_work)).document or {}
    return http.respond(request, dump(await _judged(context, pair["draft"], pair["filed"])))


async def _judged(context: RequestContext, draft: Release, filed: Release) -> dict[str, Any]:
    if not comparison.available():
        text = "This server has no solver. Its operator can install it: pip install 'hallpass[compare]'."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, None, "not-supported"))
    try:
        found = await context.off_loop(
            lambda: (comparison.opens_more(draft, filed), comparison.opens_more(filed, draft)), large=True
        )
    except comparison.Undecided:
        text = "The solver found no answer in its time. Compare a simpler draft."
        raise HallpassError(Kind.TOO_COSTLY, Issue(text)) from None
    return comparison.report(*found)


OPERATIONS = (
    Operation(
        name="compare",
        type="Consent",
        calls=(Call("POST", "compareConsent", "Compare a draft with a filed release", instance=False),),
        note="whether a draft opens anything that a filed release does not, for any record there could be",
        answer=compare,
        scopes=("system/Consent.r",),
        parameters=(
            Parameter("consent", "Consent", "The draft.", 1),
            Parameter("with", "Reference", "The filed Consent, active, about the same student.", 1),
            Parameter(
                "return",
                "Parameters",
                "opensMore: whether the draft opens more; opensLess: whether the filed one does; each with an example.",
                1,
                use="out",
            ),
        ),
        body=Body(("Parameters",), "consent and with."),
        returns="Parameters",
        returns_text="Whether either opens more, with an example.",
    ),
)
