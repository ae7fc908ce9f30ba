"""Refuses a write that would bring an ended release back, or widen one that is active.

docs/rule.md, 'Ended is ended'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.ending import FINAL, Documents, bytes_of, same_evidence, same_signers, source_of, widens
from app.db import read as store
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import parse
from app.session import Session

_EVIDENCE = frozenset({"DocumentReference", "QuestionnaireResponse", "Binary"})


async def require_not_widened(
    session: Session,
    before: dict[str, Any],
    after: dict[str, Any],
    place: tuple[UUID, UUID],
    zone: ZoneInfo,
    *,
    confirms: bool = False,
) -> None:
    """Raise CONFLICT where a Consent would revive, extend, widen or re-date what its signature opened.

    `before`: the version that stands, empty for a new Consent. `place`: the student and the Consent's id, under whose
    lock this runs. `confirms`: by $confirm.
    """
    if found := widens(before, after, zone, confirms=confirms):
        raise HallpassError(Kind.CONFLICT, *found)
    if after.get("status") != "active" or before.get("status") == "active":
        return
    compartment, own_id = place
    held = await store.bodies_held(session.connection, compartment, "Consent", session.caller.organization, own_id)
    ended = [c for c in map(parse, held) if c.get("status") in FINAL and same_signers(c, after, zone)]
    documents = await _documents(session, [after, *ended]) if ended else {}
    if any(same_evidence(c, after, zone, documents) for c in ended):
        text = "A Consent with the same signature has ended. Once it is signed again, file it with the new date."
        raise HallpassError(Kind.CONFLICT, Issue(text, "Consent.dateTime", "business-rule"))


async def _documents(session: Session, consents: Iterable[dict[str, Any]]) -> Documents:
    """The documents that Consents rest on, and their bytes."""
    found: dict[UUID, dict[str, Any]] = {}
    ahead = [target for c in consents if (target := source_of(c)) is not None]
    while ahead:
        kind, own = ahead.pop()
        if kind not in _EVIDENCE or own in found:
            continue
        row = await store.current(session.connection, kind, own)
        document = parse(row.body) if row is not None and not row.deleted else {}
        found[own] = document
        ahead += bytes_of(document)
    return found
