"""The referrals that wait for a signature: active ones whose provider does not see them, and what is missing.

For the custodian alone, of what it and its parts hold. docs/referral.md, 'When the release ends'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.consent.evaluate import Deny
from app.consent.parse import read as read_consent
from app.consent.report import Waiting, waiting_report
from app.db import read as store
from app.db import search_queries
from app.db.caller import plan_by
from app.db.driver import fetch
from app.db.rows import Stored
from app.errors import Issue
from app.exchange.confining import confined
from app.exchange.explaining import Holdings, decision_for, holdings
from app.exchange.release import PendingResult
from app.fhir.json import parse
from app.projections.consent_context import consent_context
from app.referral.judge import follows_referral
from app.referral.table import OPEN, REQUESTED
from app.resources.consent import parties
from app.resources.paths import values
from app.resources.refs import local_id, parse_local
from app.search.cursor import Cursor
from app.search.query import Search
from app.session import Session

Json = dict[str, Any]
DRAFTS = frozenset({"draft", "proposed"})


@dataclass(frozen=True, slots=True)
class _Student:
    """What is held about one student: its records by the rule, and the bodies that the answer is told from."""

    held: Holdings
    tasks: tuple[Json, ...]
    consents: tuple[Json, ...]


async def awaiting_release(session: Session, search: Search, after: Cursor | None) -> PendingResult:
    """A page of the caller's active referrals, those of them that wait; a page may hold fewer than it went through."""
    for name in ("ServiceRequest", "Task"):
        session.require(name, "s")
    session.require("Consent", "r")
    inside = confined(session, search)
    if inside is None:
        return PendingResult(document=waiting_report([]), search=search)
    search = inside
    await plan_by(session.connection, search_queries.plans(search))
    rows = await fetch(
        session.connection,
        *search_queries.page(search, session.caller.organization, after, search.count, held=True),
    )
    students: dict[UUID, _Student] = {}
    waiting: list[Waiting] = []
    for row in rows[: search.count]:
        referral = store.stored(row)
        if not session.shows(referral):
            continue
        if referral.compartment not in students:
            students[referral.compartment] = await _student(session, referral.compartment)
        waiting += await _waiting(session, referral, students[referral.compartment])
    cursors = {}
    if len(rows) > search.count:
        last = rows[search.count - 1]
        as_of = after.as_of if after is not None else search_queries.moment(rows[0], search)
        cursors["next"] = search_queries.cursor_at(last, search, back=False, as_of=as_of).pack()
    return PendingResult(document=waiting_report(waiting), cursors=cursors, search=search)


async def _student(session: Session, compartment: UUID) -> _Student:
    own, nobody = session.caller.organization, UUID(int=0)
    bodies = {
        name: tuple(parse(b) for b in await store.bodies_held(session.connection, compartment, name, own, nobody))
        for name in ("Task", "Consent")
    }
    return _Student(await holdings(session, compartment), bodies["Task"], bodies["Consent"])


async def _waiting(session: Session, referral: Stored, student: _Student) -> list[Waiting]:
    """For each provider of a referral that does not see it: what is missing."""
    content = parse(referral.body)
    reference = f"ServiceRequest/{referral.id}"
    tasks = [t for t in student.tasks if follows_referral(t) and t["focus"]["reference"] == reference]
    standing = [t for t in tasks if t.get("status") in (REQUESTED, *OPEN)]
    named = {i for t in standing if (i := local_id(t.get("owner"), "Organization"))}
    if not tasks:
        named = {i for r in content.get("performer", []) if (i := local_id(r, "Organization"))}
    found: list[Waiting] = []
    for provider in sorted(named & await store.organizations(session.connection, named)):
        decision = await decision_for(session, student.held, provider, referral.id)
        if not isinstance(decision, Deny):
            continue
        about = [c for c in student.consents if provider in _recipients(c)]
        drafts = [(str(c["id"]), await _gaps(session, referral, c)) for c in about if c.get("status") in DRAFTS]
        found.append(
            Waiting(
                referral=referral.id,
                tasks=tuple(str(t["id"]) for t in standing if local_id(t.get("owner")) == provider),
                provider=provider,
                since=content.get("authoredOn"),
                ended=tuple(str(c["id"]) for c in about if c.get("status") == "inactive"),
                drafts=tuple(drafts),
                why=decision,
            )
        )
    return found


def _recipients(consent: Json) -> set[UUID]:
    """The organizations that a Consent names, whatever it says of them."""
    named = [*parties(consent), *values(consent, "provision.actor.reference.reference")]
    return {target[1] for text in named if (target := parse_local(text))}


async def _gaps(session: Session, referral: Stored, consent: Json) -> tuple[Issue, ...]:
    """What a draft lacks to be active."""
    context = await consent_context(session, referral.compartment, referral.custodian, consent, session.zone)
    return read_consent(consent, UUID(consent["id"]), 1, context).missing
