"""How a student's releases stand, for the custodian; to anybody else the student is absent. 34 CFR 99.30"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.consent.model import Requester
from app.consent.standing import changes, cost, covered, standings
from app.consent.standing_report import covered_report, status_report
from app.db import policies as stored_rules
from app.db import read as store
from app.errors import HallpassError, Kind, not_found
from app.exchange.explaining import policy_set
from app.exchange.release import PendingResult
from app.limits.long_work import off_loop
from app.resources.refs import as_uuid
from app.session import Session

AHEAD = timedelta(days=30)
MOST = 200_000
"""Decisions that one call may take: a second or two."""


async def status(session: Session, patient: str, *, provisions: bool = False) -> PendingResult:
    """Which releases have effect, what each opens, and what changes in the next 30 days. Raises NOT_FOUND.

    `provisions`: also what each provision of them covers.
    """
    session.require("Patient", "r")
    session.require("Consent", "r")
    own, compartment = session.caller.organization, as_uuid(patient)
    held = await stored_rules.attributes(session.connection, compartment, own, parts=True) if compartment else []
    if compartment is None or not held or not session.includes(compartment):
        raise not_found()
    policies = await policy_set(
        session, compartment, held, await stored_rules.releases(session.connection, compartment)
    )
    if cost(policies, held) * (1 + provisions) > MOST:
        raise HallpassError(Kind.TOO_COSTLY, "The student has too many records and releases for one answer.")
    now = await store.moment(session.connection)
    named = {o for r in policies.releases for o in r.recipients}
    places = await stored_rules.places(session.connection, named)

    def asks(organization: UUID, purposes: frozenset[str], at: datetime) -> Requester:
        place = places.get(organization)
        ancestors = frozenset(place.ancestors) if place else frozenset({organization})
        return Requester(organization, ancestors, frozenset(), purposes, at)

    def report() -> dict[str, Any]:
        told = status_report(standings(policies, held, asks, now), changes(policies, held, asks, now, AHEAD))
        more = covered_report(covered(policies, held, asks, now)) if provisions else []
        return told | ({"parameter": told.get("parameter", []) + more} if more else {})

    return PendingResult(document=await off_loop(session.caller.client, report, large=True))
