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

from fastapi import APIRouter, Request, Response

from app.conformance import profiling
from app.consent.gate import Door, Found, reads, writes
from app.consent.gate.rehearsal import Rehearsed, rehearse
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import dump
from app.fhir.outcome import outcome, success
from app.limits.long_work import is_large
from app.resources import ResourceType
from app.rest import http, parameters
from app.rest.passage import Passage, Through

KINDS = {"resource": "resource", "mode": "valueCode", "profile": "valueUri"}
MODES = ("create", "update", "delete", "profile")
_LETTERS = {"create": "c", "update": "u", "delete": "d"}


def add(router: APIRouter, declared: ResourceType) -> None:
    """The routes of POST /{type}/$validate and POST /{type}/{id}/$validate."""
    name = declared.name

    @router.post(f"/{name}/$validate", operation_id=f"validate{name}", summary=f"Say whether a {name} is valid")
    async def validate(request: Request, through: Through) -> Response:
        asked = await _asked(request, through, declared)
        if asked["mode"] in ("update", "delete"):
            raise _bad("This mode is asked of an instance: [type]/[id]/$validate.", "mode")
        return http.respond(request, dump(await _judge(through, declared, asked, None)))

    @router.post(
        f"/{name}/{{id}}/$validate",
        operation_id=f"validateInstance{name}",
        summary=f"Say whether a write of a {name} would be accepted",
    )
    async def validate_instance(request: Request, id: str, through: Through) -> Response:
        asked = await _asked(request, through, declared)
        if asked["mode"] == "create":
            raise _bad("This mode is asked of the type: [type]/$validate.", "mode")
        await through.one("read", lambda door: _exists(door, declared, id))
        return http.respond(request, dump(await _judge(through, declared, asked, id)))


async def _exists(door: Door, declared: ResourceType, id: str) -> list[Found]:
    """Nothing of it leaves, but that it is there. Raises as a read."""
    return [await reads.read(door, declared, id, known=lambda _version, _updated: True)]


async def _asked(request: Request, through: Passage, declared: ResourceType) -> dict[str, Any]:
    """The resource, mode and profile in the body and the query. A resource may come without a Parameters around it."""
    http.require_acceptable(request)
    given = http.parameters(request, "mode", "profile")
    content = await through.body(request, declared.name, "cruds")
    if content.get("resourceType") == "Parameters":
        given |= await through.off_loop(lambda: parameters.read(content, KINDS), large=is_large(content))
    else:
        given["resource"] = content  # type: ignore[assignment]
    mode = given.get("mode")
    if mode is not None and mode not in MODES:
        raise _bad(f"The mode is one of {', '.join(MODES)}.", "mode")
    if "resource" not in given and mode != "delete":
        text = "There is no resource to judge."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='resource')", "required"))
    if mode in _LETTERS:
        await through.require(declared.name, _LETTERS[mode])
    return {"resource": given.get("resource"), "mode": mode, "profile": given.get("profile")}


async def _judge(through: Passage, declared: ResourceType, asked: dict[str, Any], id: str | None) -> dict[str, Any]:
    """The OperationOutcome."""
    try:
        named = profiling.named(declared.name, asked["profile"], needed=asked["mode"] == "profile")
    except HallpassError as e:
        return outcome(e)
    found = await _faults(through, declared, asked, id)
    if asked["resource"] is not None:
        resource, whole = asked["resource"], not found
        judged = partial(profiling.issues, resource, named, whole=whole)
        found += await through.off_loop(judged, large=is_large(resource))
    if any(i.severity == "error" for i in found):
        return outcome(HallpassError(Kind.UNPROCESSABLE, *found))
    return success("No issues were found.", *found)


async def _faults(through: Passage, declared: ResourceType, asked: dict[str, Any], id: str | None) -> list[Issue]:
    """What keeps the write from being accepted; without a mode, what is wrong with the resource by itself."""
    try:
        write = await _write(through, declared, asked, id)
        if write is not None:
            await through.one("validate", lambda door: _rehearse(door, declared, asked["mode"], write))
    except Rehearsed as e:
        return [] if e.error is None else _coded(e.error)
    except HallpassError as e:
        if e.kind is not Kind.UNPROCESSABLE:
            raise
        return _coded(e)
    return []


def _coded(error: HallpassError) -> list[Issue]:
    """An error's issues, each with the code that it takes from the error's kind."""
    return [replace(i, code=i.code or error.code) for i in error.issues]


async def _rehearse(
    door: Door, declared: ResourceType, mode: str, write: Callable[[Door], Awaitable[Found]]
) -> list[Found]:
    door.require(declared.name, _LETTERS[mode])
    return await rehearse(door, write)


async def _write(
    through: Passage, declared: ResourceType, asked: dict[str, Any], id: str | None
) -> Callable[[Door], Awaitable[Found]] | None:
    """The write to rehearse, after the resource has been judged by itself; None: that was all. Raises UNPROCESSABLE."""
    if asked["mode"] == "delete":
        return lambda door: writes.delete(door, declared, id or "", None)
    prepared = await through.prepare(declared, asked["resource"])
    if asked["mode"] == "create":
        return lambda door: writes.create(door, declared, prepared)
    if asked["mode"] == "update":
        return lambda door: writes.update(door, declared, prepared, id or "", None)
    return None


def _bad(text: str, name: str) -> HallpassError:
    return HallpassError(Kind.INVALID, Issue(text, f"Parameters.parameter.where(name='{name}')"))
