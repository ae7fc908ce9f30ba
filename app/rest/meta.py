"""$meta on a resource: its version, profiles, tags and labels. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.consent.gate import Door, Found, reads
from app.fhir.json import dump, parse
from app.resources import ResourceType
from app.rest import http
from app.rest.passage import Through


def add(router: APIRouter, declared: ResourceType) -> None:
    """The route of GET /{type}/{id}/$meta."""
    name = declared.name

    @router.get(f"/{name}/{{id}}/$meta", operation_id=f"meta{name}", summary=f"The meta element of a {name}")
    async def meta(request: Request, id: str, through: Through) -> Response:
        http.require_acceptable(request)
        http.parameters(request)

        async def work(door: Door) -> list[Found]:
            return [await reads.read(door, declared, id)]

        answer = await through.one("read", work)
        parameter = {"name": "return", "valueMeta": parse(answer.one.body)["meta"]}
        document = {"resourceType": "Parameters", "parameter": [parameter]}
        return http.respond(request, dump(document), headers=http.version_headers(answer.one))
