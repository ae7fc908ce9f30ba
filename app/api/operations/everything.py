"""$everything on a Patient and on an Encounter. https://hl7.org/fhir/R4/operation-patient-everything.html"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.api.page_tokens import PageTokens
from app.api.search import narrowed, opened, page, searchable, understand
from app.capability.operation import Body, Call, Operation
from app.errors import HallpassError, Issue, Kind
from app.exchange import everything
from app.exchange.everything import Opened
from app.exchange.service import PendingResult, Session
from app.fhir.dates import BEGINNING, END, interval
from app.resources import ResourceType
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
_Ask = Callable[[Session, str, Search, Opened], Awaitable[PendingResult]]


async def of_patient(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """A page of a student's record."""
    return await _answer(request, context, f"Patient/{id}/$everything", NAMES, id, everything.of_patient)


async def of_encounter(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """A page of what belongs to an Encounter."""
    path = f"Encounter/{id}/$everything"
    return await _answer(request, context, path, ENCOUNTER_NAMES, id, everything.of_encounter)


async def _answer(
    request: Request, context: RequestContext, path: str, names: tuple[str, ...], id: str, ask: _Ask
) -> Response:
    http.require_acceptable(request)
    given = http.parameters(request, *names) | await _in_body(request, context, names)
    page_tokens: PageTokens = request.app.state.page_tokens

    async def unit_of_work(session: Session) -> list[PendingResult]:
        wanted = _search(context, session, given)
        return [await ask(session, id, wanted, lambda search: opened(page_tokens, context, path, search))]

    return http.respond(request, page(await context.one("everything", unit_of_work), context, page_tokens, path))


async def _in_body(request: Request, context: RequestContext, names: tuple[str, ...]) -> dict[str, str]:
    """The parameters in the Parameters resource of a POST, which may come without one. Raises UNPROCESSABLE."""
    empty = request.headers.get("Content-Length", "0") == "0" and "Transfer-Encoding" not in request.headers
    if request.method != "POST" or empty:
        return {}
    content = await context.body(request, searchable(context), "rs")
    found = parameters.read(content, {n: kind for n, kind in KINDS.items() if n in names}, many=frozenset({"_type"}))
    return {name: ",".join(v) if isinstance(v, list) else str(v) for name, v in found.items()}


def _search(context: RequestContext, session: Session, given: dict[str, str]) -> Search:
    """The search that the operation's parameters mean. Without `_count`, pages are as long as they may be."""
    kept = [(k, v) for k, v in given.items() if k in ("_type", "_count", "_cursor", "_summary", "_elements")]
    if "_since" in given:
        _moment(session, given, "_since")
        kept.append(("_lastUpdated", f"ge{given['_since']}"))
    if "_count" not in given:
        kept.append(("_count", str(session.settings.max_count)))
    found = understand(session, None, narrowed(context, kept, in_compartment=True))
    start, end = _moment(session, given, "start"), _moment(session, given, "end")
    during = (start[0] if start else BEGINNING, end[1] if end else END) if start or end else None
    if during and during[0] >= during[1]:
        raise HallpassError(Kind.INVALID, Issue("The parameter 'end' is before 'start'."))
    own = tuple((k, v) for k, v in given.items() if k != "_cursor")
    return replace(found, pairs=own, within=Within(_NOBODY, during=during))


def _moment(session: Session, given: dict[str, str], name: str) -> tuple[datetime, datetime] | None:
    try:
        found = interval(given[name], session.zone) if name in given else None
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue(f"The parameter {name!r} is a FHIR date.")) from None
    return (found.lower, found.upper) if found else None


_SHARED = ("changedSince", "types", "count", "summary", "elements")
_PERIOD = ("start", "end", *_SHARED)
_BODY = Body(("Parameters",), "The same parameters.", required=False)
_PAGE = "A page of it; the links lead to the others."
OPERATIONS = (
    Operation(
        name="everything",
        type="Patient",
        calls=(
            Call("GET", "everythingOfPatient", "The visible record of one student", asked=_PERIOD),
            Call("POST", "everythingOfPatientByPost", "The visible record of one student, by a body", asked=_PERIOD),
        ),
        note="start, end, _since, _type, _count; with the directory's entries that the record names",
        answer=of_patient,
        hl7="Patient-everything",
        body=_BODY,
        returns_text=_PAGE,
    ),
    Operation(
        name="everything",
        type="Encounter",
        calls=(
            Call("GET", "everythingOfEncounter", "An Encounter with what belongs to it", asked=_SHARED),
            Call("POST", "everythingOfEncounterByPost", "An Encounter with its own, by a body", asked=_SHARED),
        ),
        note="_since, _type, _count; what it refers to and what refers to it",
        answer=of_encounter,
        scopes=("system/Encounter.r",),
        hl7="Encounter-everything",
        body=_BODY,
        returns_text=_PAGE,
    ),
)
