"""A person at the custodian confirms a release of which something lapsed and is back. docs/rule.md, 'Who may sign'

It is weighed under the compartment's lock: what has no effect for another reason (it ended, it expired, the student is
of age) is not confirmed.
"""

from __future__ import annotations

from uuid import uuid4

from app.consent.codes import widen
from app.consent.confirming import confirmed
from app.consent.evaluate import AGREEMENT_LAPSED, AUTHORITY_LAPSED
from app.consent.model import Release, Requester, ResourceAttributes
from app.consent.standing import out_of_force
from app.db import policies as stored_rules
from app.db import projections
from app.db import read as store
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import patching, writes
from app.exchange.explaining import policy_set
from app.exchange.release import PendingResult, PendingRow
from app.resources import TYPES
from app.session import Session

_LAPSED = frozenset({AUTHORITY_LAPSED, AGREEMENT_LAPSED})


async def confirm(session: Session, consent_id: str, by: str, if_match: str | None) -> PendingResult:
    """The Consent, confirmed by who `by` says; as it is, where nothing of it lapsed.

    Raises NOT_FOUND where it is not the caller's, CONFLICT where it is not active, and UNPROCESSABLE where it has no
    effect for a reason that a confirmation does not mend.
    """
    session.require("Consent", "u")
    declared = TYPES["Consent"]
    row, at = await writes.locked(session, declared, consent_id, if_match)
    if row.deleted or not await session.holds(row.custodian):
        raise not_found()
    release = await projections.release(session.connection, row.compartment, row.id)
    if release is None:
        text = "Only an active release is confirmed. What ended stays ended: a new signature is a new Consent."
        raise HallpassError(Kind.CONFLICT, Issue(text, "Consent.status", "business-rule"))
    reasons = await _reasons(session, release)
    if not _LAPSED & reasons:
        if None in reasons:
            return PendingResult((PendingRow(row),), unchanged=True)
        why = "; ".join(sorted(r for r in reasons if r))
        text = f"A confirmation does not bring this release into effect: {why or 'it names no recipient'}."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Consent", "business-rule"))
    return await patching.patch(
        session, declared, consent_id, lambda content: confirmed(content, by, at), None, confirms=True
    )


async def _reasons(session: Session, release: Release) -> set[str | None]:
    """Why it has no effect for those whom it names and those with an agreement; None: for one of them it has."""
    plain = ResourceAttributes(uuid4(), "Patient", release.custodian, release.student, directory=False)
    policies = await policy_set(session, release.student, [plain], (release,))
    now = await store.moment(session.connection)
    purposes = widen(p for node in release.provisions for p in node.purposes or ())
    found: set[str | None] = set()
    for organization in sorted(release.recipients | {a.recipient for a in policies.agreements}):
        counts_as = frozenset({organization}) | await stored_rules.counts_as(session.connection, organization)
        if release.recipients & counts_as:
            requester = Requester(organization, counts_as, frozenset(), purposes, now)
            found.add(out_of_force(policies, release, requester))
    return found
