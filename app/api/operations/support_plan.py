"""Patient/$support-plan: the plan of one student as a document, over what the caller may see.

https://hl7.org/fhir/R4/documents.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from app.api import bundle, http
from app.api.context import RequestContext
from app.capability.operation import Call, Operation, Parameter
from app.errors import HallpassError, Kind
from app.exchange import planned
from app.fhir.dates import instant
from app.fhir.json import parse
from app.plan.document import PLANNED, composition, under
from app.resources import ResourceType

Json = dict[str, Any]
URI = "urn:ietf:rfc:3986"


async def support_plan(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The document: a Composition with its narrative, and each record that it is made of."""
    http.require_acceptable(request)
    http.parameters(request)
    await context.require("Patient", "s")
    found = await context.all("support-plan", lambda session: planned.of_student(session, id))
    released = list({(r.type, r.id): r for part in found for r in part.released}.values())
    patient = next((r for r in released if r.type == "Patient" and r.id == UUID(id)), None)
    if patient is None:
        raise HallpassError(Kind.NOT_FOUND, "A plan is about a Patient that you can read.")
    at = instant(max(r.updated for r in released))
    resources = [parse(r.body) for r in released if r.type in PLANNED]
    author, whole = _author(context, resources), not any(part.cursors for part in found)
    made = composition(resources, f"Patient/{patient.id}", author, at, whole=whole)
    consents = [f"Consent/{r.id}" for r in released if r.type == "Consent"]
    made["section"] += [under(consents)] if consents else []
    return http.respond(request, bundle.document(made, released, context.base, at))


def _author(context: RequestContext, resources: list[Json]) -> Json:
    """The caller's organization: by reference where it stands in the document, which holds whom it refers to."""
    own = str(context.caller.organization)
    here = next((r for r in resources if r["resourceType"] == "Organization" and r["id"] == own), None)
    if here is not None:
        return {"reference": f"Organization/{own}", **({"display": here["name"]} if "name" in here else {})}
    return {"type": "Organization", "identifier": {"system": URI, "value": f"{context.base}/Organization/{own}"}}


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
