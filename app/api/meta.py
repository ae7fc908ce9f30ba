"""$meta on a resource: its version, profiles, tags and labels. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api import http
from app.api.context import Context
from app.exchange import reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump, parse
from app.resources import ResourceType


def add(router: APIRouter, declared: ResourceType) -> None:
    """The route of GET /{type}/{id}/$meta."""
    name = declared.name

    @router.get(f"/{name}/{{id}}/$meta", operation_id=f"meta{name}", summary=f"The meta element of a {name}")
    async def meta(request: Request, id: str, context: Context) -> Response:
        http.require_acceptable(request)
        http.parameters(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            return [await reads.read(session, declared, id)]

        answer = await context.one("read", unit_of_work)
        parameter = {"name": "return", "valueMeta": parse(answer.one.body)["meta"]}
        document = {"resourceType": "Parameters", "parameter": [parameter]}
        return http.respond(request, dump(document), headers=http.version_headers(answer.one))
