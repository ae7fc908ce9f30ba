"""Entering a disclosure that was made outside the exchange: the custodian's word, marked as such. 34 CFR 99.32"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.exchange.disclosures import require_held
from app.exchange.release import PendingResult
from app.fhir.dates import instant, interval
from app.fhir.json import dump
from app.fhir.validation.plan import resource_model
from app.fhir.validation.validator import Validator
from app.ledger import outside
from app.ledger.events import OURS
from app.resources.paths import values
from app.resources.refs import local_id
from app.session import Session

Json = dict[str, Any]


def check(event: Json) -> None:
    """Raise UNPROCESSABLE with every fault of an AuditEvent by itself."""
    model = resource_model("AuditEvent")
    assert model is not None
    found = [] if event.get("resourceType") == "AuditEvent" else [_issue("Send an AuditEvent.", "AuditEvent")]
    found = found or list(Validator(event).issues(model))
    if not found and len(_students(event)) != 1:
        found = [_issue("One entity must be the student: a Patient whose record you hold.", "AuditEvent.entity")]
    if not found and not any(a.get("requestor") is True and a.get("who") for a in values(event, "agent")):
        text = "Say who received: an agent with requestor true and who."
        found = [_issue(text, "AuditEvent.agent")]
    if found:
        raise HallpassError(Kind.UNPROCESSABLE, *found)


async def enter(session: Session, event: Json, consent: Json | None) -> PendingResult:
    """Enter it in the record of disclosures of the student. Raises NOT_FOUND, UNPROCESSABLE; `check` came before."""
    session.require("AuditEvent", "c")
    student = await require_held(session, "Patient", str(_students(event)[0]))
    cited = await _consent(session, consent, student)
    at = interval(event["recorded"], session.zone).lower
    if at > await store.moment(session.connection):
        text = "A disclosure is entered once it was made."
        raise HallpassError(Kind.UNPROCESSABLE, _issue(text, "AuditEvent.recorded"))
    own, custodian = uuid4(), session.caller.organization
    marked = {
        **{k: v for k, v in event.items() if k not in ("id", "meta", "text", "contained")},
        "id": str(own),
        "meta": {"lastUpdated": instant(await store.moment(session.connection))},
        "subtype": [*values(event, "subtype"), {"system": OURS, "code": outside.ASSERTED}],
        "source": {"observer": {"reference": f"Organization/{custodian}"}},
    }
    if session.stored is not None:
        session.stored.count(session.caller.client, len(dump(marked)))
    recipients = [local_id(a.get("who"), "Organization") for a in values(event, "agent") if a.get("requestor") is True]
    received = await store.organizations(session.connection, [r for r in recipients if r])
    await outside.add(
        session.connection,
        student=student,
        id=own,
        at=at,
        parties=(custodian, min(received, default=None)),
        client=session.caller.client,
        consent=cited,
        event=marked,
    )
    return PendingResult(document=marked)


async def _consent(session: Session, consent: Json | None, student: UUID) -> UUID | None:
    """The Consent that is cited: one that the caller holds, about the same student."""
    if consent is None:
        return None
    found = local_id(consent, "Consent")
    seen = (await store.visible(session.connection, [found] if found else [])).get(found) if found else None
    cited = (seen.type, seen.student) if seen and await session.holds(seen.custodian) else None
    if cited != ("Consent", student):
        text = "The Consent must be one that you hold, about the same student."
        raise HallpassError(Kind.UNPROCESSABLE, _issue(text, "Parameters.parameter.where(name='consent')"))
    return found


def _students(event: Json) -> list[UUID]:
    found = {local_id(e.get("what"), "Patient") for e in values(event, "entity")}
    return [i for i in found if i is not None]


def _issue(text: str, at: str) -> Issue:
    return Issue(text, at, "business-rule")
