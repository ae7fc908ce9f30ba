"""Explains access to its custodian: why a recipient may see a record or not, and what a drafted Consent would open.

Only what the caller itself holds is weighed. To anybody else the student is absent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from app.consent.codes import PURPOSES, widen
from app.consent.compile import Reading
from app.consent.compile import read as read_consent
from app.consent.decide import Deny, Permit, decide
from app.consent.gate import reads
from app.consent.gate.door import Door
from app.consent.gate.prepared import Prepared
from app.consent.gate.released import Found
from app.consent.gate.situation import content_of, situation
from app.consent.report import explanation, preview_report
from app.consent.rules import Facts, Release, Rules, Viewer
from app.consent.signing import authority
from app.errors import HallpassError, Issue, Kind, not_found
from app.fhir.dates import born
from app.resources import TYPES
from app.resources.refs import as_uuid, local_id
from app.store import read as store
from app.store import rules as stored_rules


@dataclass(frozen=True, slots=True)
class Question:
    """Would this recipient see, for these purposes, records of a type, or one resource?"""

    recipient: UUID
    purposes: frozenset[str]
    type: str | None
    resource: UUID | None


async def explain(door: Door, patient: str, question: Question) -> Found:
    """Each record that is asked about, with each Consent and provision that was weighed. Raises NOT_FOUND."""
    door.require("Patient", "r")
    door.require("Consent", "r")
    row = await reads.current(door, TYPES["Patient"], patient)
    shard = as_uuid(patient)
    if row is None or row.deleted or shard is None:
        raise not_found()
    held = await stored_rules.facts(door.connection, shard, door.caller.organization, parts=True)
    if not held:
        raise not_found()
    rules = await _rules(door, shard, held, await stored_rules.releases(door.connection, shard))
    viewer = await _viewer(door, question.recipient, question.purposes, rules, held)
    asked = _asked(held, question, shard)
    results = [(f, decide(rules, viewer, f)) for f in asked]
    return Found(document=explanation(results))


async def preview(door: Door, prepared: Prepared) -> Found:
    """What a Consent, as drafted, would open of what the caller holds, and what keeps it from being active."""
    door.require("Consent", "r")
    consent = prepared.content
    shard = local_id(consent.get("patient"), "Patient")
    seen = await store.visible(door.connection, {shard} if shard else set())
    if shard is None or shard not in seen:
        text = "The reference leads to nothing that you can see."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Consent.patient.reference", "not-found"))
    own = door.caller.organization
    found = await situation(door, shard, own, consent, door.zone)
    reading = read_consent(consent, uuid4(), 1, found)
    held = await stored_rules.facts(door.connection, shard, own, parts=False)
    return Found(document=await _previewed(door, shard, reading, held))


async def _previewed(door: Door, shard: UUID, reading: Reading, held: list[Facts]) -> dict[str, Any]:
    if reading.draft is None:
        return preview_report(reading.gaps, {})
    draft = reading.draft
    others = await stored_rules.releases(door.connection, shard)
    rules = await _rules(door, shard, held, (*others, draft))
    purposes = frozenset(p for node in draft.provisions for p in node.purposes or ())
    outcomes: dict[UUID, Counter[tuple[str, bool, str]]] = {}
    for recipient in sorted(draft.recipients):
        viewer = await _viewer(door, recipient, purposes, rules, held)
        viewer = replace(viewer, now=max(viewer.now, draft.opens))
        outcomes[recipient] = Counter(_outcome(rules, viewer, f, draft) for f in held)
    return preview_report(reading.gaps, outcomes)


def _outcome(rules: Rules, viewer: Viewer, facts: Facts, draft: Release) -> tuple[str, bool, str]:
    """Type, whether this draft opens it, and if not why not."""
    alone = decide(replace(rules, releases=(draft,)), viewer, facts)
    together = decide(rules, viewer, facts)
    if isinstance(alone, Permit) and isinstance(together, Permit):
        return facts.type, True, ""
    if isinstance(alone, Permit):
        return facts.type, False, "another release denies it"
    assert isinstance(alone, Deny)
    why = {w.node: w.why for w in alone.weighed}  # by provision, and None for the whole: all there is, out of force
    return facts.type, False, why.get(0) or why[None]


async def _rules(door: Door, shard: UUID, held: list[Facts], releases: tuple[Release, ...]) -> Rules:
    """What the releases are weighed against, from what the caller may see."""
    patient = await content_of(door, "Patient", shard)
    authorities = {}
    for signer in {r.signer for r in releases if r.signer}:
        person = await content_of(door, "RelatedPerson", signer)
        window = authority(person, door.zone) if person else None
        if window:
            authorities[signer] = window
    day = patient.get("birthDate") if patient else None
    return Rules(
        releases=releases,
        born=born(day) if day else None,
        authorities=authorities,
        agreements=await stored_rules.agreements(door.connection),
        places=await stored_rules.places(door.connection, {f.custodian for f in held} | {door.caller.organization}),
        focal={f.id: (f.custodian, f.refs) for f in held},
        agreement_required=door.settings.require_agreement,
    )


async def _viewer(door: Door, recipient: UUID, purposes: frozenset[str], rules: Rules, held: list[Facts]) -> Viewer:
    """The recipient, as the rule would see it call now. Raises UNPROCESSABLE for one that is not of the network."""
    place = (await stored_rules.places(door.connection, {recipient})).get(recipient)
    if place is None:
        raise HallpassError(Kind.UNPROCESSABLE, Issue("The recipient is no organization of the network.", "recipient"))
    unknown = purposes - PURPOSES
    if unknown or not purposes:
        raise HallpassError(Kind.UNPROCESSABLE, Issue("The purpose is a code of v3-ActReason.", "purpose"))
    below = {c for c in {f.custodian for f in held} if c in rules.places and recipient in rules.places[c].above}
    return Viewer(
        organization=recipient,
        above=frozenset(place.above),
        below=frozenset(below | {recipient}),
        purposes=widen(purposes),
        now=await store.moment(door.connection),
    )


def _asked(held: list[Facts], question: Question, shard: UUID) -> list[Facts]:
    """The records that are asked about; for a type of which there is none, one that would be plain."""
    if question.resource is not None:
        found = [f for f in held if f.id == question.resource]
        if not found:
            raise HallpassError(Kind.UNPROCESSABLE, Issue("You hold no such record of this student.", "resource"))
        return found
    declared = TYPES.get(question.type or "")
    if declared is None or declared.student is None:
        raise HallpassError(Kind.UNPROCESSABLE, Issue("The type is not one of a student's records.", "type"))
    plain = Facts(
        uuid4(), declared.name, held[0].custodian, shard, directory=False, timeless=not declared.clinical_date
    )
    return [f for f in held if f.type == declared.name] or [plain]
