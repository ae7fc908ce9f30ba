"""The patch interaction, by JSON Patch, FHIRPath Patch or JSON Merge Patch, on one resource or on the one that matches.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from fastapi import APIRouter, Request, Response

from app.api import http
from app.api.context import Context, RequestContext
from app.api.idempotency import require_none
from app.api.parameters import check
from app.api.search import understand
from app.errors import HallpassError, Issue, Kind
from app.exchange import conditional, patching
from app.exchange.patching import Change
from app.exchange.service import PendingResult, Session
from app.fhir.patch import fhirpath_patch, json_patch, merge_patch
from app.limits.content import require_few
from app.limits.long_work import LARGE_BYTES
from app.resources import ResourceType

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
ACCEPTED = {"Accept-Patch": f"{JSON_PATCH}, {http.FHIR_JSON}, {MERGE_PATCH}"}
PLAIN = "application/json"
"""What clients say of a JSON Merge Patch that do not know its type."""


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of PATCH /{type}/{id} and PATCH /{type}."""
    name = declared.name

    @router.patch(f"/{name}/{{id}}", operation_id=f"patch{name}", summary=f"Change parts of a {name}")
    async def patch(request: Request, id: str, context: Context) -> Response:
        http.parameters(request)
        change, match = await _change(request, context, name), http.if_match(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            return [await patching.patch(session, declared, id, change, match)]

        answer = await context.one("patch", unit_of_work)
        return http.written(request, answer.one, context.base, 200)

    @router.patch(
        f"/{name}", operation_id=f"conditionalPatch{name}", summary=f"Change parts of the one {name} that matches"
    )
    async def patch_match(request: Request, context: Context) -> Response:
        pairs = http.condition(request)
        change, match = await _change(request, context, name), http.if_match(request)

        async def unit_of_work(session: Session) -> list[PendingResult]:
            return [await conditional.patch(session, declared, understand(session, name, pairs), change, match)]

        answer = await context.one("patch", unit_of_work)
        return http.written(request, answer.one, context.base, 200)


async def _change(request: Request, context: RequestContext, type_name: str) -> Change:
    """The change in the body. Raises UNSUPPORTED, TOO_LARGE, MALFORMED, or UNPROCESSABLE for one of neither kind."""
    http.require_acceptable(request)
    require_none(request, "A PATCH, which If-Match makes safe to repeat,")
    await context.require(type_name, "u")
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in {JSON_PATCH, MERGE_PATCH} and kind not in http.READABLE:
        text = f"A patch is {JSON_PATCH}, {MERGE_PATCH}, or a Parameters resource as {http.FHIR_JSON} or XML."
        raise HallpassError(Kind.UNSUPPORTED, text, headers=ACCEPTED)
    body = await http.raw_body(request, context.settings.max_body_bytes)
    return await context.off_loop(lambda: _read(kind, body, context), large=len(body) > LARGE_BYTES)


def _read(kind: str, body: bytes, context: RequestContext) -> Change:
    if kind == JSON_PATCH:
        require_few(body, context.settings.max_body_values)
        return _by_json(json_patch.read(body), context)
    content = http.read(body, context.settings, kind)
    if kind == MERGE_PATCH or (kind == PLAIN and content.get("resourceType") != "Parameters"):
        return lambda stored: merge_patch.patched(stored, content)
    return _by_fhirpath(content)


def change_in_bundle(resource: dict[str, Any], context: RequestContext) -> Change:
    """The change in an entry of a Bundle: a Binary with a JSON Patch, or a Parameters resource."""
    if resource.get("resourceType") == "Parameters":
        return _by_fhirpath(resource)
    try:
        body = b64decode(resource["data"], validate=True) if resource.get("contentType") == JSON_PATCH else None
    except (KeyError, TypeError, ValueError):
        body = None
    if body is None:
        raise HallpassError(Kind.UNPROCESSABLE, Issue(f"The Binary holds {JSON_PATCH}, in base64.", "Binary.data"))
    return _by_json(json_patch.read(body), context)


def _by_json(operations: list[Any], context: RequestContext) -> Change:
    return lambda content: json_patch.patched(content, operations, context.settings.max_body_bytes)


def _by_fhirpath(parameters: dict[str, Any]) -> Change:
    if parameters.get("resourceType") != "Parameters":
        text = "A FHIRPath Patch is a Parameters resource."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters"))
    check(parameters)
    return lambda content: fhirpath_patch.patched(content, parameters)
