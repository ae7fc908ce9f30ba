"""A drafted Consent beside a release that is filed, both compiled, for their custodian."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from app.consent.parse import read as read_consent
from app.db import policies as stored_rules
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import reads
from app.exchange.release import PendingResult
from app.exchange.validated import Validated
from app.projections.consent_context import consent_context
from app.resources import TYPES
from app.resources.refs import local_id
from app.session import Session

WITH = "Parameters.parameter.where(name='with')"


async def pair(session: Session, validated: Validated, other: dict[str, Any]) -> PendingResult:
    """`draft` and `filed`, two releases. Raises NOT_FOUND, and UNPROCESSABLE for what does not compile."""
    session.require("Consent", "r")
    named = local_id(other, "Consent")
    row = await reads.current(session, TYPES["Consent"], str(named)) if named else None
    if row is None or row.deleted or not await session.holds(row.custodian):
        raise not_found()
    if local_id(validated.content.get("patient"), "Patient") != row.compartment:
        text = "The draft must be about the student of the Consent that it is compared with."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Consent.patient", "business-rule"))
    releases = await stored_rules.releases(session.connection, row.compartment)
    filed = next((r for r in releases if r.consent == row.id), None)
    if filed is None:
        text = "That Consent is not an active release."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, WITH, "business-rule"))
    own = session.caller.organization
    found = await consent_context(session, row.compartment, own, validated.content, session.zone)
    reading = read_consent(validated.content, uuid4(), 1, found)
    if reading.draft is None:
        raise HallpassError(Kind.UNPROCESSABLE, *reading.missing)
    return PendingResult(document={"draft": reading.draft, "filed": filed})
