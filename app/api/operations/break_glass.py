"""Patient/$break-glass: open a student's records in an emergency, with a reason. 34 CFR 99.36, 45 CFR 164.512(j)"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import bundle, http
from app.api.context import RequestContext
from app.api.parameters import check
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import emergency
from app.exchange.service import PendingResult, Session
from app.limits.long_work import is_large
from app.resources import ResourceType


async def break_glass(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """The student whose records can be read for a while from now on."""
    http.require_acceptable(request)
    content = await context.body(request, "Patient", "r")
    system, value, reason = await context.off_loop(lambda: _identifier(content), large=is_large(content))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await emergency.break_glass(session, system, value, reason)]

    answer = await context.one("emergency", unit_of_work)
    if len(answer.released) > 1:  # one for each organization that holds the student
        return http.respond(request, bundle.searchset(answer.released, context.base, (), len(answer.released)))
    return http.respond(request, answer.one.body, headers=http.version_headers(answer.one))


def _identifier(parameters: dict[str, Any]) -> tuple[str, str, str]:
    """System and value of `identifier`, and the text of `reason`. Raises UNPROCESSABLE."""
    check(parameters)
    given = {p["name"]: p for p in parameters.get("parameter", [])}
    identifier = given.get("identifier", {}).get("valueIdentifier")
    reason = given.get("reason", {}).get("valueString", "")
    system, value = (
        (identifier.get("system"), identifier.get("value")) if isinstance(identifier, dict) else (None, None)
    )
    if isinstance(system, str) and isinstance(value, str) and isinstance(reason, str) and len(given) <= 2:
        return system, value, reason
    text = "The parameters are identifier (with system and value) and reason."
    raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter"))


OPERATIONS = (
    Operation(
        name="break-glass",
        type="Patient",
        calls=(Call("POST", "breakGlass", "Open a student's records in an emergency, with a reason", instance=False),),
        note="in an emergency, with a reason, for clients registered for it",
        answer=break_glass,
        scopes=("hallpass/emergency", "system/Patient.r"),
        parameters=(
            Parameter("identifier", "Identifier", "An identifier of the student.", 1),
            Parameter("reason", "string", "Why it is needed; it stands on the record of disclosures.", 1),
            Parameter(
                "return", "Patient", "The student; the records can be read for a while from then on.", 1, use="out"
            ),
        ),
        affects_state=True,
        body=Body(("Parameters",), "identifier (with system and value) and reason."),
        returns="Patient",
        returns_text="The student.",
        headers=("ETag", "Last-Modified"),
    ),
)
