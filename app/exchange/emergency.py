"""Breaking the glass: a student's record opened for an hour to who needs it at once, and says why.

34 CFR 99.36, 45 CFR 164.510(b)(3): the exception, not a release. Every read under it is on the ledger as an
emergency, with the written reason, for the custodian to see.
"""

from __future__ import annotations

from app.db import emergency as store
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import reads
from app.exchange.release import PendingResult, PendingRow
from app.ledger import security_log
from app.resources import TYPES
from app.session import Session

SHORTEST_REASON = 20
HOURS = 1


async def break_glass(session: Session, system: str, value: str, reason: str) -> PendingResult:
    """Open the student with this identifier, as each organization holds it, and answer the Patients.

    Raises FORBIDDEN without the emergency scope and the purpose BTG, UNPROCESSABLE without a reason, and NOT_FOUND.
    """
    if not session.caller.in_emergency:
        raise HallpassError(
            Kind.FORBIDDEN, "Emergency access needs a token with the purpose BTG and the emergency scope."
        )
    session.require("Patient", "r")
    if len(reason.strip()) < SHORTEST_REASON:
        text = f"Say why, in {SHORTEST_REASON} characters at least: the student's custodian will read it."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))
    found = await store.break_glass(session.connection, system, value, session.caller.client, reason.strip(), HOURS)
    if not found:
        raise not_found()
    await security_log.record(session.connection, "emergency", session.caller.client, "0", "the glass was broken")
    rows = [await reads.current(session, TYPES["Patient"], str(student)) for student in found]
    return PendingResult(tuple(PendingRow(row) for row in rows if row is not None and not row.deleted))
