"""Consent/$fileConsent, $revokeConsent and $fast-consent: the operations of HL7 FAST Consent Management.

https://hl7.org/fhir/us/consent-management/ (1.0.0-ballot)
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import read
from app.api.search import understand
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import fast, reads
from app.exchange.service import PendingResult, Session
from app.fhir.json import dump
from app.fhir.outcome import success
from app.limits.long_work import is_large
from app.resources import ResourceType

FILED = {"consent": "resource", "document": "resource"}
REVOKED = {"consent": "valueReference", "patient": "valueReference", "document": "resource"}


async def file_consent(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """The outcome, with the address of the Consent that was filed."""
    given = await _given(request, context, FILED, ("consent", "document"))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return await fast.file(session, given["consent"], given["document"], _find)

    filed = (await context.all("create", unit_of_work))[-1].one
    place = f"{context.base}/Consent/{filed.id}/_history/{filed.version}"
    headers = {"Location": place, **http.version_headers(filed)}
    return http.respond(request, dump(success(f"Filed as Consent/{filed.id}.")), 200, headers)


async def revoke_consent(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """The outcome of the end."""
    given = await _given(request, context, REVOKED, ("consent", "patient"))

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return await fast.revoke(session, given["consent"], given["patient"], given.get("document"), _find)

    ended = (await context.all("update", unit_of_work))[-1].one
    return http.respond(request, dump(success(f"Consent/{ended.id} is inactive.")), 200, http.version_headers(ended))


async def fast_consent(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """A Consent in the shape of FAST."""
    http.require_acceptable(request)
    http.parameters(request)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await fast.theirs(session, id)]

    return http.respond(request, dump((await context.one("fast-consent", unit_of_work)).document))


async def _given(
    request: Request, context: RequestContext, kinds: dict[str, str], needed: tuple[str, ...]
) -> dict[str, Any]:
    """The parameters by name. Raises UNPROCESSABLE for one that is missing."""
    http.require_acceptable(request)
    content = await context.body(request, "Consent", "cu")
    given = await context.off_loop(lambda: read(content, kinds), large=is_large(content))
    for name in needed:
        if name not in given:
            text = f"The parameter {name!r} is missing."
            at = f"Parameters.parameter.where(name='{name}')"
            raise HallpassError(Kind.UNPROCESSABLE, Issue(text, at, "required"))
    return given


async def _find(session: Session, kind: str, system: str, value: str) -> list[str]:
    """The caller's own resources of a type with an identifier, two at the most."""
    if not system or not value:
        return []
    escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")
    wanted = understand(session, kind, [("identifier", f"{system}|{escaped}")])
    return [f"{r.type}/{r.id}" for r in await reads.matches(session, wanted, 2)]


_OUTCOME = Parameter("return", "OperationOutcome", "What came of it.", use="out")
OPERATIONS = (
    Operation(
        name="fileConsent",
        type="Consent",
        calls=(Call("POST", "fileConsent", "File a Consent as HL7 FAST does", instance=False),),
        note="files a Consent with its document, as HL7 FAST Consent Management does",
        answer=file_consent,
        scopes=("system/Consent.c", "system/DocumentReference.c"),
        parameters=(
            Parameter("consent", "Consent", "The Consent, in the profile of FAST.", 1),
            Parameter("document", "Resource", "The DocumentReference or QuestionnaireResponse that it rests on.", 1),
            _OUTCOME,
        ),
        affects_state=True,
        body=Body(("Parameters",), "consent and document."),
        returns="OperationOutcome",
        returns_text="What came of it; Location leads to the Consent.",
        headers=("Location", "ETag", "Last-Modified"),
    ),
    Operation(
        name="revokeConsent",
        type="Consent",
        calls=(Call("POST", "revokeConsent", "Revoke a Consent as HL7 FAST does", instance=False),),
        note="ends a Consent; nothing is deleted",
        answer=revoke_consent,
        scopes=("system/Consent.u",),
        parameters=(
            Parameter("consent", "Reference", "The Consent.", 1),
            Parameter("patient", "Reference", "The student that it is about, by id or by identifier.", 1),
            Parameter("document", "Resource", "The DocumentReference or QuestionnaireResponse that asks for it."),
            _OUTCOME,
        ),
        affects_state=True,
        body=Body(("Parameters",), "consent, patient and document."),
        returns="OperationOutcome",
        returns_text="What came of it.",
        headers=("ETag", "Last-Modified"),
    ),
    Operation(
        name="fast-consent",
        type="Consent",
        calls=(Call("GET", "fastConsent", "A Consent in the shape of HL7 FAST"),),
        note="a Consent in the shape of HL7 FAST Consent Management, for its custodian",
        answer=fast_consent,
        scopes=("system/Consent.r",),
        parameters=(Parameter("return", "Consent", "The Consent.", 1, use="out"),),
        returns="Consent",
        returns_text="The Consent with its controller, and identifiers of those whom it names.",
    ),
)
