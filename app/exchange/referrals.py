"""Holds every write of a referral and its Task to the one table of their life (app/referral/table.py).

docs/referral.md. Each version of a Task says in `meta.source` which organization wrote it, so that its history tells
each transition's time and author.
"""

from __future__ import annotations

from typing import Any

from app.consent.evaluate import Permit
from app.db import read as store
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.exchange.explaining import decision_for, holdings
from app.exchange.returning import require_return
from app.exchange.third_party_writes import judging
from app.fhir.json import parse
from app.projections.consent_context import current_of
from app.referral.judge import follows_referral, judge
from app.referral.returns import asks_return
from app.referral.table import ACTIVE, TABLES, Need, Party
from app.resources import ResourceType
from app.resources.refs import local_id
from app.session import Session

Json = dict[str, Any]


async def require_transition(
    session: Session, declared: ResourceType, after: Json, before: Json, old: Stored | None
) -> None:
    """Raise CONFLICT or UNPROCESSABLE where a write takes a referral or its Task where its table does not lead.

    `old` is the version that is superseded, and `before` its content.
    """
    if declared.name not in TABLES:
        return
    if old is not None and old.deleted:
        kept = await store.version(session.connection, declared.name, old.id, old.version - 1)
        before = parse(kept.body) if kept else {}
    parties = await _parties(session, after, before, old)
    if declared.name == "Task" and (asks_return(before) or asks_return(after)):
        await require_return(session, after, before, parties)
        return
    verdict = judge(declared.name, before, after, parties)
    if verdict.kind is not None:
        raise HallpassError(verdict.kind, *verdict.issues)
    if verdict.remaining and frozenset() not in verdict.remaining:
        needs = min(verdict.remaining, key=len)
        if Need.ACTIVE_REFERRAL in needs:
            await _require_active(session, after)
        if Need.RELEASE_ENDED in needs and old is not None:
            await _require_ended(session, before, old)


async def _parties(session: Session, after: Json, before: Json, old: Stored | None) -> frozenset[Party]:
    """What the caller is to a referral: by custody its requester, by the Task that stands its owner, or about to be."""
    owner = local_id((before or after).get("owner"), "Organization")
    found: set[Party] = set()
    if old is None or await session.holds(old.custodian):
        found.add(Party.REQUESTER)
        if owner is not None and (owner in session.ancestors or await session.holds(owner)):
            found.add(Party.OWNER)
    elif owner in session.ancestors:
        found.add(Party.OWNER)
    elif owner is None and local_id(after.get("owner"), "Organization") == session.caller.organization:
        found.add(Party.CLAIMANT)
    return frozenset(found)


async def _require_active(session: Session, task: Json) -> None:
    """Raise CONFLICT where the referral, as far as the caller sees it, is not active."""
    focus = local_id(task.get("focus"), "ServiceRequest")
    row = await current_of(session, "ServiceRequest", focus) if focus and follows_referral(task) else None
    if row is None:
        return
    status = parse(row.body).get("status")
    if status != ACTIVE:
        with judging(session, row):
            text = f"The referral is {status}. Only an active referral is taken up."
            raise HallpassError(Kind.CONFLICT, Issue(text, "Task.focus", "business-rule"))


async def _require_ended(session: Session, task: Json, old: Stored) -> None:
    """Raise CONFLICT while the owner still sees the Task: it is asked to cancel what it took up."""
    owner = local_id(task.get("owner"), "Organization")
    if owner is None:
        return
    held = await holdings(session, old.compartment)
    if isinstance(await decision_for(session, held, owner, old.id), Permit):
        text = (
            "The owner has taken it up, and its release stands. Ask it to cancel: set businessStatus to 5.2 and leave "
            "the status as it is. Once the release has ended, you may cancel by yourself."
        )
        raise HallpassError(Kind.CONFLICT, Issue(text, "Task.status", "business-rule"))
