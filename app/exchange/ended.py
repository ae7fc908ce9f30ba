"""Refuses a write that would bring an ended release back, or widen one that is active.

docs/rule.md, 'Ended is ended'.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.ending import FINAL, same_evidence, widens
from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import parse
from app.session import Session


async def require_not_widened(
    session: Session, before: dict[str, Any], after: dict[str, Any], place: tuple[UUID, UUID], zone: ZoneInfo
) -> None:
    """Raise CONFLICT where a Consent would revive, extend, widen or re-date what its signature opened.

    `before`: the version that stands, empty for a new Consent. `place`: the student and the Consent's id, under whose
    lock this runs.
    """
    if found := widens(before, after, zone):
        raise HallpassError(Kind.CONFLICT, *found)
    if after.get("status") != "active" or before.get("status") == "active":
        return
    compartment, own_id = place
    for body in await store.bodies_held(
        session.connection, compartment, "Consent", session.caller.organization, own_id
    ):
        ended = parse(body)
        if ended.get("status") in FINAL and same_evidence(ended, after, zone):
            text = "A Consent with the same signature has ended. Once it is signed again, file it with the new date."
            raise HallpassError(Kind.CONFLICT, Issue(text, "Consent.dateTime", "business-rule"))
