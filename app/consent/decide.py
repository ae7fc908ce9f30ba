"""May this caller see this resource version? The rule in plain Python: the reference that the SQL is held to.

RELEASES says it in words; schema/functions (`opened`, `covers`, `in_force`) says it to PostgreSQL,
and a property test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.codes import NORMAL, PART2, PSYCHOTHERAPY_NOTE
from app.consent.rules import Facts, Place, Provision, Release, Rules, Viewer, Window

MAJORITY = 18


class Basis(Enum):
    """On what a permit rests; the ledger writes it down."""

    CUSTODY = "custody"
    DIRECTORY = "directory"
    PARTY = "party"
    RELEASE = "release"
    EMERGENCY = "emergency"


class Word(Enum):
    """What one Consent or provision said."""

    PERMIT = "permit"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Weighed:
    """One Consent or provision that was weighed: what it said, and why. `node` None: the Consent as a whole."""

    consent: UUID
    node: int | None
    word: Word
    why: str


@dataclass(frozen=True, slots=True)
class Permit:
    """The caller may see it, on this basis; under `consent` in `version` where that is a release."""

    basis: Basis
    consent: UUID | None = None
    version: int | None = None
    weighed: tuple[Weighed, ...] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """The caller may not see it."""

    why: str
    weighed: tuple[Weighed, ...] = ()


def decide(rules: Rules, viewer: Viewer, facts: Facts) -> Permit | Deny:
    """Weigh custody, directory, party and every release; deny where none permits or one denies."""
    if facts.custodian in viewer.below:
        return Permit(Basis.CUSTODY)
    if facts.directory:
        return Permit(Basis.DIRECTORY)
    if facts.parties & viewer.above:
        return Permit(Basis.PARTY)
    if facts.student is None:
        return Deny("no release opens a resource of several students")
    found = _by_release(rules, viewer, facts)
    if isinstance(found, Deny) and _glass_broken(rules, viewer, facts):
        return Permit(Basis.EMERGENCY, weighed=found.weighed)
    return found


def _glass_broken(rules: Rules, viewer: Viewer, facts: Facts) -> bool:
    """Whether the caller broke the glass for this student, and this is a record that that opens."""
    return (
        viewer.emergency
        and facts.type != "Consent"
        and not facts.labels & {PSYCHOTHERAPY_NOTE, PART2}
        and any(o == viewer.organization and in_window(window, viewer.now) for o, window in rules.emergencies)
    )


def _by_release(rules: Rules, viewer: Viewer, facts: Facts) -> Permit | Deny:
    weighed: list[Weighed] = []
    permits: list[Release] = []
    denied = False
    for release in sorted(rules.releases, key=lambda r: r.consent.bytes):
        word, reasons = _says(rules, release, viewer, facts)
        weighed.extend(reasons)
        denied = denied or word is Word.DENY
        if word is Word.PERMIT:
            permits.append(release)
    if denied:
        return Deny("a release that applies denies it, and a deny beats any permit", tuple(weighed))
    if not permits:
        return Deny("no release in force permits it", tuple(weighed))
    return Permit(Basis.RELEASE, permits[0].consent, permits[0].version, tuple(weighed))


def _says(rules: Rules, release: Release, viewer: Viewer, facts: Facts) -> tuple[Word, list[Weighed]]:
    """What one release says, with its reasons, the Consent's own first."""
    out = _out_of_force(rules, release, viewer, facts)
    if out:
        return Word.SILENT, [Weighed(release.consent, None, Word.SILENT, out)]
    excepted: set[int] = set()
    reasons: list[Weighed] = []
    word = Word.SILENT
    # From the last node to the root, so that each exception has spoken before its parent does.
    for p in sorted(release.provisions, key=lambda p: p.node, reverse=True):
        gap = misses(p, release, rules, viewer, facts)
        if gap:
            reasons.append(Weighed(release.consent, p.node, Word.SILENT, gap))
            continue
        permit = p.permit != (p.node in excepted)
        why = "an exception turns it round" if p.node in excepted else "every element covers it"
        reasons.append(Weighed(release.consent, p.node, Word.PERMIT if permit else Word.DENY, why))
        if p.node == 0:
            word = Word.PERMIT if permit else Word.DENY
        elif p.node not in excepted:
            excepted.add(p.parent)
    reasons.append(Weighed(release.consent, None, word, "its root provision says so"))
    return word, reasons[::-1]


def _out_of_force(rules: Rules, release: Release, viewer: Viewer, facts: Facts) -> str | None:
    """Why the release has no effect between its discloser and this caller now; None when it has."""
    place = rules.places.get(release.custodian)
    recipients = release.provisions[0].recipients
    if release.student != facts.student:
        return "it is about another student"
    if release.custodian != facts.custodian:
        return "it opens what its own writer holds, and another organization holds this"
    if recipients is not None and not recipients & viewer.above:
        return "it names other recipients"
    born = release.born or rules.born
    if place is None or born is None:
        return "the student's date of birth is not known, so nobody's right to sign is"
    if not in_window((release.opens, release.closes), viewer.now):
        return "it is not in its period"
    return _signature_gap(rules, release, born, viewer.now, place) or (
        None if _agreed(rules, release, viewer) else "no agreement between the organizations is in force"
    )


def _signature_gap(rules: Rules, release: Release, born: tuple[date, date], now: datetime, place: Place) -> str | None:
    (first, last), zone = born, ZoneInfo(place.zone)
    if release.signer is None:
        return None if birthday(last, release.age, zone) <= release.signed else "the student was too young to sign"
    adult = birthday(first, MAJORITY, zone)
    if release.signed >= adult:
        return "a parent signed after the student's 18th birthday"
    if not place.honour and now >= adult:
        return "the student is 18, and a parent's signature has ended"
    window = release.authority or rules.authorities.get(release.signer)
    if window is None or not (window[0] <= release.signed and now < window[1]):
        return "its signer has no parental or guardian authority"
    return None


def _agreed(rules: Rules, release: Release, viewer: Viewer) -> bool:
    above = rules.places[release.custodian].above
    return not rules.agreement_required or any(
        a.discloser in above
        and a.custodian in above
        and a.recipient in viewer.above
        and in_window(a.period, viewer.now)
        for a in rules.agreements
    )


def misses(p: Provision, release: Release, rules: Rules, viewer: Viewer, facts: Facts) -> str | None:
    """The first element of a provision that does not cover the request; None when all do."""
    if not in_window(p.period, viewer.now):
        return "period: not now"
    if p.recipients is not None and not p.recipients & viewer.above:
        return "actor: another recipient"
    if p.purposes is not None and not p.purposes & viewer.purposes:
        return "purpose: another one"
    if p.permit and facts.type == "Consent":
        return "class: a Consent is for those whom it names, since it says who treats the student"
    if p.classes is not None and facts.type not in p.classes and not facts.profiles & p.classes:
        return "class: another type"
    if p.codes is not None and not facts.codes & p.codes:
        return "code: another one"
    if not _labels_cover(p, release.part2, facts):
        return "securityLabel: not among those named"
    if not _about_covers(p, facts):
        return "dataPeriod: about another time"
    if not _data_covers(p, release, rules, facts):
        return "data: another resource"
    return None


def _labels_cover(p: Provision, part2: bool, facts: Facts) -> bool:
    """A permit reaches only what it names; a deny reaches whatever carries what it names."""
    named = p.labels if p.labels is not None else frozenset()
    if not p.permit:
        level = p.confidentiality
        return p.labels is None or (level is not None and facts.confidentiality >= level) or bool(facts.labels & named)
    return (
        facts.confidentiality <= (p.confidentiality if p.confidentiality is not None else NORMAL)
        and facts.labels - {PART2} <= named
        and (p.labels is None or p.confidentiality is not None or bool(facts.labels & named))
        and (PART2 not in facts.labels or part2)
        and (PSYCHOTHERAPY_NOTE not in facts.labels or named == {PSYCHOTHERAPY_NOTE})
    )


def _about_covers(p: Provision, facts: Facts) -> bool:
    """A permit needs data wholly inside its dataPeriod; a deny reaches data that touches it, or has no date.

    Demographics are about no time: a dataPeriod reaches them only where the provision names their class.
    """
    if p.about is None:
        return True
    if facts.timeless:
        return p.classes is not None
    if facts.clinical is None:
        return not p.permit
    (lower, upper), (start, end) = facts.clinical, p.about
    return (start <= lower and upper <= end) if p.permit else (lower < end and start < upper)


def _data_covers(p: Provision, release: Release, rules: Rules, facts: Facts) -> bool:
    """https://hl7.org/fhir/R4/valueset-consent-data-meaning.html — one step of reference, never more."""
    if p.instances is None and p.related is None and p.dependents is None and p.authored is None:
        return True
    named = (p.instances or frozenset()) | (p.related or frozenset()) | (p.dependents or frozenset())
    return bool(
        facts.id in named
        or facts.refs & (p.dependents or frozenset())
        or facts.authors & (p.authored or frozenset())
        or any(
            focal in rules.focal and rules.focal[focal][0] == release.custodian and facts.id in rules.focal[focal][1]
            for focal in p.related or ()
        )
    )


def in_window(window: Window, moment: datetime) -> bool:
    """Whether a moment lies in a half-open window."""
    return window[0] <= moment < window[1]


def birthday(born: date, age: int, zone: ZoneInfo) -> datetime:
    """The first moment of the day on which one born on `born` (29 February counted as 1 March) reaches `age`."""
    reached = born.replace(year=min(born.year + age, MAXYEAR))
    return datetime.combine(reached, time(), zone).astimezone(UTC)
