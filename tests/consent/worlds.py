"""Worlds for Hypothesis: organizations in a tree, students with records and releases of any shape, and a clock.

All is drawn from small pools, so that what a release names is often what a record has, and moments often fall on the
very edge of a window or of a birthday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
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
CHILD = date(2014, 5, 2)
BIRTHS = (CHILD, date(2008, 11, 1), date(2008, 10, 25), date(2009, 3, 14), date(2009, 3, 1))
"""A child's, days on whose 18th return the clocks of some zones are changed, and one of 29 February."""

ORGANIZATIONS = tuple(UUID(int=0x100 + n) for n in range(6))
STUDENTS = tuple(UUID(int=0x200 + n) for n in range(2))
PEOPLE = tuple(UUID(int=0x300 + n) for n in range(2))
AUTHORS = tuple(UUID(int=0x400 + n) for n in range(2))
RECORDS = tuple(UUID(int=0x500 + n) for n in range(12))
CONSENTS = tuple(UUID(int=0x600 + n) for n in range(4))

_EDGES = (
    BEGINNING,
    datetime(2026, 1, 1, 5, tzinfo=UTC),
    datetime(2026, 9, 15, 4, tzinfo=UTC),
    datetime(2026, 10, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2027, 7, 1, 4, tzinfo=UTC),
    END,
)
_BIRTHDAYS = tuple(birthday(born, 18, ZoneInfo(zone)) for born in BIRTHS[1:] for zone in ZONES)
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
HOLDERS = ORGANIZATIONS[:2]
RECIPIENTS = ORGANIZATIONS[2:]


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
        return {o: Place(self.above(n), self.zones[n], self.honours[n]) for n, o in enumerate(ORGANIZATIONS)}

    @property
    def viewers(self) -> tuple[Viewer, ...]:
        """Each organization as a caller."""
        return tuple(self._viewer(n) for n in range(len(ORGANIZATIONS)))

    @property
    def newcomers(self) -> frozenset[int]:
        """The organizations that come last: of those that are late, the ones that nothing has named before."""
        named = {p for record in self.records for v in record.versions for p in v.parties}
        named |= {o for r in (*self.releases, *self.releases_before) for o in r.recipients}
        named |= {o for _, o, _ in self.emergencies}
        named |= {ORGANIZATIONS[n] for n in self.parents_before if n is not None}
        return frozenset(n for n in self.late if ORGANIZATIONS[n] not in named)

    def rules(self, student: UUID | None) -> Rules:
        """What decide() needs of one student."""
        return Rules(
            releases=tuple(r for r in self.releases if r.student == student),
            born=self.born.get(student) if student else None,
            authorities={person: w for (shard, person), w in self.authorities.items() if shard == student},
            agreements=self.agreements,
            places=self.places,
            focal={
                r.now.id: (r.now.custodian, r.now.refs) for r in self.records if r.shard == student and not r.deleted
            },
            agreement_required=self.agreement_required,
            emergencies=tuple((o, w) for shard, o, w in self.emergencies if shard == student),
        )

    def _viewer(self, n: int) -> Viewer:
        own = ORGANIZATIONS[n]
        below = frozenset(o for m, o in enumerate(ORGANIZATIONS) if own in self.above(m))
        return Viewer(own, frozenset(self.above(n)), below, widen(self.purposes[n]), self.now, self.emergency[n])


Strategy = st.SearchStrategy[Any]


def _mostly(usual: Any, *others: Any, weight: int = 2) -> Strategy:
    """The usual value, `weight` times as often as all the others together."""
    return st.sampled_from((usual,) * max(1, weight * len(others)) + others)


def _subsets(pool: tuple[Any, ...], least: int, most: int) -> tuple[frozenset[Any], ...]:
    return tuple(frozenset(c) for n in range(least, most + 1) for c in combinations(pool, n))


_NOTHING: frozenset[Any] = frozenset()
_TYPE_NAMES = (_PROFILE, *(t.name for t in COMPARTMENT))
_IDS = (*RECORDS[:4], *STUDENTS)

windows = _mostly(_ALWAYS, *_WINDOWS, weight=5)
narrow = st.sampled_from(_WINDOWS)
holders = _mostly(*HOLDERS, weight=6)
students = _mostly(*STUDENTS, weight=4)
whoever = st.sampled_from(ORGANIZATIONS)

_record_labels = _mostly(_NOTHING, *_subsets(_LABELS, 1, 2), weight=1)
_record_levels = _mostly(3, 0, 2, 4, 5, 6, weight=1)
_record_codes = st.sampled_from(_subsets(_CODES, 0, 2))
_record_refs = st.sampled_from(_subsets(_IDS, 0, 2))
_record_parties = _mostly(_NOTHING, *_subsets(ORGANIZATIONS, 1, 2), weight=1)
_record_profiles = _mostly(_NOTHING, frozenset({_PROFILE}))
_record_authors = st.sampled_from(_subsets(AUTHORS, 0, 1))

_some_recipients = st.sampled_from(_subsets(RECIPIENTS, 2, 4))
_recipients = _mostly(None, *_subsets(RECIPIENTS, 1, 2))
_purposes = _mostly(None, *_subsets(_PURPOSES, 1, 2))
_classes = _mostly(None, *_subsets(_TYPE_NAMES, 2, 4))
_codes = _mostly(None, *_subsets(_CODES, 1, 2), weight=3)
_named = _mostly(None, _NOTHING, *_subsets(_LABELS[:4], 1, 2), weight=1)
_levels = _mostly(None, 0, 3, 4, 5, weight=1)
_abouts = _mostly(None, *_WINDOWS, weight=4)
_records = st.sampled_from(_subsets(RECORDS[:4], 1, 2))
_authors = st.sampled_from(_subsets(AUTHORS, 1, 2))
_meanings = _mostly(_NOTHING, *_subsets(("instances", "related", "dependents", "authored"), 1, 4), weight=3)


@st.composite
def facts(draw: st.DrawFn, own_id: UUID, student: UUID) -> Facts:
    """A record of a student."""
    declared = draw(st.sampled_from(COMPARTMENT))
    return Facts(
        id=own_id,
        type=declared.name,
        custodian=draw(holders),
        student=student,
        directory=False,
        profiles=draw(_record_profiles),
        codes=draw(_record_codes),
        confidentiality=draw(_record_levels),
        labels=draw(_record_labels),
        parties=draw(_record_parties) if declared.name in ("Consent", "Task") else _NOTHING,
        refs=draw(_record_refs),
        authors=draw(_record_authors),
        clinical=draw(_mostly(None, *_WINDOWS, weight=1)) if declared.clinical_date else None,
        timeless=not declared.clinical_date,
    )


@st.composite
def _record(draw: st.DrawFn, own_id: UUID) -> Record:
    if draw(_mostly(False, True, weight=7)):
        declared = draw(st.sampled_from(OTHERS))
        directory = declared.reach is Reach.DIRECTORY
        return Record((Facts(own_id, declared.name, draw(holders), None, directory, timeless=True),))
    student = draw(students)
    now = draw(facts(own_id, student))
    if draw(_mostly(True, False)):
        return Record((now,))
    before = replace(draw(facts(own_id, student)), type=now.type, custodian=now.custodian, timeless=now.timeless)
    before = replace(before, clinical=None if now.timeless else before.clinical)
    return Record((before, now), draw(_mostly(False, True)))


@st.composite
def provision(draw: st.DrawFn, node: int, parent: int, permit: bool, named: bool) -> Provision:
    """A provision, with each element mostly absent: else that many, each asked for, would never all be met.

    `named`: one above it names a recipient; without that a permit names its own, as in every complete Consent.
    """
    labels = draw(_named)
    level = draw(_levels) if labels is not None else None
    meant = draw(_meanings)
    return Provision(
        node=node,
        parent=parent,
        permit=permit,
        period=draw(windows),
        recipients=draw(_recipients if named or not permit else _some_recipients),
        purposes=draw(_purposes),
        classes=draw(_classes),
        codes=draw(_codes),
        confidentiality=3 if labels is not None and not labels and level is None else level,
        labels=labels,
        about=draw(_abouts),
        **{m: draw(_authors if m == "authored" else _records) for m in sorted(meant)},
    )


@st.composite
def provisions(draw: st.DrawFn) -> tuple[Provision, ...]:
    """A root with exceptions, in document order, DEEPEST at most."""
    root_permits = draw(_mostly(True, False, weight=3))
    line = [0]
    found = [draw(provision(0, -1, root_permits, False))]
    for node in range(1, draw(st.sampled_from((1, 1, 2, 3, 6)))):
        line = line[: draw(st.integers(1, min(len(line), DEEPEST)))]
        named = any(found[n].recipients for n in line)
        found.append(draw(provision(node, line[-1], root_permits == (len(line) % 2 == 0), named)))
        line.append(node)
    return tuple(found)


_signed = _mostly(_EDGES[1], *_BIRTHDAYS, *(b - _TICK for b in _BIRTHDAYS), weight=2)


@st.composite
def release(draw: st.DrawFn, consent: UUID) -> Release:
    """A release of any shape."""
    opens, closes = draw(windows)
    return Release(
        consent=consent,
        version=draw(st.integers(1, 3)),
        student=draw(students),
        custodian=draw(holders),
        signed=draw(_signed),
        signer=draw(st.sampled_from((*PEOPLE, None))),
        age=draw(st.sampled_from((18, 12, 0))),
        part2=draw(st.booleans()),
        opens=opens,
        closes=closes,
        provisions=draw(provisions()),
    )


def _parents(draw: st.DrawFn) -> tuple[int | None, ...]:
    """The parent of each organization, by its place in the pool: one that comes earlier, so that none is its own."""
    return tuple(draw(_mostly(None, *range(n), weight=1)) for n in range(len(ORGANIZATIONS)))


@st.composite
def _agreement(draw: st.DrawFn) -> Agreement:
    discloser = draw(holders)
    return Agreement(draw(_mostly(discloser, *ORGANIZATIONS, weight=1)), discloser, draw(whoever), draw(windows))


def worlds() -> Strategy:
    """Whole worlds; in half of them nothing but the provisions decides."""
    return st.builds(lambda world, plain: _plain(world) if plain else world, _worlds(), st.booleans())


def _plain(world: World) -> World:
    """The same with one holder, one student and one signer, all in force: so that the provisions come to speak."""
    holder, student, signer = HOLDERS[0], STUDENTS[0], PEOPLE[0]

    def told(facts: Facts) -> Facts:
        moved = student if facts.student else None
        return replace(facts, custodian=holder, student=moved, parties=_NOTHING)

    def signed(release: Release) -> Release:
        opens, closes = _ALWAYS
        root = release.provisions[0]
        named = replace(root, recipients=root.recipients and frozenset(RECIPIENTS), period=_ALWAYS)
        to = {"custodian": holder, "student": student, "signer": signer, "signed": _EDGES[1]}
        return replace(release, opens=opens, closes=closes, provisions=(named, *release.provisions[1:]), **to)

    return replace(
        world,
        records=tuple(replace(r, versions=tuple(told(v) for v in r.versions)) for r in world.records),
        releases=tuple(signed(r) for r in world.releases),
        releases_before=tuple(signed(r) for r in world.releases_before),
        born={student: (CHILD, CHILD)},
        authorities={(student, signer): _ALWAYS},
        agreement_required=False,
        parents=(None, *world.parents[1:]),
    )


@st.composite
def _worlds(draw: st.DrawFn) -> World:
    parents = _parents(draw)
    releases = tuple(draw(release(c)) for c in CONSENTS[: draw(st.integers(1, len(CONSENTS)))])
    students_of = {r.consent: r.student for r in releases}
    before = [draw(release(c)) for c in draw(_mostly(_NOTHING, *_subsets(CONSENTS, 1, 2), weight=1))]
    count = range(len(ORGANIZATIONS))
    return World(
        parents=parents,
        parents_before=_parents(draw) if draw(st.booleans()) else parents,
        late=draw(_mostly(_NOTHING, *_subsets(tuple(count)[2:], 1, 3), weight=1)),
        zones=tuple(draw(st.sampled_from(ZONES)) for _ in count),
        honours=tuple(draw(_mostly(False, True)) for _ in count),
        records=tuple(draw(_record(i)) for i in RECORDS[: draw(st.integers(4, len(RECORDS)))]),
        releases=releases,
        releases_before=tuple(replace(r, student=students_of.get(r.consent, r.student)) for r in before),
        born={s: (born, born + draw(_LATER)) for s in STUDENTS if (born := draw(_births))},
        authorities={(s, p): w for s in STUDENTS for p in PEOPLE if (w := draw(_authorities))},
        agreements=tuple(draw(st.lists(_agreement(), min_size=1, max_size=6))),
        emergencies=tuple(draw(st.lists(st.tuples(students, st.sampled_from(RECIPIENTS), windows), max_size=2))),
        agreement_required=draw(_mostly(False, True, weight=1)),
        purposes=tuple(frozenset({draw(_purpose), draw(_purpose)}) - {""} for _ in count),
        emergency=tuple(draw(_mostly(False, True)) for _ in count),
        now=draw(st.sampled_from(_MOMENTS)),
    )


_births = st.sampled_from((CHILD,) * 5 + BIRTHS + (None,))
_LATER = _mostly(timedelta(0), timedelta(days=30))
_authorities = _mostly(_ALWAYS, None, *_WINDOWS)
_purpose = _mostly("TREAT", *_PURPOSES, "COC", "", weight=1)


@dataclass(frozen=True)
class Question:
    """One caller before one record, and all that bears on the answer."""

    rules: Rules
    viewer: Viewer
    facts: Facts


@st.composite
def questions(draw: st.DrawFn, least: int = 1) -> Question:
    """A question that nothing but releases answers, since the caller is neither the custodian nor a party."""
    student, holder = STUDENTS[0], HOLDERS[0]
    mine = replace(draw(facts(RECORDS[0], student)), custodian=holder, parties=_NOTHING)
    other = draw(facts(RECORDS[1], student))
    releases = [replace(draw(release(c)), student=student) for c in CONSENTS[: draw(st.integers(least, 3))]]
    plain = draw(_mostly(True, False, weight=5))
    world = World(
        parents=_parents(draw),
        parents_before=(),
        late=frozenset(),
        zones=(draw(st.sampled_from(ZONES)),) * len(ORGANIZATIONS),
        honours=(draw(st.booleans()),) * len(ORGANIZATIONS),
        records=(Record((mine,)), Record((other,))),
        releases=tuple(releases),
        releases_before=(),
        born={student: (CHILD, CHILD)} if draw(_mostly(True, False)) else {},
        authorities={(student, p): _ALWAYS for p in PEOPLE},
        agreements=tuple(draw(st.lists(_agreement(), max_size=3))),
        emergencies=(),
        agreement_required=draw(st.booleans()),
        purposes=(frozenset({draw(_purpose)}) - {""},) * len(ORGANIZATIONS),
        emergency=(False,) * len(ORGANIZATIONS),
        now=draw(st.sampled_from(_MOMENTS)),
    )
    world = _plain(world) if plain else world
    viewer = world.viewers[draw(st.integers(2, len(ORGANIZATIONS) - 1))]
    return Question(world.rules(student), replace(viewer, below=frozenset({viewer.organization})), mine)


@st.composite
def narrower(draw: st.DrawFn, wide: Provision) -> Provision:
    """The same provision with one element narrowed."""
    data = ("instances", "related", "dependents", "authored")
    sets = {
        "recipients": RECIPIENTS,
        "purposes": _PURPOSES,
        "codes": _CODES,
        **({} if wide.classes is None and wide.about is not None else {"classes": _TYPE_NAMES}),
        **{m: RECORDS for m in data if getattr(wide, m) is not None},
    }
    if not any(getattr(wide, m) is not None for m in data):
        sets["instances"] = RECORDS
    element = draw(st.sampled_from((*sorted(sets), "period", "about", "confidentiality")))
    if element in sets:
        before = getattr(wide, element)
        pool = tuple(sorted(before)) if before is not None else sets[element]
        return replace(wide, **{element: draw(st.frozensets(st.sampled_from(pool))) if pool else before})
    if element == "confidentiality":
        level = wide.confidentiality
        if level is None or not wide.permit:
            return wide
        return replace(wide, confidentiality=draw(st.integers(0, level)))
    before = getattr(wide, element) or _ALWAYS
    inside = [w for w in _WINDOWS if before[0] <= w[0] and w[1] <= before[1]]
    return replace(wide, **{element: draw(st.sampled_from(inside)) if inside else before})
