"""Explains access to its custodian: why a recipient may see a record or not, and what a drafted Consent would open.

Only what the caller itself holds is weighed. To anybody else the student is absent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from app.consent.attributes import referrers
from app.consent.codes import PURPOSES, widen
from app.consent.evaluate import Deny, Permit, decide
from app.consent.model import AdultFrom, PolicySet, Release, Requester, ResourceAttributes
from app.consent.parse import ParsedConsent
from app.consent.parse import read as read_consent
from app.consent.recipients import BY_ID
from app.consent.report import Outcome, explanation, preview_report
from app.consent.signing import guards_an_adult
from app.db import policies as stored_rules
from app.db import read as store
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import reads
from app.exchange.identifiers import resolve
from app.exchange.release import PendingResult
from app.exchange.validated import Validated
from app.fhir.dates import born
from app.fhir.json import parse
from app.projections.consent_context import adult_by, consent_context, current_of, standing_authority
from app.resources import TYPES
from app.resources.refs import as_uuid, local_id
from app.session import Session


@dataclass(frozen=True, slots=True)
class Question:
    """Would this recipient see, for these purposes, records of a type, or one resource?

    Without a purpose: for those that the recipient's own clients may assert.
    """

    recipient: UUID
    purposes: frozenset[str]
    type: str | None
    resource: UUID | None


async def explain(session: Session, patient: str, question: Question) -> PendingResult:
    """Each record that is asked about, with each Consent and provision that was weighed.

    Raises NOT_FOUND, and FORBIDDEN where the scopes do not let the caller read the records' type.
    """
    session.require("Patient", "r")
    session.require("Consent", "r")
    row = await reads.current(session, TYPES["Patient"], patient)
    compartment = as_uuid(patient)
    if row is None or row.deleted or compartment is None:
        raise not_found()
    held = await stored_rules.attributes(session.connection, compartment, session.caller.organization, parts=True)
    if not held:
        raise not_found()
    policies = await policy_set(
        session, compartment, held, await stored_rules.releases(session.connection, compartment)
    )
    requester = await _requester(session, question.recipient, question.purposes, policies, held)
    asked = _asked(held, question, compartment)
    for name in sorted({f.type for f in asked}):
        session.require(name, "r")
    results = [(f, decide(policies, requester, f)) for f in asked]
    return PendingResult(document=explanation(results))


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the caller holds about one student, and the releases of it."""

    records: list[ResourceAttributes]
    policies: PolicySet


async def holdings(session: Session, compartment: UUID) -> Holdings:
    """What the caller and its parts hold about a student."""
    held = await stored_rules.attributes(session.connection, compartment, session.caller.organization, parts=True)
    releases = await stored_rules.releases(session.connection, compartment)
    return Holdings(held, await policy_set(session, compartment, held, releases))


async def decision_for(
    session: Session, held: Holdings, recipient: UUID, resource_id: UUID, purposes: frozenset[str] = PURPOSES
) -> Permit | Deny:
    """Whether a recipient sees, for some purpose, one of these records."""
    requester = await _requester(session, recipient, purposes, held.policies, held.records)
    found = [decide(held.policies, requester, f) for f in held.records if f.id == resource_id]
    return found[0] if found else Deny("there is no such record")


async def preview(session: Session, validated: Validated) -> PendingResult:
    """What a Consent, as drafted, would open of what the caller holds, and what keeps it from being active."""
    session.require("Consent", "r")
    consent = await resolve(session, TYPES["Consent"], validated)
    compartment = local_id(consent.get("patient"), "Patient")
    seen = await store.visible(session.connection, {compartment} if compartment else set())
    if compartment is None or compartment not in seen:
        text = "The reference does not lead to a resource that you can see."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Consent.patient.reference", "not-found"))
    own = session.caller.organization
    found = await consent_context(session, compartment, own, consent, session.zone)
    reading = read_consent(consent, uuid4(), 1, found)
    held = await stored_rules.attributes(session.connection, compartment, own, parts=False)
    return PendingResult(document=await _previewed(session, compartment, reading, held))


async def _previewed(
    session: Session, compartment: UUID, reading: ParsedConsent, held: list[ResourceAttributes]
) -> dict[str, Any]:
    if reading.draft is None:
        return preview_report(reading.missing, {})
    draft = reading.draft
    others = await stored_rules.releases(session.connection, compartment)
    policies = await policy_set(session, compartment, held, (*others, draft))
    purposes = frozenset(p for node in draft.provisions for p in node.purposes or ())
    outcomes: dict[UUID, Outcome] = {}
    for recipient in sorted(draft.recipients):
        unusable: frozenset[str] = frozenset()
        if recipient in BY_ID:  # each member of it under agreement
            ancestors, weighed = frozenset({recipient}), replace(policies, agreement_required=False)
            now = await store.moment(session.connection)
            requester = Requester(recipient, ancestors, frozenset(), widen(purposes), now)
        else:
            requester, weighed = await _requester(session, recipient, purposes, policies, held), policies
            unusable = purposes - widen(await stored_rules.asserted_purposes(session.connection, recipient))
        requester = replace(requester, now=max(requester.now, draft.opens))
        outcomes[recipient] = Outcome(Counter(_outcome(weighed, requester, f, draft) for f in held), unusable)
    return preview_report(reading.missing, outcomes)


def _outcome(
    policies: PolicySet, requester: Requester, attributes: ResourceAttributes, draft: Release
) -> tuple[str, bool, str]:
    """Type, whether this draft opens it, and if not why not."""
    alone = decide(replace(policies, releases=(draft,)), requester, attributes)
    together = decide(policies, requester, attributes)
    if isinstance(alone, Permit) and isinstance(together, Permit):
        return attributes.type, True, ""
    if isinstance(alone, Permit):
        return attributes.type, False, "another release denies it"
    assert isinstance(alone, Deny)
    why = {w.node: w.why for w in alone.trace}  # by provision, and None for the whole: all there is, out of force
    return attributes.type, False, why.get(0) or why[None]


async def policy_set(
    session: Session, compartment: UUID, held: list[ResourceAttributes], releases: tuple[Release, ...]
) -> PolicySet:
    """What the releases are weighed against, from what the caller may see."""
    subject = await current_of(session, "Patient", compartment)
    patient = parse(subject.body) if subject else {}
    authorities = {}
    adult_guardians: set[UUID] = set()
    for signer in {r.signer for r in releases if r.signer}:
        person = await current_of(session, "RelatedPerson", signer)
        window = await standing_authority(session, person, session.zone) if person else None
        if person and window:
            authorities[signer] = window
            if guards_an_adult(parse(person.body)):
                adult_guardians.add(signer)
    day = patient.get("birthDate")
    return PolicySet(
        releases=releases,
        born=born(day) if day else None,
        authorities=authorities,
        adult=await adult_by(session, subject, patient, session.zone) if subject else AdultFrom(),
        adult_guardians=frozenset(adult_guardians),
        agreements=await stored_rules.agreements(session.connection),
        places=await stored_rules.places(
            session.connection, {f.custodian for f in held} | {session.caller.organization}
        ),
        focal={f.id: (f.custodian, f.refs) for f in held},
        referrals={f.id: f for f in held if f.type == "ServiceRequest"},
        referrers=referrers(held),
        agreement_required=session.settings.require_agreement,
    )


async def _requester(
    session: Session, recipient: UUID, purposes: frozenset[str], policies: PolicySet, held: list[ResourceAttributes]
) -> Requester:
    """The recipient, as the rule would see it call now. Raises UNPROCESSABLE for one that is not of the network."""
    place = (await stored_rules.places(session.connection, {recipient})).get(recipient)
    if place is None:
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue("The recipient must be an Organization of this server.", "recipient")
        )
    if purposes - PURPOSES:
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue("The purpose must be a code of v3-ActReason, such as TREAT.", "purpose")
        )
    purposes = purposes or await stored_rules.asserted_purposes(session.connection, recipient)
    descendants = {
        c for c in {f.custodian for f in held} if c in policies.places and recipient in policies.places[c].ancestors
    }
    return Requester(
        organization=recipient,
        ancestors=await stored_rules.counts_as(session.connection, recipient),
        descendants=frozenset(descendants | {recipient}),
        purposes=widen(purposes),
        now=await store.moment(session.connection),
    )


def _asked(held: list[ResourceAttributes], question: Question, compartment: UUID) -> list[ResourceAttributes]:
    """The records that are asked about; for a type of which there is none, one that would be plain."""
    if question.resource is not None:
        found = [f for f in held if f.id == question.resource]
        if not found:
            raise HallpassError(
                Kind.UNPROCESSABLE, Issue("Your organization holds no such record of this student.", "resource")
            )
        return found
    declared = TYPES.get(question.type or "")
    if declared is None or declared.student is None:
        raise HallpassError(Kind.UNPROCESSABLE, Issue("The type must be one of the types of student records.", "type"))
    plain = ResourceAttributes(
        uuid4(), declared.name, held[0].custodian, compartment, directory=False, timeless=not declared.clinical_date
    )
    return [f for f in held if f.type == declared.name] or [plain]
