"""$match over what the caller sees: a hidden student neither matches nor makes another's match uncertain.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.consent.gate.door import Door
from app.consent.gate.released import Candidate, Found
from app.fhir.json import parse
from app.fhir.matching import grade, score
from app.search.query import Search
from app.store import find
from app.store import read as store
from app.store.enter import plan_by
from app.store.rows import Stored

MOST_WEIGHED = 500
"""Students that one search may bring to be weighed; the newest."""


async def match(
    door: Door, patient: dict[str, Any], searches: list[Search], count: int, *, only_certain: bool
) -> Found:
    """The best matches first, `count` at the most; of certain ones no more than one, where only that is wanted."""
    door.require("Patient", "s")
    rows: dict[UUID, Stored] = {}
    for wanted in searches:
        await plan_by(door.connection, find.plans(wanted))
        ask = find.page(wanted, door.caller.organization, None, MOST_WEIGHED - 1, emergency=door.caller.in_emergency)
        rows |= {r.id: r for r in await store.rows(door.connection, *ask)}
    weighed = sorted(((score(patient, parse(r.body)), r) for r in rows.values()), key=lambda w: (-w[0], str(w[1].id)))
    found = [Candidate(r, score=(s, g)) for s, r in weighed if (g := grade(s)) is not None]
    if only_certain:
        certain = [c for c in found if c.score and c.score[1] == "certain"]
        found = certain if len(certain) == 1 else []
    return Found(tuple(found[:count]), total=len(found[:count]))
