"""Consent/$preview: what a Consent, as drafted, would open, and what it lacks. For the custodian.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import check
from app.capability.operation import Body, Call, Operation, Parameter
from app.exchange import explaining
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.limits.long_work import is_large
from app.resources import ResourceType


async def preview(request: Request, context: RequestContext, declared: ResourceType, _id: None) -> Response:
    """What a draft would open, and what it lacks."""
    http.require_acceptable(request)
    content = await context.body(request, "Consent", "r")
    consent = await context.off_loop(lambda: _resource(content), large=is_large(content))
    validated = await context.validate_body(declared, consent)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await explaining.preview(session, validated)]

    answer = await context.one("preview", unit_of_work)
    return http.respond(request, dump(answer.document))


def _resource(content: dict[str, Any]) -> dict[str, Any]:
    """The Consent itself, or the one in a Parameters resource as `consent` or `resource`."""
    if content.get("resourceType") == "Parameters":
        check(content)
        for parameter in content.get("parameter", []):
            if "resource" in parameter:
                found: dict[str, Any] = parameter["resource"]
                return found
    return content


OPERATIONS = (
    Operation(
        name="preview",
        type="Consent",
        calls=(Call("POST", "previewConsent", "What a Consent would open", instance=False),),
        note="what a draft would open",
        answer=preview,
        scopes=("system/Consent.r",),
        parameters=(
            Parameter("consent", "Consent", "The draft.", 1),
            Parameter("return", "Parameters", "What the draft would open, and what it lacks.", 1, use="out"),
        ),
        body=Body(("Consent", "Parameters"), "The Consent as drafted, or Parameters with it."),
        returns="Parameters",
        returns_text="What it would open, and what it lacks.",
    ),
)
