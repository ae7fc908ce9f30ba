"""Patient/$merge: two Patients are the same student, and one replaces the other. For their custodian.

https://build.fhir.org/patient-operation-merge.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import merging
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.resources import ResourceType
from app.resources.refs import local_id

KINDS = {"source-patient": "valueReference", "target-patient": "valueReference", "preview": "valueBoolean"}


async def merge(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """Both Patients, and the releases that wait for a new signature."""
    http.require_acceptable(request)
    http.parameters(request)
    given = parameters.read(await context.body(request, "Patient", "u"), KINDS)
    source, target = (_patient(given, name, context.base) for name in ("source-patient", "target-patient"))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await merging.merge(session, source, target, preview=given.get("preview", False))]

    return http.respond(request, dump((await context.one("merge", unit_of_work)).document))


def _patient(given: dict[str, Any], name: str, base: str) -> UUID:
    reference = str(given.get(name, {}).get("reference", "")).removeprefix(f"{base}/")
    found = local_id({"reference": reference}, "Patient")
    if found is None:
        text = "The parameter is a reference to a Patient of this server."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"Parameters.parameter.where(name='{name}')", "required"))
    return found


OPERATIONS = (
    Operation(
        name="merge",
        type="Patient",
        calls=(Call("POST", "mergePatient", "Say that two Patients are the same student", instance=False),),
        note="links both; records and releases stay where they are; the answer names the releases that wait",
        answer=merge,
        scopes=("system/Patient.u", "system/Consent.r"),
        parameters=(
            Parameter("source-patient", "Reference", "The Patient that is replaced.", 1),
            Parameter("target-patient", "Reference", "The Patient that replaces it.", 1),
            Parameter("preview", "boolean", "Only tell what would happen."),
            Parameter("return", "Parameters", "Both Patients, and each release that waits.", 1, use="out"),
        ),
        affects_state=True,
        body=Body(("Parameters",), "Parameters with source-patient, target-patient and preview."),
        returns="Parameters",
        returns_text="Both Patients, and as `waiting` each release of the source that wants a new signature.",
    ),
)
