"""QuestionnaireResponse/$extract: the Observations that answers stand for. Nothing is stored.

https://hl7.org/fhir/uv/sdc/OperationDefinition-QuestionnaireResponse-extract.html
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.assessments.extract import bundle, extracted
from app.assessments.judge import faults
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import answers, reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump, parse
from app.fhir.validation.validate import check
from app.limits.long_work import is_large
from app.resources import ResourceType
from app.search.value_sets import codes_of

Json = dict[str, Any]
KINDS = {"questionnaire-response": "resource", "questionnaire": "resource"}


async def extract(request: Request, context: RequestContext, declared: ResourceType, id: str | None) -> Response:
    """A transaction Bundle with an Observation for each answer that its form marks for it."""
    http.require_acceptable(request)
    http.parameters(request)
    given = await _given(request, context, stored=id is not None)
    sent = given.get("questionnaire-response")
    forms: list[Json | None] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        found = PendingResult() if id is None else await reads.read(session, declared, id)
        response = sent or parse(found.pending[0].row.body)
        forms[:] = [given.get("questionnaire") or await answers.form_of(session, response.get("questionnaire"))]
        return [found]

    result = await context.one("extract", unit_of_work)
    form, response = forms[0], sent or parse(result.one.body)
    if form is None:
        text = "The form is not known: extracting needs one that your organization holds, or that the exchange ships."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "QuestionnaireResponse.questionnaire", "not-found"))
    large = is_large(form) or is_large(response)
    made = await context.off_loop(lambda: _made(form, response, judged=bool(sent)), large=large)
    return http.respond(request, made)


def _made(form: Json, response: Json, *, judged: bool) -> bytes:
    """The Bundle. Raises UNPROCESSABLE where the answers are to be judged first, and are none to the form."""
    if judged and (found := faults(form, response, codes_of)):
        raise HallpassError(Kind.UNPROCESSABLE, *found)
    return dump(bundle(extracted(form, response)))


async def _given(request: Request, context: RequestContext, *, stored: bool) -> Json:
    """The parameters of a POST: of a response that is stored none, else the response, and its form or none."""
    if request.method == "GET" or (stored and request.headers.get("Content-Length", "0") == "0"):
        return {}
    content = await context.body(request, "QuestionnaireResponse", "r")
    return await context.off_loop(lambda: _checked(content, stored=stored), large=is_large(content))


def _checked(content: Json, *, stored: bool) -> Json:
    given = parameters.read(content, {} if stored else KINDS)
    if stored:
        return given
    response = given.get("questionnaire-response")
    if response is None:
        text = "The parameter questionnaire-response is a QuestionnaireResponse."
        at = "Parameters.parameter.where(name='questionnaire-response')"
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, at, "required"))
    check("QuestionnaireResponse", response)
    if "subject" not in response:
        text = "An Observation is about somebody: the response has a subject."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "QuestionnaireResponse.subject", "required"))
    if "questionnaire" in given:
        check("Questionnaire", given["questionnaire"])
    return given


OPERATIONS = (
    Operation(
        name="extract",
        type="QuestionnaireResponse",
        calls=(
            Call("GET", "extractAnswers", "The Observations that answers stand for"),
            Call("POST", "postExtractAnswers", "The Observations that answers stand for"),
            Call("POST", "extractSentAnswers", "The Observations that answers in the body stand for", instance=False),
        ),
        note="a transaction Bundle of Observations, by the marks of the form, of a stored response or of one that is"
        " sent; nothing is stored",
        answer=extract,
        scopes=("system/QuestionnaireResponse.r",),
        parameters=(
            Parameter("questionnaire-response", "QuestionnaireResponse", "The answers, where they are not stored."),
            Parameter("questionnaire", "Questionnaire", "Their form, where it is not held or shipped."),
            Parameter("return", "Bundle", "A transaction that stores the Observations.", 1, use="out"),
        ),
        body=Body(
            ("Parameters",), "Of a response that is not stored: Parameters with it, and its form.", required=False
        ),
        returns_text="A transaction Bundle with an Observation for each answer that the form marks for extraction.",
    ),
)
