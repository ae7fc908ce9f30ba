"""$everything on a Patient and on an Encounter. https://hl7.org/fhir/R4/operation-patient-everything.html"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.consent.gate import Door, Found, everything
from app.consent.gate.everything import Opened
from app.errors import HallpassError, Issue, Kind
from app.fhir.dates import BEGINNING, END, interval
from app.rest import http, parameters
from app.rest.paging import Seal
from app.rest.passage import Passage, Through
from app.rest.search import narrowed, opened, page, searchable, understand
from app.search.query import Search, Within

NAMES = ("start", "end", "_since", "_type", "_count", "_cursor", "_summary", "_elements")
ENCOUNTER_NAMES = tuple(n for n in NAMES if n not in ("start", "end"))
KINDS = {
    "start": "valueDate",
    "end": "valueDate",
    "_since": "valueInstant",
    "_type": "valueCode",
    "_count": "valueInteger",
}
"""The operation's parameters in a Parameters resource."""
_NOBODY = UUID(int=0)
_Ask = Callable[[Door, str, Search, Opened], Awaitable[Found]]


def add(router: APIRouter) -> None:
    """The routes of the two operations."""

    @router.post(
        "/Patient/{id}/$everything",
        operation_id="everythingOfPatientByPost",
        summary="The visible record of one student in one call",
        tags=["Patient"],
    )
    @router.get(
        "/Patient/{id}/$everything",
        operation_id="everythingOfPatient",
        summary="The visible record of one student in one call",
        tags=["Patient"],
    )
    async def of_patient(request: Request, id: str, through: Through) -> Response:
        return await _answer(request, through, f"Patient/{id}/$everything", NAMES, id, everything.of_patient)

    @router.post(
        "/Encounter/{id}/$everything",
        operation_id="everythingOfEncounterByPost",
        summary="An Encounter with what belongs to it",
        tags=["Encounter"],
    )
    @router.get(
        "/Encounter/{id}/$everything",
        operation_id="everythingOfEncounter",
        summary="An Encounter with what belongs to it",
        tags=["Encounter"],
    )
    async def of_encounter(request: Request, id: str, through: Through) -> Response:
        path = f"Encounter/{id}/$everything"
        return await _answer(request, through, path, ENCOUNTER_NAMES, id, everything.of_encounter)


async def _answer(
    request: Request, through: Passage, path: str, names: tuple[str, ...], id: str, ask: _Ask
) -> Response:
    http.require_acceptable(request)
    given = http.parameters(request, *names) | await _in_body(request, through, names)
    seal: Seal = request.app.state.seal

    async def work(door: Door) -> list[Found]:
        wanted = _search(through, door, given)
        return [await ask(door, id, wanted, lambda search: opened(seal, through, path, search))]

    return http.respond(request, page(await through.one("everything", work), through, seal, path))


async def _in_body(request: Request, through: Passage, names: tuple[str, ...]) -> dict[str, str]:
    """The parameters in the Parameters resource of a POST, which may come without one. Raises UNPROCESSABLE."""
    empty = request.headers.get("Content-Length", "0") == "0" and "Transfer-Encoding" not in request.headers
    if request.method != "POST" or empty:
        return {}
    content = await through.body(request, searchable(through), "rs")
    found = parameters.read(content, {n: kind for n, kind in KINDS.items() if n in names}, many=frozenset({"_type"}))
    return {name: ",".join(v) if isinstance(v, list) else str(v) for name, v in found.items()}


def _search(through: Passage, door: Door, given: dict[str, str]) -> Search:
    """The search that the operation's parameters mean. Without `_count`, pages are as long as they may be."""
    kept = [(k, v) for k, v in given.items() if k in ("_type", "_count", "_cursor", "_summary", "_elements")]
    if "_since" in given:
        _moment(door, given, "_since")
        kept.append(("_lastUpdated", f"ge{given['_since']}"))
    if "_count" not in given:
        kept.append(("_count", str(door.settings.max_count)))
    found = understand(door, None, narrowed(through, kept, in_compartment=True))
    start, end = _moment(door, given, "start"), _moment(door, given, "end")
    during = (start[0] if start else BEGINNING, end[1] if end else END) if start or end else None
    if during and during[0] >= during[1]:
        raise HallpassError(Kind.INVALID, Issue("The parameter 'end' is before 'start'."))
    own = tuple((k, v) for k, v in given.items() if k != "_cursor")
    return replace(found, pairs=own, within=Within(_NOBODY, during=during))


def _moment(door: Door, given: dict[str, str], name: str) -> tuple[datetime, datetime] | None:
    try:
        found = interval(given[name], door.zone) if name in given else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a FHIR date.")) from None
    return (found.lower, found.upper) if found else None
