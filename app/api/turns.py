"""The order in which a transaction performs its entries; that in which they were sent does not matter.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from app.api.entries import METHODS, Entry
from app.exchange import reads
from app.exchange.service import Session
from app.fhir.json import parse
from app.resources import REGISTRY, TYPES
from app.resources.refs import as_uuid, local_id

_RANK = {t.name: n for n, t in enumerate(sorted(REGISTRY, key=lambda t: (t.visibility.value != "directory", t.name)))}
_RANK |= {"Organization": -3, "Patient": 20, "RelatedPerson": 21, "ServiceRequest": 22, "Task": 23, "Consent": 30}


async def in_turn(session: Session, entries: Iterable[Entry]) -> list[Entry]:
    """By method; then what others depend on first, or where it is deleted last."""
    listed = list(entries)
    to_delete = [e for e in listed if e.method == "DELETE" and e.type == "Organization" and e.id]
    depths = await _depths(session, [e.id or "" for e in to_delete]) if len(to_delete) > 1 else {}

    def turn(entry: Entry) -> tuple[int, int, int]:
        rank = _RANK.get(entry.type, 0)
        sign = -1 if entry.method == "DELETE" else 1
        return METHODS.index(entry.method), sign * rank, -depths.get(entry.id or "", 0)

    return sorted(listed, key=turn)


async def _depths(session: Session, ids: list[str]) -> dict[str, int]:
    """How many of these organizations each one is below."""
    parents: dict[UUID, UUID | None] = {}
    for own in filter(None, map(as_uuid, ids)):
        row = await reads.current(session, TYPES["Organization"], str(own))
        parents[own] = local_id(parse(row.body).get("partOf")) if row is not None and row.body else None
    found: dict[str, int] = {}
    for own in parents:
        above, depth = parents[own], 0
        while above in parents and depth < len(parents):
            above, depth = parents[above], depth + 1
        found[str(own)] = depth
    return found
