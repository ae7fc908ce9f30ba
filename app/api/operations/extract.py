"""QuestionnaireResponse/$extract: the Observations that answers stand for. Nothing is stored.

https://hl7.org/fhir/uv/sdc/OperationDefinition-QuestionnaireResponse-extract.html
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.assessments.extract import bundle, extracted
from app.capability.operation import Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import answers, reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump, parse
from app.resources import ResourceType


async def extract(request: Request, context: RequestContext, declared: ResourceType, id: str) -> Response:
    """A transaction Bundle with an Observation for each answer that its form marks for it."""
    http.require_acceptable(request)
    http.parameters(request)
    forms: list[dict[str, Any] | None] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found = await reads.read(session, declared, id)
        response = parse(found.pending[0].row.body)
        forms[:] = [await answers.form_of(session, response.get("questionnaire"))]
        return [found]

    released = (await context.one("extract", unit_of_work)).one
    if forms[0] is None:
        text = "The form is not known: extracting needs one that your organization holds, or that the exchange ships."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "QuestionnaireResponse.questionnaire", "not-found"))
    return http.respond(request, dump(bundle(extracted(forms[0], parse(released.body)))))


OPERATIONS = (
    Operation(
        name="extract",
        type="QuestionnaireResponse",
        calls=(Call("GET", "extractAnswers", "The Observations that answers stand for"),),
        note="a transaction Bundle of Observations, by the marks of the form; nothing is stored",
        answer=extract,
        scopes=("system/QuestionnaireResponse.r",),
        parameters=(Parameter("return", "Bundle", "A transaction that stores the Observations.", 1, use="out"),),
        returns_text="A transaction Bundle with an Observation for each answer that the form marks for extraction.",
    ),
)
