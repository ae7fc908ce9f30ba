"""The kick-off of a bulk export: of all, of students, or of a Group's members.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request; `_until` and `organizeOutputBy` are STU3's
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.api.search import searchable
from app.capability.operation import SYSTEM, Body, Call, Operation
from app.errors import HallpassError, Issue, Kind
from app.exchange.bulk import export
from app.exchange.bulk.asked import ASSOCIATED, PROVENANCE, Asked, Level
from app.exchange.service import PendingResult, Session
from app.fhir.dates import interval
from app.resources import REGISTRY, TYPES, ResourceType, Visibility
from app.search.controls import json_keys
from app.search.refusal import shown

NDJSON = "application/fhir+ndjson"
FORMATS = frozenset({NDJSON, "application/ndjson", "ndjson"})
KINDS = {
    "_outputFormat": "valueString",
    "_since": "valueInstant",
    "_until": "valueInstant",
    "_type": "valueString",
    "_typeFilter": "valueString",
    "_elements": "valueString",
    "patient": "valueReference",
    "includeAssociatedData": "valueString",
    "organizeOutputBy": "valueString",
    "allowPartialManifests": "valueBoolean",
}
"""The operation's parameters in a Parameters resource."""
REPEATED = frozenset({"_type", "_typeFilter", "_elements", "patient", "includeAssociatedData"})
CONTROLS = ("_sort", "_include", "_revinclude", "_elements", "_count", "_summary", "_total")
"""What says how a search answers, and has no place in a `_typeFilter`."""
MOST_FILTERS = 20
"""Searches of one export: each walks all that its type has."""
_BOOLEANS = ("true", "false")
Given = dict[str, list[str]]


async def of_system(request: Request, context: RequestContext, _declared: ResourceType | None, _id: None) -> Response:
    """All that the caller sees."""
    return await _kick_off(request, context, "system", None)


async def of_patients(request: Request, context: RequestContext, _declared: ResourceType | None, _id: None) -> Response:
    """All that the caller sees of students."""
    return await _kick_off(request, context, "patient", None)


async def of_group(request: Request, context: RequestContext, _declared: ResourceType | None, id: str) -> Response:
    """What the caller sees of a Group's members."""
    return await _kick_off(request, context, "group", id)


async def _kick_off(request: Request, context: RequestContext, level: Level, group: str | None) -> Response:
    http.require_acceptable(request)
    lenient = http.prefer(request).lenient
    given, ignored = _known(await _given(request, context), lenient=lenient)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        asked = _asked(given, ignored, context, session, level=level, group=group, lenient=lenient)
        id = await export.start(session, asked, _asked_at(request, context), session.settings.exports_running)
        return [PendingResult(document={"id": str(id)})]

    answer = await context.one("export", unit_of_work)
    assert answer.document is not None
    return Response(None, 202, {"Content-Location": f"{context.base}/export/{answer.document['id']}"})


def _asked_at(request: Request, context: RequestContext) -> str:
    """The kick-off's address as the manifest names it: the service's own, whatever host the request named."""
    path = request.url.path.removeprefix("/fhir")
    return f"{context.base}{path}{f'?{request.url.query}' if request.url.query else ''}"


async def _given(request: Request, context: RequestContext) -> Given:
    """What is asked, by name, from the query or the body."""
    if request.method == "GET":
        pairs: Iterable[tuple[str, str]] = request.query_params.multi_items()
    else:
        content = await context.body(request, searchable(context), "rs")
        parameters.check(content)
        pairs = [(p["name"], _text(p, n)) for n, p in enumerate(content.get("parameter", []))]
    found: Given = {}
    for name, text in pairs:
        if name not in http.ALWAYS:
            found.setdefault(name, []).append(text)
    return found


def _text(parameter: dict[str, Any], n: int) -> str:
    key = KINDS.get(parameter["name"], "")
    value = parameter.get(key, next((v for k, v in parameter.items() if k.startswith("value")), None))
    if key and key not in parameter:
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue(f"The value must be a {key}.", f"Parameters.parameter[{n}].value")
        )
    if isinstance(value, dict):
        return str(value.get("reference", ""))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _known(given: Given, *, lenient: bool) -> tuple[Given, tuple[str, ...]]:
    """What is understood of what is asked, and the names of what is not. Raises UNKNOWN_PARAM unless leniently."""
    strange = sorted(name for name in given if name not in KINDS)
    if strange and not lenient:
        text = f"The parameter {shown(strange[0])} is not served. An export takes {', '.join(KINDS)}."
        raise HallpassError(Kind.UNKNOWN_PARAM, Issue(text))
    for name, texts in given.items():
        if name not in REPEATED and len(texts) > 1:
            raise _bad(name, "is given more than once")
    return {k: v for k, v in given.items() if k not in strange}, tuple(strange)


def _asked(
    given: Given, ignored: tuple[str, ...], context: RequestContext, session: Session,
    *, level: Level, group: str | None, lenient: bool,
) -> Asked:  # fmt: skip
    """The kick-off that the parameters mean."""
    format_ = _one(given, "_outputFormat") or NDJSON
    if format_.partition(";")[0].strip().replace(" ", "+") not in FORMATS:
        raise _bad("_outputFormat", "must be application/fhir+ndjson")
    organized = _one(given, "organizeOutputBy")
    if organized not in (None, "Patient"):
        raise _bad("organizeOutputBy", "must be Patient, or absent for a file of each type")
    if _one(given, "allowPartialManifests") not in (None, *_BOOLEANS):
        raise _bad("allowPartialManifests", "must be true or false")
    types, strange = _types(given, context, level, lenient=lenient)
    associated, left_out = _associated(given, lenient=lenient)
    if associated:
        session.require(PROVENANCE, "s")
        types = (*(t for t in types if t != PROVENANCE), PROVENANCE)
    since, until = _moment(given, "_since", session), _moment(given, "_until", session)
    if since and until and since >= until:
        raise _bad("_until", "must be after _since")
    if "patient" in given and level == "system":
        raise _bad("patient", "belongs to Patient/$export and Group/[id]/$export")
    return Asked(
        level=level,
        group=group,
        types=types,
        since=since,
        until=until,
        patients=_patients(given),
        filters=_filters(given, tuple(t for t in types if not associated or t != PROVENANCE)),
        elements=_elements(given, types),
        by_patient=organized == "Patient",
        associated=associated,
        ignored=(*ignored, *strange, *left_out),
    )


def _types(given: Given, context: RequestContext, level: Level, *, lenient: bool) -> tuple[tuple[str, ...], list[str]]:
    """The types, and those named that are none of ours. Without `_type`: all that the scopes cover.

    Raises FORBIDDEN where they cover none.
    """
    if "_type" in given:
        named = list(dict.fromkeys(_split(given["_type"])))
        strange = [t for t in named if t not in TYPES]
        if strange and not lenient:
            raise _bad("_type", f"names {shown(strange[0])}, which is not served. The types are {', '.join(TYPES)}")
        return tuple(t for t in named if t in TYPES), strange
    there = [t.name for t in REGISTRY if level == "system" or t.visibility is Visibility.COMPARTMENT]
    found = tuple(t for t in there if context.may(t, "s"))
    return found or tuple(there), []  # without any scope the first is refused


def _associated(given: Given, *, lenient: bool) -> tuple[str, list[str]]:
    """Which Provenance comes along, and the values that are none of ours. Raises INVALID for them unless leniently."""
    named = _split(given.get("includeAssociatedData", []))
    strange = [value for value in named if value not in ASSOCIATED]
    if strange and not lenient:
        raise _bad("includeAssociatedData", f"must be {' or '.join(ASSOCIATED)}, not {shown(strange[0])}")
    wanted = [value for value in ASSOCIATED if value in named]  # where both are named, the wider one
    return (wanted[-1] if wanted else ""), [f"includeAssociatedData={value}" for value in strange]


def _filters(given: Given, types: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The searches by type. Several of one type are alternatives."""
    found = []
    for text in given.get("_typeFilter", ()):
        for one in _apart(text):
            kind, mark, query = one.partition("?")
            if not mark or kind not in types:
                raise _bad("_typeFilter", "is [type]?[search parameters], of one of the exported types")
            if any(part.startswith(CONTROLS) for part in query.split("&")):
                raise _bad("_typeFilter", f"takes search parameters alone: no {', '.join(CONTROLS)}")
            found.append((kind, query))
    if len(found) > MOST_FILTERS:
        raise _bad("_typeFilter", f"may name {MOST_FILTERS} searches at the most")
    return tuple(found)


def _apart(text: str) -> list[str]:
    """The filters in one parameter: a comma before another type's name and question mark separates them."""
    found: list[str] = []
    for piece in text.split(","):
        kind = piece.partition("?")[0]
        if found and not ("?" in piece and kind in TYPES):
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    return found


def _elements(given: Given, types: tuple[str, ...]) -> tuple[str, ...]:
    """The elements, checked against the types that they are of."""
    found = _split(given.get("_elements", []))
    for element in found:
        kind, dot, name = element.partition(".")
        json_keys("_elements", name if dot else element, (kind,) if dot else types)
        if dot and kind not in types:
            raise _bad("_elements", f"names {kind}, which is not exported")
    return tuple(found)


def _patients(given: Given) -> tuple[str, ...] | None:
    if "patient" not in given:
        return None
    found = []
    for text in _split(given["patient"]):
        kind, _, id = text.rpartition("/")
        if not kind.endswith("Patient") or not id:
            raise _bad("patient", "must be a reference such as Patient/123")
        found.append(id)
    return tuple(dict.fromkeys(found))


def _moment(given: Given, name: str, session: Session) -> datetime | None:
    text = _one(given, name)
    try:
        return interval(text, session.zone).lower if text else None
    except ValueError:
        raise _bad(name, "must be an instant, such as 2026-10-01T12:00:00Z") from None


def _one(given: Given, name: str) -> str | None:
    return given[name][0] if name in given else None


def _split(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _bad(name: str, must: str) -> HallpassError:
    return HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} {must}."))


_ASKED = (
    "outputFormat",
    "exportSince",
    "exportUntil",
    "exportTypes",
    "typeFilter",
    "exportElements",
    "organizeOutputBy",
    "associatedData",
)
_BODY = Body(("Parameters",), "The same parameters; `patient` as references.")
_STARTED = "The export is started: Content-Location says where to ask for it."


def _operation(name: str, type: str, calls: tuple[Call, ...], note: str, answer: Any) -> Operation:
    return Operation(
        name="export",
        type=type,
        calls=calls,
        note=note,
        answer=answer,
        canonical=f"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{name}",
        body=_BODY,
        returns="",
        headers=("Content-Location",),
        returns_text=_STARTED,
        status=202,
    )


OPERATIONS = (
    _operation(
        "export", SYSTEM,
        (
            Call("GET", "exportSystem", "Start an export of all that the caller sees", instance=False, asked=_ASKED),
            Call("POST", "exportSystemByPost", "Start an export of all, by a body", instance=False),
        ),
        "start an export of all that the caller sees, as NDJSON; [guide](guides/bulk.md)", of_system,
    ),
    _operation(
        "patient-export", "Patient",
        (
            Call("GET", "exportPatients", "Start an export of students' records", instance=False, asked=_ASKED),
            Call("POST", "exportPatientsByPost", "Start an export of students' records, by a body", instance=False),
        ),
        "start an export of the students' records that the caller sees", of_patients,
    ),
    _operation(
        "group-export", "Group",
        (
            Call("GET", "exportGroup", "Start an export of a Group's members", asked=_ASKED),
            Call("POST", "exportGroupByPost", "Start an export of a Group's members, by a body"),
        ),
        "start an export of the records of a Group's members", of_group,
    ),
)  # fmt: skip
