"""$match over what the caller sees: a hidden student neither matches nor makes another's match uncertain.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.consent.contact import usable
from app.db import read as store
from app.db import search_queries
from app.db.caller import plan_by
from app.db.rows import Stored
from app.exchange import queries
from app.exchange.match_score import grade, score
from app.exchange.reads import require_whole
from app.exchange.release import PendingResult, PendingRow
from app.fhir.json import parse
from app.search.query import Search
from app.session import Session

MOST_WEIGHED = 500
"""Students that one search may bring to be weighed; the newest."""


async def match(
    session: Session, patient: dict[str, Any], searches: list[Search], count: int, *, only_certain: bool
) -> PendingResult:
    """The best matches first, `count` at the most; of certain ones no more than one, where only that is wanted."""
    session.require("Patient", "s")
    rows: dict[UUID, Stored] = {}
    await queries.begin_together(session, searches)
    for wanted in searches:
        await plan_by(session.connection, search_queries.plans(wanted))
        ask = search_queries.page(
            wanted,
            session.caller.organization,
            None,
            MOST_WEIGHED - 1,
            emergency=session.caller.in_emergency,
            most_bytes=session.settings.max_result_bytes,
        )
        found_by = await store.rows(session.connection, *ask)
        require_whole(found_by)
        rows |= {r.id: r for r in found_by}
    scored = ((score(patient, usable(parse(r.body))), r) for r in rows.values())
    trace = sorted(scored, key=lambda w: (-w[0], str(w[1].id)))
    found = [PendingRow(r, score=(s, g)) for s, r in trace if (g := grade(s)) is not None]
    if only_certain:
        certain = [c for c in found if c.score and c.score[1] == "certain"]
        found = certain if len(certain) == 1 else []
    return PendingResult(tuple(found[:count]), total=len(found[:count]), bundled=True)
