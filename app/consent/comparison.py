"""Does one release open anything that another does not, for any record there could be? By a solver. Pure.

The provisions are compared, as compiled, with their periods: who signed and which agreement is in force is taken to be
the same for both. No is a proof. Yes comes with a record and a request, which `decide` was asked as well. The solver is
z3 (https://github.com/Z3Prover/z3), an optional extra.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import UUID

from app.consent.codes import (
    BOTH_SIGN,
    HANGS_ON_SIGNERS,
    MINOR_SIGNS,
    NORMAL,
    NOT_UNDERSTOOD,
    PART2,
    PSYCHOTHERAPY_NOTE,
    widen,
)
from app.consent.evaluate import Permit, decide
from app.consent.model import Place, PolicySet, Provision, Release, Requester, ResourceAttributes
from app.fhir.dates import instant
from app.resources import REGISTRY, Visibility

SECONDS = 2
"""How long the solver may look."""
TYPES = tuple(
    t.name
    for t in REGISTRY
    if t.visibility is Visibility.COMPARTMENT and t.name != "Consent" and not t.party_writes and not t.by_referrers
)
"""The types of records that a release opens by themselves."""
_TIMELESS = frozenset(t.name for t in REGISTRY if not t.clinical_date)
_OTHER = "urn:hallpass:another-label"
_RECORD = UUID(int=1)
_LONG_AGO, _SIGNED = date(1900, 1, 1), datetime(1990, 1, 1, tzinfo=UTC)
"""An adult's birthday and signature, which reach every record."""
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


class Undecided(Exception):
    """The solver found no answer in its time."""


@dataclass(frozen=True, slots=True)
class Example:
    """A record, and who asks for it when: the first release opens it, the second does not."""

    attributes: ResourceAttributes
    requester: Requester
    focal: dict[UUID, tuple[UUID, frozenset[UUID]]] = field(default_factory=dict)


def available() -> bool:
    """Whether the solver is installed."""
    return find_spec("z3") is not None


def opens_more(one: Release, other: Release) -> Example | None:
    """What the first opens and the second does not; None: there is nothing. Raises Undecided."""
    question = _Question(one, other)
    found = question.ask()
    if found is None:
        return None
    if not (permits(one, found) and not permits(other, found)):
        raise Undecided
    return found


def permits(release: Release, example: Example) -> bool:
    """What `decide` says of an example, with a signature that reaches every record."""
    signed = replace(
        release,
        student=_RECORD,
        signer=None,
        cosigned=False,
        age=0,
        signed=_SIGNED,
        born=(_LONG_AGO, _LONG_AGO),
        authority=None,
        custodian=example.attributes.custodian,
    )
    policies = PolicySet(
        releases=(signed,),
        places={signed.custodian: Place((signed.custodian,))},
        focal=example.focal,
        agreement_required=False,
    )
    return isinstance(decide(policies, example.requester, example.attributes), Permit)


class _Question:
    """The record and the request as unknowns, and each release as a formula over them."""

    def __init__(self, one: Release, other: Release) -> None:
        self.z3: Any = import_module("z3")
        self.context = self.z3.Context()
        self.one, self.other = one, other
        nodes = (*one.provisions, *other.provisions)
        self.now, self.lower, self.upper = (self._int(n) for n in ("now", "lower", "upper"))
        self.type, self.level = self._int("type"), self._int("level")
        self.dated = self._flag("dated")
        self.codes = self._flags("code", (c for p in nodes for c in p.codes or ()))
        self.profiles = self._flags("profile", (c for p in nodes for c in p.classes or () if c not in TYPES))
        named = {x for p in nodes for x in p.labels or ()}
        self.labels = self._flags("label", named | {PART2, PSYCHOTHERAPY_NOTE, MINOR_SIGNS, BOTH_SIGN, _OTHER})
        self.recipients = self._flags("recipient", (o for p in nodes for o in p.recipients or ()))
        self.purposes = self._flags("purpose", (x for p in nodes for x in p.purposes or ()))
        data = [
            (p.instances or frozenset()) | (p.related or frozenset()) | (p.dependents or frozenset()) for p in nodes
        ]
        self.ids = self._flags("id", (i for ids in data for i in ids))
        self.refs = self._flags("ref", (i for p in nodes for i in p.dependents or ()))
        self.authors = self._flags("author", (i for p in nodes for i in p.authored or ()))
        self.focal = self._flags("focal", (i for p in nodes for i in p.related or ()))

    def ask(self) -> Example | None:
        """A record that the first opens and the second does not. Raises Undecided."""
        solver = self.z3.Solver(ctx=self.context)
        solver.set("timeout", SECONDS * 1000)
        solver.add(*self._world(), self._permits(self.one), self.z3.Not(self._permits(self.other)))
        found = solver.check()
        if found == self.z3.unsat:
            return None
        if found != self.z3.sat:
            raise Undecided
        return self._example(solver.model())

    def _world(self) -> list[Any]:
        """What holds of every record and request."""
        z = self.z3
        found = [self.type >= 0, self.type < len(TYPES), self.level >= 0, self.level <= NOT_UNDERSTOOD]
        latest = _micros(datetime.max.replace(tzinfo=UTC)) - 1
        found += [self.lower >= 0, self.lower < self.upper, self.upper <= latest]
        found += [self.now >= _micros(_EARLIEST), self.now <= latest]
        if len(self.ids) > 1:
            found.append(z.PbLe([(flag, 1) for flag in self.ids.values()], 1))
        for purpose, flag in self.purposes.items():
            found += [z.Implies(flag, self.purposes[p]) for p in widen({purpose}) & self.purposes.keys() - {purpose}]
        return found

    def _permits(self, release: Release) -> Any:
        """That the release permits: from the last provision to the root, an exception that covers turns its parent."""
        z = self.z3
        excepted: dict[int, list[Any]] = {}
        root: Any = None
        for p in sorted(release.provisions, key=lambda p: p.node, reverse=True):
            turned = self._any(excepted.get(p.node, []))
            covers = self._covers(p, release.part2)
            if p.node == 0:
                root = z.And(covers, z.Not(turned) if p.permit else turned)
            excepted.setdefault(p.parent, []).append(z.And(covers, z.Not(turned)))
        recipients = release.provisions[0].recipients
        return z.And(
            root,
            self._within(self.now, (release.opens, release.closes)),
            *([self._any(self.recipients[o] for o in recipients)] if recipients is not None else []),
        )

    def _covers(self, p: Provision, part2: bool) -> Any:
        parts = [self._within(self.now, p.period), self._labelled(p, part2)]
        for wanted, flags in ((p.recipients, self.recipients), (p.purposes, self.purposes), (p.codes, self.codes)):
            if wanted is not None:
                parts.append(self._any(flags[x] for x in wanted))
        if p.classes is not None:
            of_type = [self.type == TYPES.index(c) for c in p.classes if c in TYPES]
            parts.append(self._any([*of_type, *(self.profiles[c] for c in p.classes if c in self.profiles)]))
        if p.about is not None:
            parts.append(self._about(p))
        if any(x is not None for x in (p.instances, p.related, p.dependents, p.authored)):
            parts.append(self._data(p))
        return self.z3.And(*parts)

    def _labelled(self, p: Provision, part2: bool) -> Any:
        z = self.z3
        named = p.labels or frozenset()
        if not p.permit:
            if p.labels is None:
                return self._true()
            by_level = [self.level >= p.confidentiality] if p.confidentiality is not None else []
            return self._any([*by_level, *(self.labels[x] for x in named)])
        level = p.confidentiality if p.confidentiality is not None else NORMAL
        parts = [self.level <= level]
        parts += [z.Not(f) for x, f in self.labels.items() if x not in named and x not in HANGS_ON_SIGNERS]
        if p.labels is not None and p.confidentiality is None:
            parts.append(self._any(self.labels[x] for x in named))
        if not part2:
            parts.append(z.Not(self.labels[PART2]))
        if named != {PSYCHOTHERAPY_NOTE}:
            parts.append(z.Not(self.labels[PSYCHOTHERAPY_NOTE]))
        return z.And(*parts)

    def _about(self, p: Provision) -> Any:
        z = self.z3
        assert p.about is not None
        start, end = (_micros(m) for m in p.about)
        inside = z.And(start <= self.lower, self.upper <= end)
        touches = z.And(self.lower < end, start < self.upper)
        dated = z.If(self.dated, inside if p.permit else touches, self._true(not p.permit))
        return z.If(self._timeless(), self._true(p.classes is not None), dated)

    def _data(self, p: Provision) -> Any:
        found = [self.ids[i] for i in _named(p)]
        found += [self.refs[i] for i in p.dependents or ()]
        found += [self.authors[i] for i in p.authored or ()]
        return self._any([*found, *(self.focal[i] for i in p.related or ())])

    def _timeless(self) -> Any:
        return self._any(self.type == n for n, name in enumerate(TYPES) if name in _TIMELESS)

    def _example(self, model: Any) -> Example:
        def number(unknown: Any) -> int:
            return int(model.eval(unknown, model_completion=True).as_long())

        def chosen(flags: dict[Any, Any]) -> frozenset[Any]:
            return frozenset(k for k, f in flags.items() if self.z3.is_true(model.eval(f, model_completion=True)))

        name = TYPES[number(self.type)]
        own = next(iter(sorted(chosen(self.ids))), UUID(int=2))
        custodian = self.one.custodian
        dated = self.z3.is_true(model.eval(self.dated, model_completion=True)) and name not in _TIMELESS
        attributes = ResourceAttributes(
            id=own,
            type=name,
            custodian=custodian,
            student=_RECORD,
            directory=False,
            profiles=chosen(self.profiles),
            codes=chosen(self.codes),
            confidentiality=number(self.level),
            labels=chosen(self.labels),
            refs=chosen(self.refs),
            authors=chosen(self.authors),
            clinical=(_moment(number(self.lower)), _moment(number(self.upper))) if dated else None,
            timeless=name in _TIMELESS,
        )
        organizations = chosen(self.recipients)
        requester = Requester(
            organization=min(organizations, default=UUID(int=3)),
            ancestors=organizations | {UUID(int=3)},
            descendants=frozenset(),
            purposes=widen(chosen(self.purposes)),
            now=_moment(number(self.now)),
        )
        focal = {i: (custodian, frozenset({own})) for i in chosen(self.focal)}
        return Example(attributes, requester, focal)

    def _within(self, moment: Any, window: tuple[datetime, datetime]) -> Any:
        return self.z3.And(_micros(window[0]) <= moment, moment < _micros(window[1]))

    def _any(self, found: Iterable[Any]) -> Any:
        listed = list(found)
        return self.z3.Or(*listed) if listed else self._true(False)

    def _true(self, value: bool = True) -> Any:
        return self.z3.BoolVal(value, ctx=self.context)

    def _int(self, name: str) -> Any:
        return self.z3.Int(name, ctx=self.context)

    def _flag(self, name: str) -> Any:
        return self.z3.Bool(name, ctx=self.context)

    def _flags(self, kind: str, values: Iterable[Any]) -> dict[Any, Any]:
        return {v: self._flag(f"{kind} {v}") for v in sorted(set(values))}


def _named(p: Provision) -> frozenset[UUID]:
    """The records that a provision names in `data`."""
    return (p.instances or frozenset()) | (p.related or frozenset()) | (p.dependents or frozenset())


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICRO


def _moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICRO


def report(more: Example | None, less: Example | None) -> dict[str, Any]:
    """Whether the draft opens more and whether the filed release does, as FHIR Parameters."""
    parts: list[dict[str, Any]] = []
    for name, found in (("opensMore", more), ("opensLess", less)):
        parts.append({"name": name, "valueBoolean": found is not None})
        if found is not None:
            parts.append({"name": f"{name}Example", "part": _told(found)})
    return {"resourceType": "Parameters", "parameter": parts}


def _told(example: Example) -> list[dict[str, Any]]:
    a, r = example.attributes, example.requester
    found: list[dict[str, Any]] = [{"name": "type", "valueCode": a.type}]
    found += [{"name": "code", "valueString": c} for c in sorted(a.codes)]
    found += [{"name": "profile", "valueString": p} for p in sorted(a.profiles)]
    found.append({"name": "confidentiality", "valueInteger": a.confidentiality})
    found += [{"name": "label", "valueString": x} for x in sorted(a.labels)]
    if a.clinical is not None:
        found.append({"name": "about", "valueString": "/".join(instant(m) for m in a.clinical)})
    found.append({"name": "resource", "valueString": str(a.id)})
    found += [{"name": "refersTo", "valueString": str(i)} for i in sorted(a.refs)]
    found += [{"name": "author", "valueString": str(i)} for i in sorted(a.authors)]
    found += [{"name": "recipient", "valueString": f"Organization/{o}"} for o in sorted(r.ancestors)]
    found += [{"name": "purpose", "valueCode": p} for p in sorted(r.purposes)]
    return [*found, {"name": "at", "valueInstant": instant(r.now)}]
