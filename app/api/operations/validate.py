"""$validate: whether a resource is valid, or whether a write of it would be accepted.

https://hl7.org/fhir/R4/resource-operation-validate.html — with a mode the write is done and undone, so that every
rule speaks: references that lead nowhere, gaps of a release, custody. The resource is judged by the profile that the
request names, and by those of ours that it claims. The answer is an OperationOutcome with 200.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.capability import profiling
from app.capability.operation import Body, Call, Operation
from app.consent.advice import advice
from app.errors import HallpassError, Issue, Kind
from app.exchange import reads, writes
from app.exchange.dry_run import DryRun, dry_run
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.fhir.outcome import outcome, success
from app.limits.long_work import is_large
from app.resources import ResourceType

KINDS = {"resource": "resource", "mode": "valueCode", "profile": "valueUri"}
MODES = ("create", "update", "delete", "profile")
_LETTERS = {"create": "c", "update": "u", "delete": "d"}


async def validate(request: Request, context: RequestContext, declared: ResourceType, id: str | None) -> Response:
    """Every finding. Raises INVALID for a mode that is asked at the other level."""
    asked = await _asked(request, context, declared)
    if id is None and asked["mode"] in ("update", "delete"):
        raise _bad("Use this mode on an instance: [type]/[id]/$validate.", "mode")
    if id is not None and asked["mode"] == "create":
        raise _bad("Use this mode on the type: [type]/$validate.", "mode")
    return http.respond(request, dump(await _judge(context, declared, asked, id)))


async def _require_seen(context: RequestContext, declared: ResourceType, id: str | None) -> None:
    """Raise as a read where there is no such resource: nothing of it leaves, but that it is there."""
    if id is not None:
        await context.one("read", lambda session: _seen(session, declared, id))


async def _seen(session: Session, declared: ResourceType, id: str) -> list[PendingResult]:
    return [await reads.read(session, declared, id, known=lambda _version, _updated, _basis: True)]


async def _asked(request: Request, context: RequestContext, declared: ResourceType) -> dict[str, Any]:
    """The resource, mode and profile in the body and the query. A resource may come without a Parameters around it."""
    http.require_acceptable(request)
    given = http.parameters(request, "mode", "profile")
    content = await context.body(request, declared.name, "cruds")
    if content.get("resourceType") == "Parameters":
        given |= await context.off_loop(lambda: parameters.read(content, KINDS), large=is_large(content))
    else:
        given["resource"] = content  # type: ignore[assignment]
    mode = given.get("mode")
    if mode is not None and mode not in MODES:
        raise _bad(f"The mode is one of {', '.join(MODES)}.", "mode")
    if "resource" not in given and mode != "delete":
        text = "There is no resource to validate. Send one in the body."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='resource')", "required"))
    if mode in _LETTERS:
        await context.require(declared.name, _LETTERS[mode])
    return {"resource": given.get("resource"), "mode": mode, "profile": given.get("profile")}


async def _judge(
    context: RequestContext, declared: ResourceType, asked: dict[str, Any], id: str | None
) -> dict[str, Any]:
    """The OperationOutcome."""
    try:
        named = profiling.named(declared.name, asked["profile"], needed=asked["mode"] == "profile")
    except HallpassError as e:
        await _require_seen(context, declared, id)
        return outcome(e)
    found = await _faults(context, declared, asked, id)
    if asked["resource"] is not None:
        resource, whole = asked["resource"], not found
        judged = partial(profiling.issues, resource, named, whole=whole)
        found += await context.off_loop(judged, large=is_large(resource))
        found += advice(resource) if whole and declared.name == "Consent" else []
    if any(i.severity == "error" for i in found):
        return outcome(HallpassError(Kind.UNPROCESSABLE, *found))
    return success("No issues were found.", *found)


async def _faults(
    context: RequestContext, declared: ResourceType, asked: dict[str, Any], id: str | None
) -> list[Issue]:
    """What keeps the write from being accepted; without a mode, what is wrong with the resource by itself."""
    try:
        write = await _write(context, declared, asked, id)
    except HallpassError as e:
        if e.kind is not Kind.UNPROCESSABLE:
            raise
        await _require_seen(context, declared, id)
        return _coded(e)
    if write is None:
        await _require_seen(context, declared, id)
        return []
    try:  # that the resource is there is told with what is wrong with the next: one disclosure
        await context.one("validate", lambda session: _dry_run(session, declared, asked["mode"], write, id))
    except DryRun as e:
        return [] if e.error is None else _coded(e.error)
    return []


def _coded(error: HallpassError) -> list[Issue]:
    """An error's issues, each with the code that it takes from the error's kind."""
    return [replace(i, code=i.code or error.code) for i in error.issues]


async def _dry_run(
    session: Session,
    declared: ResourceType,
    mode: str,
    write: Callable[[Session], Awaitable[PendingResult]],
    id: str | None,
) -> list[PendingResult]:
    seen = (await _seen(session, declared, id))[0] if id is not None else None
    session.require(declared.name, _LETTERS[mode])
    return await dry_run(session, write, seen)


async def _write(
    context: RequestContext, declared: ResourceType, asked: dict[str, Any], id: str | None
) -> Callable[[Session], Awaitable[PendingResult]] | None:
    """The write to run dry, after the resource has been judged by itself; None: that was all. Raises UNPROCESSABLE."""
    if asked["mode"] == "delete":
        return lambda session: writes.delete(session, declared, id or "", None)
    validated = await context.validate_body(declared, asked["resource"])
    if asked["mode"] == "create":
        return lambda session: writes.create(session, declared, validated)
    if asked["mode"] == "update":
        return lambda session: writes.update(session, declared, validated, id or "", None)
    return None


def _bad(text: str, name: str) -> HallpassError:
    return HallpassError(Kind.INVALID, Issue(text, f"Parameters.parameter.where(name='{name}')"))


_SUMMARY = "Check a resource, or whether a write of it would be accepted"
OPERATIONS = (
    Operation(
        name="validate",
        type=None,
        calls=(
            Call("POST", "validate", _SUMMARY, instance=False, asked=("modeOfType", "profile")),
            Call("POST", "validateInstance", _SUMMARY, asked=("modeOfInstance", "profile")),
        ),
        note="mode create, update, delete or profile; with a mode of a write, that write is done and undone",
        answer=validate,
        hl7="Resource-validate",
        body=Body(("AnyResource",), "A resource of the type, or Parameters with resource, mode and profile."),
        returns="OperationOutcome",
        returns_text="Every finding.",
    ),
)
