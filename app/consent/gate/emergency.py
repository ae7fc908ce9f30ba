"""Breaking the glass: a student's record opened for an hour to who needs it at once, and says why.

34 CFR 99.36, 45 CFR 164.510(b)(3): the exception, not a release. Every read under it is on the ledger as an
emergency, with the written reason, for the custodian to see.
"""

from __future__ import annotations

from app.audit import trail
from app.consent.gate import reads
from app.consent.gate.door import Door
from app.consent.gate.released import Candidate, Found
from app.errors import HallpassError, Issue, Kind, not_found
from app.resources import TYPES
from app.store import emergency as store

SHORTEST_REASON = 20
HOURS = 1


async def break_glass(door: Door, system: str, value: str, reason: str) -> Found:
    """Open the student with this identifier, as each organization holds it, and answer the Patients.

    Raises FORBIDDEN without the emergency scope and the purpose BTG, UNPROCESSABLE without a reason, and NOT_FOUND.
    """
    if not door.caller.in_emergency:
        raise HallpassError(
            Kind.FORBIDDEN, "Only a token given for an emergency, with the purpose BTG, breaks the glass."
        )
    door.require("Patient", "r")
    if len(reason.strip()) < SHORTEST_REASON:
        text = f"Say why, in {SHORTEST_REASON} characters at least: the student's custodian will read it."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))
    found = await store.break_glass(door.connection, system, value, door.caller.client, reason.strip(), HOURS)
    if not found:
        raise not_found()
    await trail.note(door.connection, "emergency", door.caller.client, "0", "the glass was broken")
    rows = [await reads.current(door, TYPES["Patient"], str(student)) for student in found]
    return Found(tuple(Candidate(row) for row in rows if row is not None and not row.deleted))
