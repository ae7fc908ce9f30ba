"""What releases compile to: permit and deny rules, as plain values. No database, no FHIR.

docs/rule.md. `parse.py` makes them from Consents, `evaluate.py` weighs them, the database holds the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

Window = tuple[datetime, datetime]
"""Half-open: from the first moment up to, and without, the second; both aware."""


@dataclass(frozen=True, slots=True)
class Provision:
    """One provision. None in an element: the provision does not constrain it.

    `node` counts in document order from the root, 0; a provision is an exception to its `parent` (the root's: -1).
    """

    node: int
    parent: int
    permit: bool
    period: Window
    recipients: frozenset[UUID] | None = None
    purposes: frozenset[str] | None = None
    classes: frozenset[str] | None = None
    codes: frozenset[str] | None = None
    confidentiality: int | None = None
    labels: frozenset[str] | None = None
    instances: frozenset[UUID] | None = None
    related: frozenset[UUID] | None = None
    dependents: frozenset[UUID] | None = None
    authored: frozenset[UUID] | None = None
    about: Window | None = None


@dataclass(frozen=True, slots=True)
class AdultFrom:
    """From when a minor signs as an adult: `emancipated` for all, `enrolled` for education records (34 CFR 99.5)."""

    emancipated: datetime | None = None
    enrolled: datetime | None = None

    def under(self, *, education: bool) -> datetime | None:
        """From when for a release, under the law of education records alone or not; None: from 18."""
        moments = (self.emancipated, self.enrolled if education else None)
        return min((m for m in moments if m is not None), default=None)


@dataclass(frozen=True, slots=True)
class Release:
    """One active, complete Consent. `signer` is the RelatedPerson who signed; None: the student, from `age` on.

    `cosigned`: the student signed as well as the RelatedPerson. `education`: it is under the law of education records
    alone.

    `born` and `authority` are what the signature rests on, as it was when the Consent was written, where another
    organization holds it: what that one changes later changes nobody else's release. None: the custodian's own.
    """

    consent: UUID
    version: int
    student: UUID
    custodian: UUID
    signed: datetime
    signer: UUID | None
    age: int
    part2: bool
    opens: datetime
    closes: datetime
    provisions: tuple[Provision, ...]
    cosigned: bool = False
    education: bool = False
    redisclosable: bool = False
    born: tuple[date, date] | None = None
    authority: Window | None = None
    confirmed: datetime | None = None
    """When its custodian last confirmed it, after a lapse of what it rests on; it opens then, and not before."""

    @property
    def recipients(self) -> frozenset[UUID]:
        """Every organization that any provision names."""
        return frozenset(r for p in self.provisions for r in p.recipients or ())


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who may share with whom, by an OrganizationAffiliation that `custodian` holds."""

    custodian: UUID
    discloser: UUID
    recipient: UUID
    period: Window


@dataclass(frozen=True, slots=True)
class Place:
    """An organization's place in the tree (itself first), time zone, rule for adults' old releases, and state."""

    ancestors: tuple[UUID, ...]
    zone: str = "America/New_York"
    honor: bool = False
    state: str | None = None


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All that bears on one student's records, apart from the records.

    `born` is the first and last possible day of birth; None: not known. `authorities` are the windows in which a
    RelatedPerson may sign; `adult_guardians` are those of them who sign for an adult under guardianship. `focal` gives,
    for a resource that a release names as `related`, its custodian and what it refers to.
    """

    releases: tuple[Release, ...] = ()
    born: tuple[date, date] | None = None
    authorities: Mapping[UUID, Window] = field(default_factory=dict)
    agreements: tuple[Agreement, ...] = ()
    places: Mapping[UUID, Place] = field(default_factory=dict)
    focal: Mapping[UUID, tuple[UUID, frozenset[UUID]]] = field(default_factory=dict)
    referrals: Mapping[UUID, ResourceAttributes] = field(default_factory=dict)
    """The student's current ServiceRequests: to those whom a Task names it counts as covered where its referral is."""
    referrers: Mapping[UUID, tuple[ResourceAttributes, ...]] = field(default_factory=dict)
    """For a Binary: the student's current records that refer to it."""
    agreement_required: bool = True
    emergencies: tuple[tuple[UUID, Window], ...] = ()
    """Which organizations broke the glass for this student, and when."""
    adult: AdultFrom = field(default_factory=AdultFrom)
    adult_guardians: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, when, and why: `above` and `below` hold the organization itself; `purposes` are already widened.

    `emergency`: its token was given for an emergency.
    """

    organization: UUID
    ancestors: frozenset[UUID]
    descendants: frozenset[UUID]
    purposes: frozenset[str]
    now: datetime
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class ResourceAttributes:
    """What consent is judged by, of one resource version.

    `labels` are those a release must name. `clinical` is when the data was about: None not said; `timeless` types
    are about no time (demographics).
    """

    id: UUID
    type: str
    custodian: UUID
    student: UUID | None
    directory: bool
    profiles: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    confidentiality: int = 3
    labels: frozenset[str] = frozenset()
    parties: frozenset[UUID] = frozenset()
    refs: frozenset[UUID] = frozenset()
    authors: frozenset[UUID] = frozenset()
    clinical: Window | None = None
    timeless: bool = False
