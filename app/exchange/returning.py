"""Holds a request to return or destroy to what was: the release has ended, and who is asked received under it.

So it tells nobody of a student, or of a release, who was not told before.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.db.tables import disclosure
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import parse
from app.projections.consent_context import current_of
from app.referral.returns import judge_return
from app.referral.table import Party
from app.resources.refs import local_id
from app.session import Session

Json = dict[str, Any]
_ENDED = ("inactive", "entered-in-error", "rejected")


async def require_return(session: Session, after: Json, before: Json, parties: frozenset[Party]) -> None:
    """Raise CONFLICT or UNPROCESSABLE where a write is none of a request to return or destroy."""
    if wrong := judge_return(before, after, parties):
        raise HallpassError(wrong[0], *wrong[1])
    if before.get("status") not in (None, "draft") or after.get("status") == "draft":
        return
    consent, owner = local_id(after["focus"], "Consent"), local_id(after["owner"], "Organization")
    student = local_id(after["for"], "Patient")
    row = await current_of(session, "Consent", consent) if consent else None
    if row is None or row.student != student or not await session.holds(row.custodian):
        raise _refused("focus", "It names a Consent of this student that your organization holds.")
    if parse(row.body).get("status") not in _ENDED:
        raise _refused("focus", f"The release still has effect. End it first: set its status to {', '.join(_ENDED)}.")
    if owner is None or not await _received(session, row.compartment, row.id, owner):
        text = "That organization received nothing under it. Patient/[id]/$recipients lists who did."
        raise _refused("owner", text)


async def _received(session: Session, compartment: UUID, consent: UUID, organization: UUID) -> bool:
    d = disclosure.c
    under = select(d.id).where(d.compartment == compartment, d.consent == consent, d.recipient == organization)
    return await session.connection.scalar(under.limit(1)) is not None


def _refused(element: str, text: str) -> HallpassError:
    return HallpassError(Kind.UNPROCESSABLE, Issue(text, f"Task.{element}", "business-rule"))
