"""Questionnaire/$populate: a response to a form, begun with what is known of a student.

https://hl7.org/fhir/uv/sdc/OperationDefinition-Questionnaire-populate.html
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.api.search import understand
from app.assessments.extract import codes, populated
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump, parse
from app.resources import ResourceType
from app.resources.refs import local_id

MOST_CODES = 100


async def populate(request: Request, context: RequestContext, declared: ResourceType, id: str) -> Response:
    """The response, with the newest Observation of each code that the caller sees, and the form's initial values."""
    http.require_acceptable(request)
    http.parameters(request)
    given = parameters.read(await context.body(request, declared.name, "r"), {"subject": "valueReference"})
    student = local_id(
        {"reference": str(given.get("subject", {}).get("reference", "")).removeprefix(f"{context.base}/")}, "Patient"
    )
    if student is None:
        text = "The parameter subject is a reference to a Patient of this server."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='subject')", "required"))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        await reads.compartment(session, str(student))
        form = await reads.read(session, declared, id)
        asked = codes(parse(form.pending[0].row.body))[:MOST_CODES]
        if not asked:
            return [form]
        query = [("patient", str(student)), ("code", ",".join(asked)), ("_sort", "-date"), ("_total", "none")]
        query += [("status", "final,amended,corrected"), ("_count", str(session.settings.max_count))]
        return [form, await reads.search(session, understand(session, "Observation", query), None)]

    first, *others = await context.all("populate", unit_of_work)
    form: dict[str, Any] = parse(first.one.body)
    observations = [parse(r.body) for found in others for r in found.released]
    canonical = "|".join(form[k] for k in ("url", "version") if k in form) or f"Questionnaire/{id}"
    return http.respond(request, dump(populated(form, canonical, f"Patient/{student}", observations)))


OPERATIONS = (
    Operation(
        name="populate",
        type="Questionnaire",
        calls=(Call("POST", "populateForm", "Begin a response to a form"),),
        note="subject; initial values, and the newest visible Observation of each question that is marked for it",
        answer=populate,
        scopes=("system/Questionnaire.r", "system/Observation.s"),
        parameters=(
            Parameter("subject", "Reference", "The student.", 1),
            Parameter("return", "QuestionnaireResponse", "A response to be completed.", 1, use="out"),
        ),
        body=Body(("Parameters",), "Parameters with subject."),
        returns="QuestionnaireResponse",
        returns_text="A response in progress, which is not stored.",
    ),
)
