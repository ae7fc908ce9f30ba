"""The Consent that goes along: a Bundle with records under 42 CFR Part 2 carries what they leave under.

https://www.ecfr.gov/current/title-42/section-2.32 — a copy of the consent, or an explanation of its scope, accompanies
each disclosure. The explanation stands in the label of every such record; the copy comes where the caller may read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from app.db import read as store
from app.db.rows import Grounds, Stored
from app.exchange.reads import allows_type
from app.exchange.release import PendingResult, PendingRow
from app.limits.results import Budget
from app.session import Session

Key = tuple[UUID, int]
"""A Consent and its version."""


async def with_consents(
    session: Session, results: list[PendingResult], grounds: Grounds
) -> tuple[list[PendingResult], list[Stored]]:
    """The results, each Bundle with its Consents, and the Consents, which are a disclosure of their own.

    Raises TOO_COSTLY where an answer would hold more than one may.
    """
    wanted = {key for f in results for key in _due(f, grounds)} if allows_type(session, "Consent") else set()
    if not wanted:
        return results, []
    found = [await store.version(session.connection, "Consent", *key) for key in sorted(wanted)]
    consents = {(row.id, row.version): row for row in found if row is not None and not row.deleted}
    own = [[c for k in _due(f, grounds) if (c := consents.get(k)) is not None and _in_time(f, c)] for f in results]
    return [_with(session, f, added) for f, added in zip(results, own, strict=True)], [
        row for row in consents.values() if any(row in added for added in own)
    ]


def _in_time(result: PendingResult, consent: Stored) -> bool:
    """Whether the reader of a feed that goes on from the latest entry it got still misses nothing."""
    return result.since is None or consent.updated < result.since


def _due(result: PendingResult, grounds: Grounds) -> Iterable[Key]:
    """The Consents under which a Bundle's records leave that tell their scope, and that are not in it already."""
    if not result.bundled:
        return []
    there = {(c.row.id, c.row.version) for c in result.pending}
    told = (grounds.get((c.row.id, c.row.version)) for c in result.pending if not c.row.deleted)
    return dict.fromkeys(
        (g.consent, g.version)
        for g in told
        if g is not None and g.scope is not None and (g.consent, g.version) not in there
    )


def _with(session: Session, result: PendingResult, consents: list[Stored]) -> PendingResult:
    if not consents:
        return result
    rows = [*(c.row for c in result.pending), *consents]
    Budget.of_whole(session.settings).require(sum(len(r.body) for r in rows), len(rows))
    return replace(result, pending=(*result.pending, *(PendingRow(r, "include") for r in consents)))
