"""Operations for the custodian of a record: explain access, preview a Consent.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api import http
from app.api.context import Context
from app.api.parameters import check
from app.errors import HallpassError, Issue, Kind
from app.exchange import emergency, explaining
from app.exchange.explaining import Question
from app.exchange.service import PendingResult
from app.fhir.json import dump
from app.limits.long_work import is_large
from app.resources import TYPES
from app.resources.refs import parse_local


def add(router: APIRouter) -> None:
    """The routes of the operations. They come before those of instances, whose paths they resemble."""

    @router.post(
        "/Patient/{id}/$explain-access",
        operation_id="explainAccess",
        summary="Why a recipient may see a student's records, or not",
        tags=["Patient"],
    )
    async def explain_access(request: Request, id: str, context: Context) -> Response:
        http.require_acceptable(request)
        content = await context.body(request, "Patient", "r")
        asked = await context.off_loop(lambda: question(content), large=is_large(content))
        answer = await context.one("explain", lambda session: _list(explaining.explain(session, id, asked)))
        return http.respond(request, dump(answer.document))

    @router.post(
        "/Patient/$break-glass",
        operation_id="breakGlass",
        summary="Open a student's records in an emergency, with a reason",
        tags=["Patient"],
    )
    async def break_glass(request: Request, context: Context) -> Response:
        http.require_acceptable(request)
        content = await context.body(request, "Patient", "r")
        system, value, reason = await context.off_loop(lambda: _identifier(content), large=is_large(content))
        answer = await context.one(
            "emergency", lambda session: _list(emergency.break_glass(session, system, value, reason))
        )
        return http.respond(request, answer.one.body, headers=http.version_headers(answer.one))

    @router.post(
        "/Consent/$preview", operation_id="previewConsent", summary="What a Consent would open", tags=["Consent"]
    )
    async def preview(request: Request, context: Context) -> Response:
        http.require_acceptable(request)
        content = await context.body(request, "Consent", "r")
        consent = await context.off_loop(lambda: _resource(content), large=is_large(content))
        validated = await context.validate_body(TYPES["Consent"], consent)
        answer = await context.one("preview", lambda session: _list(explaining.preview(session, validated)))
        return http.respond(request, dump(answer.document))


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


async def _list(unit_of_work: Awaitable[PendingResult]) -> list[PendingResult]:
    return [await unit_of_work]


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


def _resource(content: dict[str, Any]) -> dict[str, Any]:
    """The Consent itself, or the one in a Parameters resource as `consent` or `resource`."""
    if content.get("resourceType") == "Parameters":
        check(content)
        for parameter in content.get("parameter", []):
            if "resource" in parameter:
                found: dict[str, Any] = parameter["resource"]
                return found
    return content
