"""Draws worlds and questions for Hypothesis, from the pools of worlds.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from app.consent.model import AdultFrom, Agreement, Provision, Release, ResourceAttributes, Window
from app.resources import Visibility
from app.resources.declaration import SEEN_BY_PARTIES
from tests.consent.worlds import (
    ALWAYS,
    AUTHORS,
    BIRTHDAYS,
    BIRTHS,
    CHILD,
    CLASS_IDS,
    CODES,
    COMPARTMENT,
    CONSENTS,
    EDGES,
    HOLDERS,
    LABELS,
    MOMENTS,
    ORGANIZATIONS,
    OTHERS,
    PEOPLE,
    PROFILE,
    PURPOSES,
    RECIPIENTS,
    RECORDS,
    STATES,
    STUDENTS,
    TICK,
    WINDOWS,
    ZONES,
    Question,
    Record,
    World,
)

DEEPEST = 4
Strategy = st.SearchStrategy[Any]


def _mostly(usual: Any, *others: Any, weight: int = 2) -> Strategy:
    """The usual value, `weight` times as often as all the others together."""
    return st.sampled_from((usual,) * max(1, weight * len(others)) + others)


def _subsets(pool: tuple[Any, ...], least: int, most: int) -> tuple[frozenset[Any], ...]:
    return tuple(frozenset(c) for n in range(least, most + 1) for c in combinations(pool, n))


_NOTHING: frozenset[Any] = frozenset()
_TYPE_NAMES = (PROFILE, *(t.name for t in COMPARTMENT))
_IDS = (*RECORDS[:4], *STUDENTS)

windows = _mostly(ALWAYS, *WINDOWS, weight=5)
narrow = st.sampled_from(WINDOWS)
holders = _mostly(*HOLDERS, weight=6)
students = _mostly(*STUDENTS, weight=4)
whoever = st.sampled_from(ORGANIZATIONS)

_record_labels = _mostly(_NOTHING, *_subsets(LABELS, 1, 2), weight=1)
_record_levels = _mostly(3, 0, 2, 4, 5, 6, weight=1)
_record_codes = st.sampled_from(_subsets(CODES, 0, 2))
_record_refs = st.sampled_from(_subsets(_IDS, 0, 2))
_task_refs = st.builds(lambda *ids: frozenset(ids), st.sampled_from(RECORDS[:3]), st.sampled_from(ORGANIZATIONS[2:]))
_record_parties = _mostly(_NOTHING, *_subsets(ORGANIZATIONS, 1, 2), weight=1)
_seen = _mostly(_NOTHING, frozenset({SEEN_BY_PARTIES}), weight=2)
_record_profiles = _mostly(_NOTHING, frozenset({PROFILE}))
_record_authors = st.sampled_from(_subsets(AUTHORS, 0, 1))

_some_recipients = st.sampled_from(_subsets(RECIPIENTS, 2, 4))
_recipients = _mostly(None, *_subsets(RECIPIENTS, 1, 2))
_classes_of_recipients = _mostly(_NOTHING, *_subsets(CLASS_IDS, 1, 2), weight=1)
_purposes = _mostly(None, *_subsets(PURPOSES, 1, 2))
_classes = _mostly(None, *_subsets(_TYPE_NAMES, 2, 4))
_codes = _mostly(None, *_subsets(CODES, 1, 2), weight=3)
_named = _mostly(None, _NOTHING, *_subsets(LABELS[:4], 1, 2), weight=1)
_levels = _mostly(None, 0, 3, 4, 5, weight=1)
_abouts = _mostly(None, *WINDOWS, weight=4)
_records = st.sampled_from(_subsets(RECORDS[:4], 1, 2))
_authors = st.sampled_from(_subsets(AUTHORS, 1, 2))
_meanings = _mostly(_NOTHING, *_subsets(("instances", "related", "dependents", "authored"), 1, 4), weight=3)

_signed = _mostly(EDGES[1], EDGES[2], *BIRTHDAYS, *(b - TICK for b in BIRTHDAYS), weight=2)
_births = st.sampled_from((CHILD,) * 5 + BIRTHS + (None,))
_later = _mostly(timedelta(0), timedelta(days=30))
_adult = _mostly(None, EDGES[1], EDGES[2], EDGES[3])
_authorities = _mostly(ALWAYS, None, *WINDOWS)
_born_elsewhere = _mostly(None, *((b, b) for b in BIRTHS))
_purpose = _mostly("TREAT", *PURPOSES, "COC", "", weight=1)


@st.composite
def attributes(draw: st.DrawFn, own_id: UUID, student: UUID, types: Any = COMPARTMENT) -> ResourceAttributes:
    """A record of a student."""
    declared = draw(st.sampled_from(types))
    return ResourceAttributes(
        id=own_id,
        type=declared.name,
        custodian=draw(holders),
        student=student,
        directory=False,
        profiles=draw(_record_profiles),
        codes=draw(_record_codes),
        confidentiality=draw(_record_levels),
        labels=draw(_record_labels),
        parties=draw(_record_parties) | (draw(_seen) if declared.name == "Task" else _NOTHING)
        if declared.name in ("Consent", "Task")
        else _NOTHING,
        refs=draw(_record_refs) | (draw(_task_refs) if declared.name == "Task" else _NOTHING),
        authors=draw(_record_authors),
        clinical=draw(_mostly(None, *WINDOWS, weight=1)) if declared.clinical_date else None,
        timeless=not declared.clinical_date,
    )


@st.composite
def _record(draw: st.DrawFn, own_id: UUID) -> Record:
    if draw(_mostly(False, True, weight=7)):
        declared = draw(st.sampled_from(OTHERS))
        directory = declared.visibility is Visibility.DIRECTORY
        return Record((ResourceAttributes(own_id, declared.name, draw(holders), None, directory, timeless=True),))
    student = draw(students)
    now = draw(attributes(own_id, student))
    if draw(_mostly(True, False)):
        return Record((now,))
    before = replace(draw(attributes(own_id, student)), type=now.type, custodian=now.custodian, timeless=now.timeless)
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


@st.composite
def release(draw: st.DrawFn, consent: UUID) -> Release:
    """A release of any shape."""
    opens, closes = draw(windows)
    signer = draw(st.sampled_from((*PEOPLE, None)))
    return Release(
        consent=consent,
        version=draw(st.integers(1, 3)),
        student=draw(students),
        custodian=draw(holders),
        signed=draw(_signed),
        signer=signer,
        cosigned=signer is not None and draw(_mostly(False, True, weight=1)),
        age=draw(st.sampled_from((18, 12, 0))),
        part2=draw(st.booleans()),
        education=draw(st.booleans()),
        redisclosable=draw(st.booleans()),
        opens=opens,
        closes=closes,
        provisions=draw(provisions()),
        born=draw(_born_elsewhere),
        authority=draw(_mostly(None, *WINDOWS)),
        confirmed=draw(_mostly(None, *EDGES)),
    )


def _parents(draw: st.DrawFn) -> tuple[int | None, ...]:
    """The parent of each organization, by its place in the pool: one that comes earlier, so that none is its own."""
    return tuple(draw(_mostly(None, *range(n), weight=1)) for n in range(len(ORGANIZATIONS)))


@st.composite
def _agreements(draw: st.DrawFn, least: int, most: int) -> tuple[Agreement, ...]:
    """Agreements, some of which lapse and return."""
    found: list[Agreement] = []
    for _ in range(draw(st.integers(least, most))):
        discloser = draw(holders)
        one = Agreement(draw(_mostly(discloser, *ORGANIZATIONS, weight=1)), discloser, draw(whoever), draw(windows))
        found += [one, replace(one, period=draw(narrow))] if draw(st.booleans()) else [one]
    return tuple(found)


def worlds() -> Strategy:
    """Whole worlds; in half of them nothing but the provisions decides, or whether the custodian confirmed them."""

    def made(world: World, plain: bool, authority: Window) -> World:
        return _plain(world, authority) if plain else world

    return st.builds(made, _worlds(), st.booleans(), _mostly(ALWAYS, (EDGES[2], EDGES[-1])))


def _plain(world: World, authority: Window) -> World:
    """The same with one holder, one student and one signer, all in force: so that the provisions come to speak.

    `authority` is the signer's: where it came back after the signature, what is confirmed since is in force.
    """
    holder, student, signer = HOLDERS[0], STUDENTS[0], PEOPLE[0]

    def told(attributes: ResourceAttributes) -> ResourceAttributes:
        moved = student if attributes.student else None
        return replace(attributes, custodian=holder, student=moved, parties=_NOTHING)

    def signed(release: Release) -> Release:
        opens, closes = ALWAYS
        root = release.provisions[0]
        named = replace(root, recipients=root.recipients and frozenset(RECIPIENTS), period=ALWAYS)
        to: dict[str, Any] = {"custodian": holder, "student": student, "signer": signer, "signed": EDGES[1]}
        to |= {"born": None, "authority": None}
        return replace(release, opens=opens, closes=closes, provisions=(named, *release.provisions[1:]), **to)

    return replace(
        world,
        records=tuple(replace(r, versions=tuple(told(v) for v in r.versions)) for r in world.records),
        releases=tuple(signed(r) for r in world.releases),
        releases_before=tuple(signed(r) for r in world.releases_before),
        born={student: (CHILD, CHILD)},
        authorities={(student, signer): authority},
        adults={},
        agreement_required=False,
        parents=(None, *world.parents[1:]),
    )


@st.composite
def _worlds(draw: st.DrawFn) -> World:
    parents = _parents(draw)
    releases = tuple(draw(release(c)) for c in CONSENTS[: draw(st.integers(1, len(CONSENTS)))])
    owners = {r.consent: (r.student, r.custodian) for r in releases}  # neither ever changes
    before = [draw(release(c)) for c in draw(_mostly(_NOTHING, *_subsets(CONSENTS, 1, 2), weight=1))]
    count = range(len(ORGANIZATIONS))
    return World(
        parents=parents,
        parents_before=_parents(draw) if draw(st.booleans()) else parents,
        late=draw(_mostly(_NOTHING, *_subsets(tuple(count)[2:], 1, 3), weight=1)),
        zones=tuple(draw(st.sampled_from(ZONES)) for _ in count),
        honors=tuple(draw(_mostly(False, True)) for _ in count),
        states=tuple(draw(st.sampled_from(STATES)) for _ in count),
        classes=tuple(draw(_classes_of_recipients) for _ in count),
        records=tuple(draw(_record(i)) for i in RECORDS[: draw(st.integers(4, len(RECORDS)))]),
        releases=releases,
        releases_before=tuple(_owned(r, owners) for r in before),
        born={s: (born, born + draw(_later)) for s in STUDENTS if (born := draw(_births))},
        authorities={(s, p): w for s in STUDENTS for p in PEOPLE if (w := draw(_authorities))},
        adults={s: AdultFrom(draw(_adult), draw(_adult)) for s in STUDENTS},
        adult_guardians=draw(_mostly(_NOTHING, *_subsets(tuple((s, p) for s in STUDENTS for p in PEOPLE), 1, 2))),
        agreements=draw(_agreements(1, 6)),
        emergencies=tuple(draw(st.lists(st.tuples(students, st.sampled_from(ORGANIZATIONS[2:]), windows), max_size=2))),
        agreement_required=draw(_mostly(False, True, weight=1)),
        purposes=tuple(frozenset({draw(_purpose), draw(_purpose)}) - {""} for _ in count),
        emergency=tuple(draw(_mostly(False, True)) for _ in count),
        now=draw(st.sampled_from(MOMENTS)),
    )


def _owned(release: Release, owners: Mapping[UUID, tuple[UUID, UUID]]) -> Release:
    """A release as an earlier version of the one with the same Consent."""
    student, custodian = owners.get(release.consent, (release.student, release.custodian))
    return replace(release, student=student, custodian=custodian)


@st.composite
def questions(draw: st.DrawFn, least: int = 1) -> Question:
    """A question that nothing but releases answers, since the caller is neither the custodian nor a party.

    The record is one that is judged by itself.
    """
    student, holder = STUDENTS[0], HOLDERS[0]
    itself = tuple(t for t in COMPARTMENT if not t.by_referrers)
    mine = replace(draw(attributes(RECORDS[0], student, itself)), custodian=holder, parties=_NOTHING)
    other = draw(attributes(RECORDS[1], student))
    releases = [replace(draw(release(c)), student=student) for c in CONSENTS[: draw(st.integers(least, 3))]]
    plain = draw(_mostly(True, False, weight=5))
    world = World(
        parents=_parents(draw),
        parents_before=(),
        late=frozenset(),
        zones=(draw(st.sampled_from(ZONES)),) * len(ORGANIZATIONS),
        honors=(draw(st.booleans()),) * len(ORGANIZATIONS),
        states=(draw(st.sampled_from(STATES)),) * len(ORGANIZATIONS),
        classes=(_NOTHING,) * len(ORGANIZATIONS),
        records=(Record((mine,)), Record((other,))),
        releases=tuple(releases),
        releases_before=(),
        born={student: (CHILD, CHILD)} if draw(_mostly(True, False)) else {},
        authorities={(student, p): ALWAYS for p in PEOPLE},
        adults={},
        adult_guardians=_NOTHING,
        agreements=draw(_agreements(0, 3)),
        emergencies=(),
        agreement_required=draw(st.booleans()),
        purposes=(frozenset({draw(_purpose)}) - {""},) * len(ORGANIZATIONS),
        emergency=(False,) * len(ORGANIZATIONS),
        now=draw(st.sampled_from(MOMENTS)),
    )
    world = _plain(world, ALWAYS) if plain else world
    requester = world.requesters[draw(st.integers(2, len(ORGANIZATIONS) - 1))]
    return Question(world.policies(student), replace(requester, descendants=frozenset({requester.organization})), mine)


@st.composite
def narrower(draw: st.DrawFn, wide: Provision) -> Provision:
    """The same provision with one element narrowed."""
    data = ("instances", "related", "dependents", "authored")
    sets: dict[str, tuple[Any, ...]] = {
        "recipients": RECIPIENTS,
        "purposes": PURPOSES,
        "codes": CODES,
        **({} if wide.classes is None and wide.about is not None else {"classes": _TYPE_NAMES}),
        **{m: RECORDS for m in data if getattr(wide, m) is not None},
    }
    if not any(getattr(wide, m) is not None for m in data):
        sets["instances"] = RECORDS
    element = draw(st.sampled_from((*sorted(sets), "period", "about", "confidentiality")))
    before: Any = getattr(wide, element)
    if element in sets:
        pool = tuple(sorted(before)) if before is not None else sets[element]
        after: Any = draw(st.frozensets(st.sampled_from(pool))) if pool else before
    elif element == "confidentiality":
        after = draw(st.integers(0, before)) if before is not None and wide.permit else before
    else:
        opens, closes = before or ALWAYS
        inside = [w for w in WINDOWS if opens <= w[0] and w[1] <= closes]
        after = draw(st.sampled_from(inside)) if inside else before
    changed: dict[str, Any] = {element: after}
    return replace(wide, **changed)
