"""Organization/[id]/$purposes: the purposes of use that a recipient can assert, so that a release can name one.

https://hl7.org/fhir/R4/operations.html — it is of the directory, like the organization itself: every member may ask.
"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.capability.operation import Call, Operation, Parameter
from app.exchange.purposes import purposes_of
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType


async def purposes(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """A Parameters resource with a code for each."""
    http.require_acceptable(request)
    http.parameters(request)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await purposes_of(session, id)]

    return http.respond(request, dump((await context.one("purposes", unit_of_work)).document))


OPERATIONS = (
    Operation(
        name="purposes",
        type="Organization",
        calls=(Call("GET", "purposes", "The purposes of use that a recipient can assert"),),
        note="a release to an organization has effect for these purposes alone; of its parts' clients as well",
        answer=purposes,
        scopes=("system/Organization.r",),
        parameters=(Parameter("purpose", "code", "A purpose of use that a client of it can assert.", 0, "*", "out"),),
        returns="Parameters",
        returns_text="A code for each purpose.",
    ),
)
