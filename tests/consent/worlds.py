"""Worlds for Hypothesis: organizations in a tree, students with records and releases of any shape, and a clock.

All is drawn from small pools, so that what a release names is often what a record has, and moments often fall on the
very edge of a window or of a birthday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.consent.codes import widen
from app.consent.decide import birthday
from app.consent.rules import Agreement, Facts, Place, Provision, Release, Rules, Viewer, Window
from app.fhir.dates import BEGINNING, END
from app.resources import REGISTRY, Reach

DEEPEST = 4
ZONES = ("America/New_York", "America/Los_Angeles", "America/Havana", "Atlantic/Azores", "UTC")
BIRTHS = (date(2008, 11, 1), date(2008, 10, 25), date(2009, 3, 14), date(2008, 3, 1), date(2014, 5, 2))
"""Days on whose 18th return the clocks of some zones are changed, one of 29 February, and a child's."""

ORGANIZATIONS = tuple(UUID(int=0x100 + n) for n in range(6))
STUDENTS = tuple(UUID(int=0x200 + n) for n in range(2))
PEOPLE = tuple(UUID(int=0x300 + n) for n in range(2))
AUTHORS = tuple(UUID(int=0x400 + n) for n in range(2))
RECORDS = tuple(UUID(int=0x500 + n) for n in range(8))
CONSENTS = tuple(UUID(int=0x600 + n) for n in range(4))

_EDGES = (
    BEGINNING,
    datetime(2026, 1, 1, 5, tzinfo=UTC),
    datetime(2026, 9, 15, 4, tzinfo=UTC),
    datetime(2026, 10, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2027, 7, 1, 4, tzinfo=UTC),
    END,
)
_BIRTHDAYS = tuple(birthday(born, 18, ZoneInfo(zone)) for born in BIRTHS for zone in ZONES)
_HOUR, _TICK = timedelta(hours=1), timedelta(microseconds=1)
_MOMENTS = (
    *_EDGES[1:-1],
    *(m - _TICK for m in _EDGES[1:-1]),
    *(m + by for m in _BIRTHDAYS for by in (-_TICK, 0 * _HOUR, _HOUR / 2, _HOUR)),
)
_WINDOWS = tuple((a, b) for i, a in enumerate(_EDGES) for b in _EDGES[i + 1 :])
_ALWAYS = (BEGINNING, END)

_CODES = ("urn:a|1", "urn:a|2", "urn:b|1")
_LABELS = ("PSY", "SUD", "42CFRPart2", "PSYTHPN", "urn:x|unknown")
_PROFILE = "https://example.org/profile"
_PURPOSES = ("TREAT", "ETREAT", "HPAYMT")
COMPARTMENT = tuple(t for t in REGISTRY if t.reach is Reach.COMPARTMENT)
OTHERS = tuple(t for t in REGISTRY if t.reach is not Reach.COMPARTMENT)


@dataclass(frozen=True)
class Record:
    """A resource: the facts of its versions, the last one current, or a deletion."""

    versions: tuple[Facts, ...]
    deleted: bool = False

    @property
    def now(self) -> Facts:
        """The facts of the current version."""
        return self.versions[-1]

    @property
    def shard(self) -> UUID:
        """The student's id, or outside a compartment its own."""
        return self.now.student or self.now.id


@dataclass(frozen=True)
class World:
    """All that bears on who sees what. Organizations and releases may have been otherwise `before`."""

    parents: tuple[int | None, ...]
    parents_before: tuple[int | None, ...]
    late: frozenset[int]
    zones: tuple[str, ...]
    honours: tuple[bool, ...]
    records: tuple[Record, ...]
    releases: tuple[Release, ...]
    releases_before: tuple[Release, ...]
    born: Mapping[UUID, tuple[date, date]]
    authorities: Mapping[tuple[UUID, UUID], Window]
    agreements: tuple[Agreement, ...]
    emergencies: tuple[tuple[UUID, UUID, Window], ...]
    agreement_required: bool
    purposes: tuple[frozenset[str], ...]
    emergency: tuple[bool, ...]
    now: datetime

    def above(self, n: int) -> tuple[UUID, ...]:
        """An organization and those that it is part of."""
        parent = self.parents[n]
        return (ORGANIZATIONS[n], *(self.above(parent) if parent is not None else ()))

    @property
    def places(self) -> dict[UUID, Place]:
        """Every organization's place in the tree."""
        return {
            o: Place(self.above(n), self.zones[n], self.honours[n]) for n, o in enumerate(ORGANIZATIONS)
        }

    @property
    def viewers(self) -> tuple[Viewer, ...]:
        """Each organization as a caller."""
        return tuple(self._viewer(n) for n in range(len(ORGANIZATIONS)))

    def rules(self, student: UUID | None) -> Rules:
        """What decide() needs of one student."""
        return Rules(
            releases=tuple(r for r in self.releases if r.student == student),
            born=self.born.get(student) if student else None,
            authorities={person: w for (shard, person), w in self.authorities.items() if shard == student},
            agreements=self.agreements,
            places=self.places,
            focal={r.now.id: (r.now.custodian, r.now.refs) for r in self.records if r.shard == student and not r.deleted},
            agreement_required=self.agreement_required,
            emergencies=tuple((o, w) for shard, o, w in self.emergencies if shard == student),
        )

    def _viewer(self, n: int) -> Viewer:
        own = ORGANIZATIONS[n]
        below = frozenset(o for m, o in enumerate(ORGANIZATIONS) if own in self.above(m))
        return Viewer(own, frozenset(self.above(n)), below, widen(self.purposes[n]), self.now, self.emergency[n])


def _some(*options: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(options)


def _set(pool: tuple[Any, ...], most: int = 2) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(pool), max_size=most)


def _maybe(found: st.SearchStrategy[Any], *, one_in: int = 4) -> st.SearchStrategy[Any]:
    """Mostly absent: else that many elements, each asked for, would never all be met."""
    return st.integers(1, one_in).flatmap(lambda n: found if n == one_in else st.none())


windows = st.sampled_from((_ALWAYS,) * 6 + _WINDOWS)
narrow = st.sampled_from(_WINDOWS)
organizations = st.sampled_from(ORGANIZATIONS)
confidentiality = _some(3, 3, 3, 0, 2, 4, 5)


@st.composite
def facts(draw: st.DrawFn, own_id: UUID, student: UUID) -> Facts:
    """A record of a student."""
    declared = draw(st.sampled_from(COMPARTMENT))
    parties = frozenset() if declared.name not in ("Consent", "Task") else draw(_set(ORGANIZATIONS))
    return Facts(
        id=own_id,
        type=declared.name,
        custodian=draw(st.sampled_from(ORGANIZATIONS[:3])),
        student=student,
        directory=False,
        profiles=draw(_some(frozenset(), frozenset(), frozenset({_PROFILE}))),
        codes=draw(_set(_CODES)),
        confidentiality=draw(st.one_of(st.just(3), st.integers(0, 6))),
        labels=draw(st.one_of(st.just(frozenset()), _set(_LABELS))),
        parties=parties,
        refs=draw(_set((*RECORDS, *STUDENTS), 3)),
        authors=draw(_set(AUTHORS)),
        clinical=draw(st.none() | narrow) if declared.clinical_date else None,
        timeless=not declared.clinical_date,
    )


@st.composite
def _record(draw: st.DrawFn, own_id: UUID) -> Record:
    if draw(_some(*[False] * 7, True)):
        declared = draw(st.sampled_from(OTHERS))
        found = Facts(own_id, declared.name, draw(organizations), None, declared.reach is Reach.DIRECTORY, timeless=True)
        return Record((found,))
    student = draw(st.sampled_from(STUDENTS))
    now = draw(facts(own_id, student))
    if draw(_some(False, False, True)):
        before = replace(draw(facts(own_id, student)), type=now.type, custodian=now.custodian)
        before = replace(before, timeless=now.timeless, clinical=None if now.timeless else before.clinical)
        return Record((before, now), draw(_some(False, False, True)))
    return Record((now,))


@st.composite
def provision(draw: st.DrawFn, node: int, parent: int, permit: bool) -> Provision:
    """A provision, with each element sometimes absent."""
    labels = draw(_maybe(_set(_LABELS[:4]), one_in=3))
    level = draw(st.none() | confidentiality) if labels is not None else None
    if labels is not None and not labels and level is None:
        level = draw(confidentiality)
    data = draw(_maybe(st.sampled_from(("instances", "related", "dependents", "authored", "several"))))
    meant = {"instances", "related", "dependents", "authored"} if data == "several" else {data}
    pools = {"authored": AUTHORS}
    return Provision(
        node=node,
        parent=parent,
        permit=permit,
        period=draw(windows),
        recipients=draw(_maybe(st.frozensets(organizations, min_size=1, max_size=2))),
        purposes=draw(_maybe(st.frozensets(st.sampled_from(_PURPOSES), min_size=1, max_size=2))),
        classes=draw(_maybe(st.frozensets(st.sampled_from([_PROFILE, *(t.name for t in COMPARTMENT)]), min_size=1, max_size=4))),
        codes=draw(_maybe(st.frozensets(st.sampled_from(_CODES), min_size=1, max_size=2))),
        confidentiality=level,
        labels=labels,
        about=draw(_maybe(narrow)),
        **{m: draw(st.frozensets(st.sampled_from(pools.get(m, RECORDS)), min_size=1, max_size=2)) for m in meant if m},
    )


@st.composite
def provisions(draw: st.DrawFn) -> tuple[Provision, ...]:
    """A root with exceptions, in document order, DEEPEST at most."""
    root_permits = draw(_some(True, True, False))
    line = [0]
    found = [draw(provision(0, -1, root_permits))]
    for node in range(1, draw(_some(1, 1, 2, 3, 6))):
        line = line[: draw(st.integers(1, min(len(line), DEEPEST)))]
        found.append(draw(provision(node, line[-1], root_permits == (len(line) % 2 == 0))))
        line.append(node)
    return tuple(found)


@st.composite
def release(draw: st.DrawFn, consent: UUID) -> Release:
    """A release of any shape."""
    opens, closes = draw(windows)
    return Release(
        consent=consent,
        version=draw(st.integers(1, 3)),
        student=draw(st.sampled_from(STUDENTS)),
        custodian=draw(st.sampled_from(ORGANIZATIONS[:3])),
        signed=draw(_some(_EDGES[1], _EDGES[1], *_BIRTHDAYS, *(b - _TICK for b in _BIRTHDAYS))),
        signer=draw(st.sampled_from((*PEOPLE, None))),
        age=draw(_some(18, 12, 0)),
        part2=draw(st.booleans()),
        opens=opens,
        closes=closes,
        provisions=draw(provisions()),
    )


def _tree() -> st.SearchStrategy[tuple[int | None, ...]]:
    """The parent of each organization, by its place in the pool: one that comes earlier, so that none is its own."""
    each = [st.just(None), *(st.one_of(st.none(), st.integers(0, n - 1)) for n in range(1, len(ORGANIZATIONS)))]
    return st.tuples(*each)


@st.composite
def _agreement(draw: st.DrawFn) -> Agreement:
    discloser = draw(st.sampled_from(ORGANIZATIONS[:3]))
    return Agreement(draw(_some(discloser, discloser, *ORGANIZATIONS)), discloser, draw(organizations), draw(windows))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A whole world."""
    parents = draw(_tree())
    releases = tuple(draw(release(c)) for c in CONSENTS[: draw(st.integers(1, len(CONSENTS)))])
    kept = draw(st.frozensets(st.sampled_from(CONSENTS)))
    count = len(ORGANIZATIONS)
    return World(
        parents=parents,
        parents_before=draw(st.one_of(st.just(parents), _tree())),
        late=draw(st.one_of(st.just(frozenset()), st.frozensets(st.integers(3, count - 1)))),
        zones=tuple(draw(st.sampled_from(ZONES)) for _ in range(count)),
        honours=tuple(draw(st.booleans()) for _ in range(count)),
        records=tuple(draw(_record(i)) for i in RECORDS[: draw(st.integers(1, len(RECORDS)))]),
        releases=releases,
        releases_before=tuple(draw(release(r.consent)) for r in releases if r.consent in kept),
        born=draw(st.fixed_dictionaries({}, optional={s: _births() for s in STUDENTS})),
        authorities=draw(st.dictionaries(st.tuples(st.sampled_from(STUDENTS), st.sampled_from(PEOPLE)), windows)),
        agreements=tuple(draw(st.lists(_agreement(), max_size=4))),
        emergencies=tuple(draw(st.lists(st.tuples(st.sampled_from(STUDENTS), organizations, windows), max_size=1))),
        agreement_required=draw(_some(True, False)),
        purposes=tuple(draw(st.frozensets(st.sampled_from((*_PURPOSES, "COC")), max_size=2)) for _ in range(count)),
        emergency=tuple(draw(_some(False, False, True)) for _ in range(count)),
        now=draw(st.sampled_from(_MOMENTS)),
    )


def _births() -> st.SearchStrategy[tuple[date, date]]:
    later = st.sampled_from((timedelta(0), timedelta(0), timedelta(days=30)))
    return st.builds(lambda first, by: (first, first + by), st.sampled_from(BIRTHS), later)
