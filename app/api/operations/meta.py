"""$meta on a resource: its version, profiles, tags and labels. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.capability.operation import Call, Operation
from app.exchange import reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump, parse
from app.resources import ResourceType


async def meta(request: Request, context: RequestContext, declared: ResourceType, id: str) -> Response:
    """Parameters with the meta element."""
    http.require_acceptable(request)
    http.parameters(request)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await reads.read(session, declared, id)]

    answer = await context.one("read", unit_of_work)
    parameter = {"name": "return", "valueMeta": parse(answer.one.body)["meta"]}
    document = {"resourceType": "Parameters", "parameter": [parameter]}
    return http.respond(request, dump(document), headers=http.version_headers(answer.one))


OPERATIONS = (
    Operation(
        name="meta",
        type=None,
        calls=(Call("GET", "meta", "The meta element of a resource"),),
        note="read only",
        answer=meta,
        hl7="Resource-meta",
        returns="Parameters",
        returns_text="Parameters with the meta element.",
        headers=("ETag", "Last-Modified"),
    ),
)
