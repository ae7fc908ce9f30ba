"""Search queries over every type, parameter, modifier, chain, `_has`, include and control that the product serves.

They come from app.search.parameters and the registry, so that a new parameter is drawn as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from random import Random
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from app.resources import TYPES
from app.search.clause import parameters_of
from app.search.parameters import PARAMETERS, Parameter, ParamKind
from app.search.query import Search
from assurance.noninterference.draw import OutOfReach
from assurance.noninterference.records import DRAWN
from assurance.noninterference.scene import Scene
from assurance.noninterference.vocabulary import Vocabulary

T = TypeVar("T")
Pairs = list[tuple[str, str]]
CONTROLS = {"sort", "includes", "count", "total", "summary", "elements", "cursor", "within"}
AGAIN = 4
"""How often the sweep asks behind a reference that leads somewhere, each time by another criterion."""
READ = {"types", "criteria", "ignored", "pairs"}


class Card(NamedTuple):
    """A parameter of a type with a modifier, as a criterion."""

    type: str
    code: str
    modifier: str | None


class Arc(NamedTuple):
    """A reference of a source type that may lead to a target type."""

    source: str
    code: str
    target: str


def require_controls() -> None:
    """Raise OutOfReach when a search can say something that no query here says, or a parameter is of a new kind."""
    unknown = set(Search.__dataclass_fields__) - CONTROLS - READ
    if unknown:
        raise OutOfReach(f"nothing in assurance/noninterference/queries.py asks for {', '.join(sorted(unknown))}")


def modifiers(parameter: Parameter) -> list[str | None]:
    """None and every modifier, the types that a reference may lead to among them."""
    types = parameter.targets & TYPES.keys() if parameter.kind is ParamKind.REFERENCE else frozenset()
    return [None, *sorted(parameter.modifiers | types)]


def cards(type_name: str) -> Iterator[Card]:
    """Every criterion on a type."""
    for parameter in PARAMETERS[type_name].values():
        for modifier in modifiers(parameter):
            yield Card(type_name, parameter.code, modifier)


def sorts(type_name: str) -> list[str]:
    """Every parameter that a search on the type can be sorted by."""
    return [c for c, p in PARAMETERS[type_name].items() if p.kind is not ParamKind.COMPOSITE]


def arcs() -> Iterator[Arc]:
    """Every reference between types that are served."""
    for source, parameters in PARAMETERS.items():
        for parameter in parameters.values():
            for target in sorted(parameter.targets & TYPES.keys()):
                yield Arc(source, parameter.code, target)


def _first_code(key: str) -> str:
    return key.partition(".")[0].partition(":")[0]


class Queries:
    """Draws queries, most of them by parameters that some record has a value for."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.share = 1
        """Of the types that have no builder, one criterion of so many is asked: what is so alike need not all be."""
        self.vocabulary = Vocabulary([])
        self.cards = {t: list(cards(t)) for t in TYPES}
        self.hot = self.cards
        self.forward = {t: [a for a in arcs() if a.source == t] for t in TYPES}
        self.reverse = {t: [a for a in arcs() if a.target == t] for t in TYPES}
        self.leading = set(arcs())

    def learn(self, vocabulary: Vocabulary) -> None:
        """Take values from here."""
        self.vocabulary = vocabulary
        known = {t: [c for c in found if vocabulary.has(t, c.code)] for t, found in self.cards.items()}
        self.hot = {t: found or self.cards[t] for t, found in known.items()}
        self.leading = {a for a in arcs() if a in vocabulary.leads}

    def sweep(self, scene: Scene) -> Iterator[tuple[str, Callable[[], Pairs]]]:
        """What to ask: for every criterion, sort and include, and every sort by itself, the type and its parameters."""
        for name in TYPES:
            extras = cycle(self._extras(name))
            for card in self._shared(self.cards[name], name):
                yield name, partial(self._once, scene, card, next(extras))
            for code in self._shared(sorted({c.code for c in self.hot[name]} & set(sorts(name))), name):
                yield name, partial(self._ordered, code)
            for arc in self._often(self.forward[name]):
                yield name, partial(self._behind, scene, f"{arc.code}:{arc.target}.", arc.target)
            for arc in self._often(self.reverse[name]):
                yield name, partial(self._behind, scene, f"_has:{arc.source}:{arc.code}:", arc.source)

    def _shared(self, found: list[T], *types: str) -> list[T]:
        """All of them, or the share that is asked of types that are drawn by their declaration alone."""
        if self.share == 1 or not set(types) & set(DRAWN):
            return found
        return [one for one in found if self.rng.random() * self.share < 1]

    def _often(self, found: list[Arc]) -> list[Arc]:
        """Each once, and those that some record's reference goes along several times."""
        shared = [a for arc in found for a in self._shared([arc], arc.source, arc.target)]
        return [a for a in shared for _ in range(AGAIN if a in self.leading else 1)]

    def _once(self, scene: Scene, card: Card, extra: tuple[str, str]) -> Pairs:
        return [self._asked(scene, card), ("_count", "2"), extra]

    def _ordered(self, code: str) -> Pairs:
        """A sort of all that there is to see, where a criterion would leave too little to be in an order."""
        return [("_sort", self.rng.choice(["", "-"]) + code)]

    def _extras(self, type_name: str) -> Pairs:
        """Every sort and every include of a type; fewer than its criteria."""
        found = [("_sort", self.rng.choice(["", "-"]) + code) for code in sorts(type_name)]
        found += [("_include", f"{a.source}:{a.code}:{a.target}") for a in self.forward[type_name]]
        found += [("_revinclude", f"{a.source}:{a.code}") for a in self.reverse[type_name]]
        assert len(found) <= len(self.cards[type_name]), f"{type_name} has includes that are not asked for"
        return found

    def _behind(self, scene: Scene, head: str, type_name: str) -> Pairs:
        key, value = self._asked(scene, self.rng.choice(self.hot[type_name]))
        return [(head + key, value)]

    def query(self, scene: Scene, type_name: str | None) -> str:
        """A query string for a search on a type, or (None) on several."""
        return urlencode(self.pairs(scene, type_name) if type_name else self._several(scene))

    def _several(self, scene: Scene) -> Pairs:
        """The parameters of a search over types: what means the same for all of them."""
        names = self.rng.sample(list(TYPES), self.rng.choice([1, 2, 2, 3]))
        shared = set(parameters_of(tuple(names)))
        found = [p for p in self.pairs(scene, names[0]) if p[0][0] == "_" or _first_code(p[0]) in shared]
        found = [p for p in found if p[0] != "_sort" or {k.lstrip("-") for k in p[1].split(",")} <= shared]
        return found if self.rng.random() < 0.2 else [("_type", ",".join(names)), *found]

    def pairs(self, scene: Scene, type_name: str) -> Pairs:
        """The parameters of a search on a type."""
        rng = self.rng
        found = [self.criterion(scene, type_name) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
        if rng.random() < 0.45:
            found.append(("_count", str(rng.choice([0, 1, 1, 2, 2, 3, 5]))))
        if rng.random() < 0.4:
            found.append(("_sort", self._sort(type_name)))
        if rng.random() < 0.3:
            found += self._includes(type_name)
        if rng.random() < 0.15:
            found.append(("_total", rng.choice(["none", "accurate", "estimate"])))
        if rng.random() < 0.08:
            found.append(("_summary", rng.choice(["true", "text", "data", "count", "false"])))
        if rng.random() < 0.08:
            found.append(("_elements", rng.choice(["identifier", "id", "status,code", "meta"])))
        rng.shuffle(found)
        return found

    def criterion(self, scene: Scene, type_name: str) -> tuple[str, str]:
        """One criterion: of the type itself, behind a chain, or on what refers to it."""
        chance = self.rng.random()
        if chance < 0.25 and (arc := self._leading(self.forward[type_name])):
            typed = f":{arc.target}" if self.rng.random() < 0.7 else ""
            key, value = self.criterion(scene, arc.target)
            return f"{arc.code}{typed}.{key}", value
        if chance < 0.4 and (arc := self._leading(self.reverse[type_name])):
            key, value = self.criterion(scene, arc.source)
            return f"_has:{arc.source}:{arc.code}:{key}", value
        return self._own(scene, type_name)

    def _own(self, scene: Scene, type_name: str) -> tuple[str, str]:
        known = self.hot if self.rng.random() < 0.8 else self.cards
        return self._asked(scene, self.rng.choice(known[type_name]))

    def _asked(self, scene: Scene, card: Card) -> tuple[str, str]:
        """The criterion of a card with a value, now and then with two."""
        parameter = PARAMETERS[card.type][card.code]
        value = self._value(scene, card, parameter)
        if self.rng.random() < 0.1 and card.modifier != "missing":
            value += "," + self._value(scene, card, parameter)
        return f"{card.code}:{card.modifier}" if card.modifier else card.code, value

    def _value(self, scene: Scene, card: Card, parameter: Parameter) -> str:
        of_type = card.type if card.code == "_id" else card.modifier
        if of_type in TYPES:
            return self.rng.choice([r.id for r in scene.of(of_type, worlds="")] or ["none"])
        if card.code == "_lastUpdated":
            return self.rng.choice(["ge2026-10-01", "lt2026-10-01T12:05:00Z", "gt2026-10-01T12:10:00Z", "ap2026-10"])
        return self.vocabulary.value(self.rng, card.type, parameter, card.modifier)

    def _leading(self, found: list[Arc]) -> Arc | None:
        known = [a for a in found if a in self.leading]
        return self.rng.choice(known if known and self.rng.random() < 0.8 else found) if found else None

    def _sort(self, type_name: str) -> str:
        every, hot = sorts(type_name), {c.code for c in self.hot[type_name]}
        known = [c for c in every if c in hot] if self.rng.random() < 0.8 else every
        keys = dict.fromkeys(self.rng.choice(known or every) for _ in range(self.rng.choice([1, 1, 2])))
        return ",".join(self.rng.choice(["", "-"]) + k for k in keys)

    def _includes(self, type_name: str) -> Pairs:
        found: Pairs = []
        again = self.rng.choice(["", "", ":iterate"])
        if arc := self._leading(self.forward[type_name]):
            end = f":{arc.target}" if self.rng.random() < 0.3 else ""
            found.append(
                (f"_include{again}", self.rng.choice([f"{arc.source}:{arc.code}{end}", f"{arc.source}:*", "*"]))
            )
        if self.rng.random() < 0.6 and (arc := self._leading(self.reverse[type_name])):
            found.append((f"_revinclude{again}", self.rng.choice([f"{arc.source}:{arc.code}", f"{arc.source}:*"])))
        return found
