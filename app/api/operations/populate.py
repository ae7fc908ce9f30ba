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
from app.exchange import answers, reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump, parse
from app.fhir.validation.validate import check
from app.limits.long_work import is_large
from app.resources import TYPES, ResourceType
from app.resources.refs import local_id

MOST_CODES = 100
Json = dict[str, Any]
KINDS = {"subject": "valueReference", "local": "valueBoolean"}
FORMS = {"questionnaire": "resource", "canonical": "valueUri|valueCanonical", "questionnaireRef": "valueReference"}
"""How a form is named where the path names none: one of these."""


async def populate(request: Request, context: RequestContext, _declared: ResourceType, id: str | None) -> Response:
    """The response, with the newest Observation of each code that the caller sees, and the form's initial values."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, "Questionnaire", "r")
    given = await context.off_loop(lambda: _given(content, stored=id is not None), large=is_large(content))
    student = _local(given.get("subject"), context.base, "Patient", "subject")
    if "questionnaireRef" in given:
        id = _local(given["questionnaireRef"], context.base, "Questionnaire", "questionnaireRef")
    forms: list[Json] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        await reads.compartment(session, student)
        stored = [] if id is None else [await reads.read(session, TYPES["Questionnaire"], id)]
        forms[:] = [parse(stored[0].pending[0].row.body) if stored else await _form(session, given)]
        asked = codes(forms[0])[:MOST_CODES]
        if not asked or given.get("local") is False:
            return stored or [PendingResult()]
        query = [("patient", student), ("code", ",".join(asked)), ("_sort", "-date"), ("_total", "none")]
        query += [("status", "final,amended,corrected"), ("_count", str(session.settings.max_count))]
        return [*stored, await reads.search(session, understand(session, "Observation", query), None)]

    released = [r for found in await context.all("populate", unit_of_work) for r in found.released]
    observations = [parse(r.body) for r in released if r.type == "Observation"]
    form = next((parse(r.body) for r in released if r.type == "Questionnaire"), forms[0])
    made = await context.off_loop(
        lambda: dump(populated(form, _canonical(form, id), f"Patient/{student}", observations)),
        large=is_large(form) or is_large(observations),
    )
    return http.respond(request, made)


def _given(content: Json, *, stored: bool) -> Json:
    """The parameters. Raises UNPROCESSABLE unless the form is named once: by the path, or by one of them."""
    given = parameters.read(content, KINDS if stored else {**KINDS, **FORMS})
    if not stored and len(given.keys() & FORMS.keys()) != 1:
        text = f"One of these says which form is meant: {', '.join(FORMS)}."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))
    if "questionnaire" in given:
        check("Questionnaire", given["questionnaire"])
    return given


def _local(reference: Any, base: str, kind: str, name: str) -> str:
    found = local_id({"reference": str((reference or {}).get("reference", "")).removeprefix(f"{base}/")}, kind)
    if found is None:
        text = f"The parameter {name} is a reference to a {kind} of this server."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"Parameters.parameter.where(name='{name}')", "required"))
    return str(found)


def _canonical(form: Json, id: str | None) -> str | None:
    """The form's own URL with its version, else where it is stored."""
    if "url" not in form:
        return id and f"Questionnaire/{id}"
    return "|".join(str(form[k]) for k in ("url", "version") if k in form)


async def _form(session: Session, given: Json) -> Json:
    """The form that is sent, or that a canonical URL means to the caller."""
    found: Json | None = given.get("questionnaire") or await answers.form_of(session, given.get("canonical"))
    if found is None:
        text = "The form is not known: your organization holds none with this URL, and the exchange ships none."
        at = "Parameters.parameter.where(name='canonical')"
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, at, "not-found"))
    return found


OPERATIONS = (
    Operation(
        name="populate",
        type="Questionnaire",
        calls=(
            Call("POST", "populateForm", "Begin a response to a form"),
            Call("POST", "populateNamedForm", "Begin a response to a form that the body names", instance=False),
        ),
        note="subject, and without an id the form; initial values, and the newest visible Observation of each question"
        " that is marked for it",
        answer=populate,
        scopes=("system/Questionnaire.r", "system/Observation.s"),
        parameters=(
            Parameter("questionnaire", "Questionnaire", "The form."),
            Parameter("canonical", "uri", "The form by its URL: one that is held or shipped."),
            Parameter("questionnaireRef", "Reference", "The form as it is stored here."),
            Parameter("subject", "Reference", "The student.", 1),
            Parameter("local", "boolean", "False: the form's initial values alone."),
            Parameter("return", "QuestionnaireResponse", "A response to be completed.", 1, use="out"),
        ),
        body=Body(("Parameters",), "Parameters with subject, and without an id one that says which form is meant."),
        returns="QuestionnaireResponse",
        returns_text="A response in progress, which is not stored.",
    ),
)
