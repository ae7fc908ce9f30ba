"""May this caller see this resource version? The rule in plain Python: the reference that the SQL is held to.

docs/rule.md says it in words; schema/functions (`consent_permitting`, `provision_matches`, `active_releases`) says it
to PostgreSQL, and a property test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.codes import BOTH_SIGN, HANGS_ON_SIGNERS, MINOR_SIGNS, PART2, PSYCHOTHERAPY_NOTE
from app.consent.covers import about_covers, data_covers, labels_cover
from app.consent.jurisdictions import part2_age
from app.consent.lapses import lapsed_at
from app.consent.model import Place, PolicySet, Provision, Release, Requester, ResourceAttributes
from app.consent.moments import birthday, in_window
from app.resources import REGISTRY
from app.resources.declaration import SEEN_BY_PARTIES

MAJORITY = 18
_WRITTEN_BY_PARTIES = frozenset({"Task"})
"""Types of which being a party decides what may be written, and nothing about what is seen (SEEN_BY_PARTIES aside)."""
_BY_REFERRERS = frozenset(t.name for t in REGISTRY if t.by_referrers)
"""Types that are seen where a record that refers to them is."""
UNSIGNED = "performer: not signed by everyone who controls this record"
AUTHORITY_LAPSED = (
    "its signer's authority is of after the signature, or ended since: the custodian confirms it, or it is signed again"
)
AGREEMENT_LAPSED = "the agreement lapsed since it began: the custodian confirms it, or it is signed again"
_BY_ANOTHER = _BY_REFERRERS | {t.name for t in REGISTRY if t.party_writes}
"""What is covered where another record is: its own labels do not tell what the other has."""
_FIRST_YEAR = datetime(1000, 1, 1, tzinfo=UTC)
"""Before it there is no law, and a date that is open to the past has no day in every zone."""


class Basis(Enum):
    """On what a permit rests; the ledger writes it down."""

    CUSTODY = "custody"
    DIRECTORY = "directory"
    PARTY = "party"
    RELEASE = "release"
    EMERGENCY = "emergency"


class Effect(Enum):
    """What one Consent or provision said."""

    PERMIT = "permit"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One Consent or provision that was weighed: what it said, and why. `node` None: the Consent as a whole."""

    consent: UUID
    node: int | None
    effect: Effect
    why: str


@dataclass(frozen=True, slots=True)
class Permit:
    """The caller may see it, on this basis; under `consent` in `version` where that is a release."""

    basis: Basis
    consent: UUID | None = None
    version: int | None = None
    trace: tuple[TraceEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """The caller may not see it."""

    why: str
    trace: tuple[TraceEntry, ...] = ()


def decide(policies: PolicySet, requester: Requester, attributes: ResourceAttributes) -> Permit | Deny:
    """Weigh custody, directory, party and every release; deny where none permits or one denies."""
    if attributes.custodian in requester.descendants:
        return Permit(Basis.CUSTODY)
    if attributes.directory:
        return Permit(Basis.DIRECTORY)
    parties_see = attributes.type not in _WRITTEN_BY_PARTIES or SEEN_BY_PARTIES in attributes.parties
    if parties_see and attributes.parties & requester.ancestors:
        return Permit(Basis.PARTY)
    if attributes.student is None:
        return Deny("no release opens a resource of several students")
    by = _by_referrer if attributes.type in _BY_REFERRERS else _by_release
    found = by(policies, requester, attributes)
    if isinstance(found, Deny) and _glass_broken(policies, requester, attributes):
        return Permit(Basis.EMERGENCY, trace=found.trace)
    return found


def decide_version(
    policies: PolicySet, requester: Requester, version: ResourceAttributes, current: ResourceAttributes
) -> Permit | Deny:
    """As `decide`, of an older version: it is seen where both it and the current one are.

    So a label that was raised, a party that was corrected and a release that was narrowed reach back.
    """
    own, last = decide(policies, requester, version), decide(policies, requester, current)
    return own if isinstance(last, Permit) else last


def _glass_broken(policies: PolicySet, requester: Requester, attributes: ResourceAttributes) -> bool:
    """Whether the caller broke the glass for this student, and this is a record that that opens."""
    return (
        requester.emergency
        and attributes.type not in ("Consent", *_BY_ANOTHER)
        and not attributes.labels & {PSYCHOTHERAPY_NOTE, PART2}
        and any(o == requester.organization and in_window(window, requester.now) for o, window in policies.emergencies)
    )


def _by_referrer(policies: PolicySet, requester: Requester, attributes: ResourceAttributes) -> Permit | Deny:
    """As the first record of the same custodian that refers to it, and with its own labels and type as well."""
    trace: tuple[TraceEntry, ...] = ()
    for f in sorted(policies.referrers.get(attributes.id, ()), key=lambda f: f.id.bytes):
        if f.custodian != attributes.custodian:
            continue
        both = replace(
            f,
            profiles=f.profiles | attributes.profiles | {attributes.type},
            labels=f.labels | attributes.labels,
            confidentiality=max(f.confidentiality, attributes.confidentiality),
        )
        seen, found = _by_release(policies, requester, f), _by_release(policies, requester, both)
        if isinstance(seen, Permit) and isinstance(found, Permit):
            return found
        trace += (seen if isinstance(seen, Deny) else found).trace
    return Deny("no record that refers to it is seen", trace)


def _by_release(policies: PolicySet, requester: Requester, attributes: ResourceAttributes) -> Permit | Deny:
    trace: list[TraceEntry] = []
    permits: list[Release] = []
    denied = False
    for release in sorted(policies.releases, key=lambda r: r.consent.bytes):
        effect, reasons = _says(policies, release, requester, attributes)
        trace.extend(reasons)
        denied = denied or effect is Effect.DENY
        if effect is Effect.PERMIT:
            permits.append(release)
    if denied:
        return Deny("a release that applies denies it, and a deny beats any permit", tuple(trace))
    if not permits:
        return Deny("no release in force permits it", tuple(trace))
    earliest = min(permits, key=lambda r: (r.opens, r.consent.bytes))
    return Permit(Basis.RELEASE, earliest.consent, earliest.version, tuple(trace))


def _says(
    policies: PolicySet, release: Release, requester: Requester, attributes: ResourceAttributes
) -> tuple[Effect, list[TraceEntry]]:
    """What one release says, with its reasons, the Consent's own first."""
    out = _out_of_force(policies, release, requester, attributes)
    if out:
        return Effect.SILENT, [TraceEntry(release.consent, None, Effect.SILENT, out)]
    excepted: set[int] = set()
    reasons: list[TraceEntry] = []
    effect = Effect.SILENT
    # From the last node to the root, so that each exception has spoken before its parent does.
    for p in sorted(release.provisions, key=lambda p: p.node, reverse=True):
        missing_requirement = unmet_condition(p, release, policies, requester, attributes)
        if missing_requirement:
            reasons.append(TraceEntry(release.consent, p.node, Effect.SILENT, missing_requirement))
            continue
        permit = p.permit != (p.node in excepted)
        why = "an exception turns it round" if p.node in excepted else "every element covers it"
        reasons.append(TraceEntry(release.consent, p.node, Effect.PERMIT if permit else Effect.DENY, why))
        if p.node == 0:
            effect = Effect.PERMIT if permit else Effect.DENY
        elif p.node not in excepted:
            excepted.add(p.parent)
    reasons.append(TraceEntry(release.consent, None, effect, "its root provision says so"))
    return effect, reasons[::-1]


def _out_of_force(
    policies: PolicySet, release: Release, requester: Requester, attributes: ResourceAttributes
) -> str | None:
    """Why the release has no effect between its discloser and this caller now; None when it has."""
    place = policies.places.get(release.custodian)
    recipients = release.provisions[0].recipients
    if release.student != attributes.student:
        return "it is about another student"
    if release.custodian != attributes.custodian:
        return "it opens what its own writer holds, and another organization holds this"
    if recipients is not None and not recipients & requester.ancestors:
        return "it names other recipients"
    born = release.born or policies.born
    if place is None or born is None:
        return "the student's date of birth is not known, so nobody's right to sign is"
    if not in_window((release.opens, release.closes), requester.now):
        return "it is not in its period"
    return _signature_gap(policies, release, born, requester.now, place) or _agreement_gap(policies, release, requester)


def _signature_gap(
    policies: PolicySet, release: Release, born: tuple[date, date], now: datetime, place: Place
) -> str | None:
    (first, last), zone, adult = born, ZoneInfo(place.zone), _adult_from(policies, release)
    if release.signer is None:
        of_age = birthday(last, release.age, zone) <= release.signed
        return None if of_age or _since(adult, release.signed) else "the student was too young to sign"
    majority = birthday(first, MAJORITY, zone)
    if not _for_an_adult(policies, release):
        if release.signed >= majority:
            return "a parent signed after the student's 18th birthday"
        if _since(adult, release.signed) or _since(adult, now):
            return "the student signs as an adult, and a parent's signature has ended"
        if not place.honor and now >= majority:
            return "the student is 18, and a parent's signature has ended"
    window = release.authority or policies.authorities.get(release.signer)
    if window is None or now >= window[1]:
        return "its signer has no parental or guardian authority"
    if window[0] > max(release.signed, release.confirmed or release.signed):
        return AUTHORITY_LAPSED
    return None


def _adult_from(policies: PolicySet, release: Release) -> datetime | None:
    """From when the student signs as an adult whatever the age, by what the custodian itself recorded."""
    return None if release.born else policies.adult.under(education=release.education)


def _since(start: datetime | None, moment: datetime) -> bool:
    return start is not None and start <= moment


def _for_an_adult(policies: PolicySet, release: Release) -> bool:
    """Whether who signed is the guardian of an adult, by what the custodian itself marked."""
    return release.authority is None and release.signer in policies.adult_guardians


def _agreement_gap(policies: PolicySet, release: Release, requester: Requester) -> str | None:
    if not policies.agreement_required:
        return None
    ancestors = policies.places[release.custodian].ancestors
    lapsed = lapsed_at(
        (
            a.period
            for a in policies.agreements
            if a.discloser in ancestors and a.custodian in ancestors and a.recipient in requester.ancestors
        ),
        requester.now,
    )
    if lapsed is None:
        return "no agreement between the organizations is in force"
    return AGREEMENT_LAPSED if release.opens < lapsed else None


def unmet_condition(
    p: Provision, release: Release, policies: PolicySet, requester: Requester, attributes: ResourceAttributes
) -> str | None:
    """The first element of a provision that does not cover the request; None when all do.

    A Task is covered where it is by itself; to an organization that it names, also where the referral is that it is
    about.
    """
    unmet = _unmet(p, release, policies, requester, attributes)
    referral = _referral(policies, attributes) if unmet and attributes.refs & requester.ancestors else None
    return unmet if referral is None or _unmet(p, release, policies, requester, referral) else None


def lacks_only_signers(
    p: Provision, release: Release, policies: PolicySet, requester: Requester, attributes: ResourceAttributes
) -> bool:
    """Whether a provision would cover a record, had everyone signed who controls it."""
    return (
        p.permit
        and _unmet(p, release, policies, requester, attributes) == UNSIGNED
        and labels_cover(p, release.part2, attributes)
        and _data_misses(p, release, policies, attributes) is None
    )


def _referral(policies: PolicySet, attributes: ResourceAttributes) -> ResourceAttributes | None:
    """The one referral of the same custodian that a Task refers to, with the Task's labels as well as its own."""
    named = [policies.referrals[i] for i in attributes.refs if i in policies.referrals]
    own = [r for r in named if r.custodian == attributes.custodian]
    if attributes.type != "Task" or len(own) != 1:
        return None
    confidentiality = max(own[0].confidentiality, attributes.confidentiality)
    return replace(own[0], labels=own[0].labels | attributes.labels, confidentiality=confidentiality)


def _unmet(
    p: Provision, release: Release, policies: PolicySet, requester: Requester, attributes: ResourceAttributes
) -> str | None:
    if not in_window(p.period, requester.now):
        return "period: not now"
    if p.recipients is not None and not p.recipients & requester.ancestors:
        return "actor: another recipient"
    if p.purposes is not None and not p.purposes & requester.purposes:
        return "purpose: another one"
    if p.permit and attributes.type == "Consent":
        return "class: a Consent is for those whom it names, since it says who treats the student"
    if p.classes is not None and attributes.type not in p.classes and not attributes.profiles & p.classes:
        return "class: another type"
    if p.codes is not None and not attributes.codes & p.codes:
        return "code: another one"
    return _labels_miss(p, release, policies, attributes) or _data_misses(p, release, policies, attributes)


def _labels_miss(p: Provision, release: Release, policies: PolicySet, attributes: ResourceAttributes) -> str | None:
    if p.permit and not _signers_suffice(release, policies, attributes):
        return UNSIGNED
    return None if labels_cover(p, release.part2, attributes) else "securityLabel: not among those named"


def _data_misses(p: Provision, release: Release, policies: PolicySet, attributes: ResourceAttributes) -> str | None:
    if not about_covers(p, attributes):
        return "dataPeriod: about another time"
    if not data_covers(p, release, policies, attributes):
        return "data: another resource"
    return None


def _signers_suffice(release: Release, policies: PolicySet, attributes: ResourceAttributes) -> bool:
    """Whether those who signed are those who may sign for this record: a minor controls some of them.

    42 CFR 2.14: where a minor is treated alone only the minor signs, where a parent's consent is needed both do; a
    parent never alone. 45 CFR 164.502(g)(3): the minor signs for what the custodian marks so. An adult signs for all.
    """
    if not attributes.labels & HANGS_ON_SIGNERS:
        return True
    place, born = policies.places[release.custodian], release.born or policies.born
    if born is not None and _adult_signed(policies, release, born, ZoneInfo(place.zone)):
        return True
    if born is None or not (release.signer is None or release.cosigned):
        return False
    zone = ZoneInfo(place.zone)
    care = attributes.clinical
    age = part2_age(place.state, max(care[0] if care else release.signed, _FIRST_YEAR).astimezone(zone).date())
    if BOTH_SIGN in attributes.labels:
        return release.signer is not None
    alone = age is not None and care is not None and birthday(born[1], age, zone) <= care[0]
    if MINOR_SIGNS in attributes.labels or alone:
        capable = age is not None and birthday(born[1], age, zone) <= release.signed
        return release.signer is None or capable or (care is not None and care[0] <= release.signed)
    return age is not None and release.signer is not None


def _adult_signed(policies: PolicySet, release: Release, born: tuple[date, date], zone: ZoneInfo) -> bool:
    """Whether an adult signed for all its records, or for an adult the guardian."""
    of_age = birthday(born[1], MAJORITY, zone) <= release.signed
    if release.signer is None:
        return of_age or _since(_adult_from(policies, release), release.signed)
    return of_age and _for_an_adult(policies, release)
