"""Patient/[id]/$explain-access: why a recipient may see a student's records, or not, for the custodian.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import check
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import explaining
from app.exchange.explaining import Question
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.limits.long_work import is_large
from app.resources import ResourceType
from app.resources.refs import parse_local


async def explain_access(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The decision about each record that is asked about, with each provision that was weighed."""
    http.require_acceptable(request)
    content = await context.body(request, "Patient", "r")
    asked = await context.off_loop(lambda: question(content), large=is_large(content))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await explaining.explain(session, id, asked)]

    answer = await context.one("explain", unit_of_work)
    return http.respond(request, dump(answer.document))


def question(parameters: dict[str, Any]) -> Question:
    """The question in a Parameters resource: recipient, purpose (again for more), and type or resource."""
    check(parameters)
    given: dict[str, list[Any]] = {}
    for i, parameter in enumerate(parameters.get("parameter", [])):
        name = parameter["name"]
        if name not in _READERS:
            text = f"The parameters are {', '.join(_READERS)}."
            raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"Parameters.parameter[{i}].name"))
        value = _READERS[name](parameter)
        if value is None:
            raise HallpassError(
                Kind.UNPROCESSABLE, Issue("The value has the wrong type.", f"Parameters.parameter[{i}].value")
            )
        given.setdefault(name, []).append(value)
    if len(given.get("recipient", [])) != 1 or len(given.get("type", []) + given.get("resource", [])) != 1:
        text = "Ask about one recipient, and about one type or one resource."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter"))
    return Question(
        recipient=given["recipient"][0],
        purposes=frozenset(given.get("purpose", [])),
        type=given.get("type", [None])[0],
        resource=given.get("resource", [None])[0],
    )


def _code(parameter: dict[str, Any]) -> str | None:
    coding = parameter.get("valueCoding")
    value = parameter.get("valueCode") or (coding.get("code") if isinstance(coding, dict) else None)
    return value if isinstance(value, str) else None


def _target(parameter: dict[str, Any]) -> UUID | None:
    reference = parameter.get("valueReference")
    found = parse_local(reference.get("reference")) if isinstance(reference, dict) else None
    return found[1] if found else None


_READERS = {"recipient": _target, "purpose": _code, "type": _code, "resource": _target}


OPERATIONS = (
    Operation(
        name="explain-access",
        type="Patient",
        calls=(Call("POST", "explainAccess", "Why a recipient may see a student's records, or not"),),
        note="why a recipient may see a student's records, or not, for the custodian; the token needs "
        "system/[type].r of what is asked about",
        answer=explain_access,
        scopes=("system/Patient.r", "system/Consent.r"),
        parameters=(
            Parameter("recipient", "Reference", "The Organization that asks, or would ask.", 1),
            Parameter(
                "purpose",
                "code",
                "A purpose, from v3-ActReason; none: those of its clients.",
                most="*",
            ),
            Parameter("type", "code", "A resource type; this, or a resource."),
            Parameter("resource", "Reference", "One resource of the student."),
            Parameter("return", "Parameters", "The decision, and what each Consent and provision said.", 1, use="out"),
        ),
        body=Body(("Parameters",), "recipient, purpose (again for more), and type or resource."),
        returns="Parameters",
        returns_text="Each record asked about, and each provision weighed.",
    ),
)
