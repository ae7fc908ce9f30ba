"""Patient/$support-plan: the plan of one student as a document, over what the caller may see.

https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from fastapi import Request, Response

from app.api import bundle, http
from app.api.context import RequestContext
from app.api.search import understand
from app.capability.operation import Call, Operation, Parameter
from app.errors import HallpassError, Kind
from app.exchange import everything
from app.exchange.service import PendingResult, Session
from app.fhir.dates import instant
from app.fhir.json import parse
from app.plan.document import PLANNED, composition, under
from app.resources import TYPES, ResourceType, Visibility
from app.search.query import Search


async def support_plan(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The document: a Composition with its narrative, and each record that it is made of."""
    http.require_acceptable(request)
    http.parameters(request)
    await context.require("Patient", "s")

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await everything.of_patient(session, id, _wanted(context, session), lambda _search: None)]

    released = (await context.one("support-plan", unit_of_work)).released
    patient = next((r for r in released if r.type == "Patient" and r.id == UUID(id)), None)
    if patient is None:
        raise HallpassError(Kind.NOT_FOUND, "A plan is about a Patient that you can read.")
    at = instant(max(r.updated for r in released))
    author = f"Organization/{context.caller.organization}"
    made = composition([parse(r.body) for r in released if r.type in PLANNED], f"Patient/{patient.id}", author, at)
    consents = [f"Consent/{r.id}" for r in released if r.type == "Consent"]
    made["section"] += [under(consents)] if consents else []
    return http.respond(request, bundle.document(made, released, context.base, at))


def _wanted(context: RequestContext, session: Session) -> Search:
    """The newest records of the student of those types that the plan is made of and the caller may search."""
    about = [t for t in PLANNED if TYPES[t].visibility is Visibility.COMPARTMENT and context.may(t, "s")]
    pairs = [("_type", ",".join(about)), ("_count", str(session.settings.max_count)), ("_total", "none")]
    return replace(understand(session, None, pairs), pairs=())


OPERATIONS = (
    Operation(
        name="support-plan",
        type="Patient",
        calls=(Call("GET", "supportPlan", "The plan of one student, as a document to read and print"),),
        note="needs, goals, team, services and outcomes that the caller may see, with a narrative; on the ledger",
        answer=support_plan,
        scopes=("system/Patient.s",),
        parameters=(Parameter("return", "Bundle", "A document.", 1, use="out"),),
        returns_text="A document: a Composition with its narrative, and the records that it is made of.",
    ),
)
