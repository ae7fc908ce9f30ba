"""Worlds: organizations in a tree, students with records and releases of any shape, a clock. drawing.py draws them.

All is drawn from small pools, so that what a release names is often what a record has, and moments often fall on the
very edge of a window or of a birthday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.attributes import referrers
from app.consent.codes import widen
from app.consent.evaluate import birthday
from app.consent.model import AdultFrom, Agreement, Place, PolicySet, Release, Requester, ResourceAttributes, Window
from app.consent.recipients import CLASSES
from app.fhir.dates import BEGINNING, END
from app.resources import REGISTRY, Visibility

ZONES = ("America/New_York", "America/Los_Angeles", "America/Havana", "Atlantic/Azores", "UTC")
CHILD = date(2014, 5, 2)
BIRTHS = (CHILD, date(2008, 11, 1), date(2008, 10, 25), date(2009, 3, 14), date(2009, 3, 1))
"""A child's, days on whose 18th return the clocks of some zones are changed, and one of 29 February."""

ORGANIZATIONS = tuple(UUID(int=0x100 + n) for n in range(6))
STUDENTS = tuple(UUID(int=0x200 + n) for n in range(2))
PEOPLE = tuple(UUID(int=0x300 + n) for n in range(2))
AUTHORS = tuple(UUID(int=0x400 + n) for n in range(2))
RECORDS = tuple(UUID(int=0x500 + n) for n in range(12))
CONSENTS = tuple(UUID(int=0x600 + n) for n in range(4))

EDGES = (
    BEGINNING,
    datetime(2026, 1, 1, 5, tzinfo=UTC),
    datetime(2026, 9, 15, 4, tzinfo=UTC),
    datetime(2026, 10, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2027, 7, 1, 4, tzinfo=UTC),
    END,
)
BIRTHDAYS = tuple(birthday(born, 18, ZoneInfo(zone)) for born in BIRTHS[1:] for zone in ZONES)
_HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
MOMENTS = (
    *EDGES[1:-1],
    *(m - TICK for m in EDGES[1:-1]),
    *(m + by for m in BIRTHDAYS for by in (-TICK, 0 * _HOUR, _HOUR / 2, _HOUR)),
)
WINDOWS = tuple((a, b) for i, a in enumerate(EDGES) for b in EDGES[i + 1 :])
ALWAYS = (BEGINNING, END)

CODES = ("urn:a|1", "urn:a|2", "urn:b|1")
LABELS = ("PSY", "SUD", "42CFRPart2", "PSYTHPN", "urn:x|unknown", "minor-signs", "both-sign")
STATES = (None, "CA", "WA", "FL", "NY")
PROFILE = "https://example.org/profile"
PURPOSES = ("TREAT", "ETREAT", "HPAYMT")
COMPARTMENT = tuple(t for t in REGISTRY if t.visibility is Visibility.COMPARTMENT)
OTHERS = tuple(t for t in REGISTRY if t.visibility is not Visibility.COMPARTMENT)
HOLDERS = ORGANIZATIONS[:2]
CLASS_IDS = tuple(c.id for c in CLASSES[:2])
RECIPIENTS = (*ORGANIZATIONS[2:], *CLASS_IDS)


@dataclass(frozen=True)
class Record:
    """A resource: the facts of its versions, the last one current, or a deletion."""

    versions: tuple[ResourceAttributes, ...]
    deleted: bool = False

    @property
    def now(self) -> ResourceAttributes:
        """The facts of the current version."""
        return self.versions[-1]

    @property
    def compartment(self) -> UUID:
        """The student's id, or outside a compartment its own."""
        return self.now.student or self.now.id


@dataclass(frozen=True)
class World:
    """All that bears on who sees what. Organizations and releases may have been otherwise `before`."""

    parents: tuple[int | None, ...]
    parents_before: tuple[int | None, ...]
    late: frozenset[int]
    zones: tuple[str, ...]
    honors: tuple[bool, ...]
    states: tuple[str | None, ...]
    classes: tuple[frozenset[UUID], ...]
    records: tuple[Record, ...]
    releases: tuple[Release, ...]
    releases_before: tuple[Release, ...]
    born: Mapping[UUID, tuple[date, date]]
    authorities: Mapping[tuple[UUID, UUID], Window]
    adults: Mapping[UUID, AdultFrom]
    adult_guardians: frozenset[tuple[UUID, UUID]]
    agreements: tuple[Agreement, ...]
    emergencies: tuple[tuple[UUID, UUID, Window], ...]
    agreement_required: bool
    purposes: tuple[frozenset[str], ...]
    emergency: tuple[bool, ...]
    now: datetime

    def ancestors(self, n: int) -> tuple[UUID, ...]:
        """An organization and those that it is part of."""
        parent = self.parents[n]
        return (ORGANIZATIONS[n], *(self.ancestors(parent) if parent is not None else ()))

    @property
    def places(self) -> dict[UUID, Place]:
        """Every organization's place in the tree."""
        return {
            o: Place(self.ancestors(n), self.zones[n], self.honors[n], self.states[n])
            for n, o in enumerate(ORGANIZATIONS)
        }

    @property
    def requesters(self) -> tuple[Requester, ...]:
        """Each organization as a caller."""
        return tuple(self._requester(n) for n in range(len(ORGANIZATIONS)))

    @property
    def newcomers(self) -> frozenset[int]:
        """The organizations that come last: of those that are late, the ones that nothing has named before."""
        named = {p for record in self.records for v in record.versions for p in v.parties}
        named |= {o for r in (*self.releases, *self.releases_before) for o in r.recipients}
        named |= {o for _, o, _ in self.emergencies}
        named |= {ORGANIZATIONS[n] for n in self.parents_before if n is not None}
        named |= {o for n, o in enumerate(ORGANIZATIONS) if self.classes[n]}
        return frozenset(n for n in self.late if ORGANIZATIONS[n] not in named)

    def policies(self, student: UUID | None) -> PolicySet:
        """What decide() needs of one student."""
        return PolicySet(
            releases=tuple(r for r in self.releases if r.student == student),
            born=self.born.get(student) if student else None,
            authorities={person: w for (compartment, person), w in self.authorities.items() if compartment == student},
            adult=self.adults.get(student, AdultFrom()) if student in self.born else AdultFrom(),
            adult_guardians=frozenset(p for s, p in self.adult_guardians if s == student),
            agreements=self.agreements,
            places=self.places,
            focal={
                r.now.id: (r.now.custodian, r.now.refs)
                for r in self.records
                if r.compartment == student and not r.deleted
            },
            referrals={
                r.now.id: r.now
                for r in self.records
                if r.compartment == student and not r.deleted and r.now.type == "ServiceRequest"
            },
            referrers=referrers(r.now for r in self.records if r.compartment == student and not r.deleted),
            agreement_required=self.agreement_required,
            emergencies=tuple((o, w) for compartment, o, w in self.emergencies if compartment == student),
        )

    def _requester(self, n: int) -> Requester:
        own = ORGANIZATIONS[n]
        descendants = frozenset(o for m, o in enumerate(ORGANIZATIONS) if own in self.ancestors(m))
        classes = frozenset(c for m, o in enumerate(ORGANIZATIONS) if o in self.ancestors(n) for c in self.classes[m])
        return Requester(
            own,
            frozenset(self.ancestors(n)) | classes,
            descendants,
            widen(self.purposes[n]),
            self.now,
            self.emergency[n],
        )


@dataclass(frozen=True)
class Question:
    """One caller before one record, and all that bears on the answer."""

    policies: PolicySet
    requester: Requester
    attributes: ResourceAttributes
