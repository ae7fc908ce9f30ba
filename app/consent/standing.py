"""How a student's releases stand: which have effect, what each opens, and what changes when. Pure.

https://hl7.org/fhir/R4/consent.html — all of it is asked of `decide`, at the moments at which its answer can change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.codes import widen
from app.consent.evaluate import MAJORITY, Basis, Deny, Effect, Permit, decide
from app.consent.model import PolicySet, Release, Requester, ResourceAttributes, Window
from app.consent.moments import birthday
from app.fhir.dates import BEGINNING, END

Counts = Counter[str]
"""How many records, by type."""
Asks = Callable[[UUID, frozenset[str], datetime], Requester]
"""An organization as it would call for these purposes at a moment."""
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a release opens to one organization now; `shared` of it another release opens to it as well."""

    recipient: UUID
    counts: Counts
    shared: dict[UUID, int]
    """By the other Consent: access to how many of these records would be left if this one ended."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One release: in effect from `since` until `until` (None: without an end), or why it is not."""

    release: Release
    effective: bool
    why: str
    since: datetime | None
    until: datetime | None
    opens: tuple[Opened, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What opens and closes to one organization at a moment, and what happens then."""

    at: datetime
    why: tuple[str, ...]
    recipient: UUID
    opens: Counts
    closes: Counts


def standings(
    policies: PolicySet, held: Sequence[ResourceAttributes], asks: Asks, now: datetime
) -> tuple[Standing, ...]:
    """How each release stands now."""
    permitted = {
        r.consent: {
            o: _permitted(_alone(policies, r), policies, held, asks(o, _purposes(r), now)) for o in r.recipients
        }
        for r in policies.releases
    }
    types = {f.id: f.type for f in held}
    return tuple(_standing(policies, r, permitted, types, asks, now) for r in policies.releases)


def changes(
    policies: PolicySet, held: Sequence[ResourceAttributes], asks: Asks, now: datetime, within: timedelta
) -> tuple[Change, ...]:
    """What each recipient gains and loses from now on, for a while, if nobody writes anything."""
    found: list[Change] = []
    by_type = {f.id: f.type for f in held}
    for at, why in sorted(_moments(policies).items()):
        if not now < at <= now + within:
            continue
        for recipient, purposes in sorted(_recipients(policies.releases).items()):
            before, after = (
                _permitted(policies, policies, held, asks(recipient, purposes, m)) for m in (at - _TICK, at)
            )
            if before != after:
                opens, closes = (Counter(by_type[i] for i in ids) for ids in (after - before, before - after))
                found.append(Change(at, tuple(sorted(why)), recipient, opens, closes))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Covered:
    """How many records a provision covers where this recipient asks, and an exception of its own does not."""

    consent: UUID
    node: int
    recipient: UUID
    counts: Counts


def covered(policies: PolicySet, held: Sequence[ResourceAttributes], asks: Asks, now: datetime) -> tuple[Covered, ...]:
    """What each provision says now, asked of each release by itself."""
    found: dict[tuple[UUID, int, UUID], Counts] = {}
    for release in policies.releases:
        effects = {p.node: Effect.PERMIT if p.permit else Effect.DENY for p in release.provisions}
        alone = _alone(policies, release)
        for recipient in sorted(release.recipients):
            requester = asks(recipient, _purposes(release), now)
            for record in held:
                for entry in decide(alone, requester, record).trace:
                    if entry.node is not None and entry.effect is effects[entry.node]:
                        found.setdefault((release.consent, entry.node, recipient), Counter())[record.type] += 1
    return tuple(Covered(*key, counts) for key, counts in found.items())


def cost(policies: PolicySet, held: Sequence[ResourceAttributes]) -> int:
    """How many decisions `standings` takes."""
    return sum(2 * len(r.recipients) for r in policies.releases) * len(held)


_ByConsent = dict[UUID, dict[UUID, frozenset[UUID]]]
"""By Consent and recipient: the records that it opens."""


def _standing(
    policies: PolicySet, release: Release, permitted: _ByConsent, types: dict[UUID, str], asks: Asks, now: datetime
) -> Standing:
    recipients = sorted(release.recipients)
    asked = {o: out_of_force(policies, release, asks(o, _purposes(release), now)) for o in recipients}
    why = min((w for w in asked.values() if w), default="it names no recipient" if not recipients else "")
    effective = any(w is None for w in asked.values())
    since, until = _span(policies, release, asks, now) if effective else (None, None)
    opens = tuple(_opened(release, o, permitted, types) for o in recipients if asked[o] is None)
    return Standing(release, effective, "" if effective else why, since, until, opens)


def _opened(release: Release, recipient: UUID, permitted: _ByConsent, types: dict[UUID, str]) -> Opened:
    own = permitted[release.consent][recipient]
    others = {c: len(own & by.get(recipient, frozenset())) for c, by in permitted.items() if c != release.consent}
    return Opened(recipient, Counter(types[i] for i in own), {c: n for c, n in others.items() if n})


def _span(policies: PolicySet, release: Release, asks: Asks, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when to when it has effect without a break, as far as is known today."""

    def stands(at: datetime) -> bool:
        return any(out_of_force(policies, release, asks(o, _purposes(release), at)) is None for o in release.recipients)

    edges = sorted(m for m in _moments(replace(policies, releases=(release,))) if BEGINNING < m < END)
    since: datetime | None = None
    for edge in reversed([e for e in edges if e <= now]):
        since = edge
        if not stands(edge - _TICK):
            break
    until = next((e for e in edges if e > now and not stands(e)), None)
    return since, until


def out_of_force(policies: PolicySet, release: Release, requester: Requester) -> str | None:
    """In words why a release has no effect for who asks; None where it has."""
    probe = ResourceAttributes(UUID(int=0), "Patient", release.custodian, release.student, directory=False)
    found = decide(_alone(policies, release), requester, probe)
    weighed = [w for w in found.trace if w.node is None] if isinstance(found, Deny) else []
    only = isinstance(found, Deny) and len(found.trace) == 1
    return weighed[0].why if only and weighed else None


def _permitted(
    alone: PolicySet, policies: PolicySet, held: Sequence[ResourceAttributes], requester: Requester
) -> frozenset[UUID]:
    """Which records the one set of releases opens, and all together do not deny."""
    return frozenset(
        f.id
        for f in held
        if _releases(alone, requester, f) and (alone is policies or _releases(policies, requester, f))
    )


def _releases(policies: PolicySet, requester: Requester, attributes: ResourceAttributes) -> bool:
    found = decide(policies, requester, attributes)
    return isinstance(found, Permit) and found.basis is Basis.RELEASE


def _alone(policies: PolicySet, release: Release) -> PolicySet:
    return replace(policies, releases=(release,))


def _purposes(release: Release) -> frozenset[str]:
    return widen(p for node in release.provisions for p in node.purposes or ())


def _recipients(releases: Iterable[Release]) -> dict[UUID, frozenset[str]]:
    """Who is named, with all purposes for which some release names it."""
    found: dict[UUID, frozenset[str]] = {}
    for release in releases:
        for recipient in release.recipients:
            found[recipient] = found.get(recipient, frozenset()) | _purposes(release)
    return found


def _moments(policies: PolicySet) -> dict[datetime, set[str]]:
    """When a decision can change by itself, and what happens then."""
    found: dict[datetime, set[str]] = {}
    for release in policies.releases:
        for at, why in _moments_of(policies, release):
            found.setdefault(at, set()).add(why)
    for agreement in policies.agreements:
        for at, word in zip(agreement.period, ("begins", "ends"), strict=True):
            found.setdefault(at, set()).add(f"an agreement with Organization/{agreement.recipient} {word}")
    return found


def _moments_of(policies: PolicySet, release: Release) -> Iterator[tuple[datetime, str]]:
    name = f"Consent/{release.consent}"
    yield from _edges((release.opens, release.closes), name)
    for p in release.provisions:
        yield from _edges(p.period, f"a provision of {name}")
    born, place = release.born or policies.born, policies.places.get(release.custodian)
    if born and place:
        zone = ZoneInfo(place.zone)
        yield birthday(born[0], MAJORITY, zone), f"the student turns {MAJORITY}"
        if release.age != MAJORITY:
            yield birthday(born[1], release.age, zone), f"the student turns {release.age}"
    window = release.authority or policies.authorities.get(release.signer) if release.signer else None
    if window:
        yield from _edges(window, f"the authority of RelatedPerson/{release.signer}")


def _edges(window: Window, what: str) -> Iterator[tuple[datetime, str]]:
    yield window[0], f"{what} begins"
    yield window[1], f"{what} ends"
