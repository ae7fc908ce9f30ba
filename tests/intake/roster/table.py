"""The table of words-that-count as a model: what each element of a record must be after any change. Pure.
docs/whose-word-counts.md

It says the table again in other words than the product's, which keeps digests. A kill leaves each record either as it
was or as the import would have left it; so a record has all the states that it may be in, until it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

CLOSED = {"active": False, "authority": False}
"""Element -> the value that ends something."""


@dataclass(frozen=True)
class Element:
    """What the exchange holds of an element, what the source last said of it, and whether a person decided since."""

    value: Any
    said: Any
    by_person: bool = False

    def decided(self, value: Any) -> Element:
        """A person sets it."""
        return self if value == self.value else Element(value, self.said, by_person=True)

    def stated(self, name: str, value: Any) -> Element:
        """The source says what it is."""
        if value == self.said:
            return self
        ends = name in CLOSED and value == CLOSED[name] != self.value
        if ends or not self.by_person:
            return Element(value, value)
        return replace(self, said=value)

    def ended(self, name: str) -> Element:
        """The source takes it away: a restriction, or a vanishing, whoever opened it."""
        return self if self.value == CLOSED[name] else Element(CLOSED[name], CLOSED[name])


Elements: TypeAlias = tuple[tuple[str, Element], ...]


@dataclass(frozen=True)
class Record:
    """A record: its elements, and what the source said of it as a whole."""

    elements: Elements
    restricted: bool = False
    gone: bool = False

    @classmethod
    def new(cls, stated: dict[str, Any], *, restricted: bool = False) -> Record:
        """As the first import made it."""
        return cls(tuple((k, Element(v, v)) for k, v in stated.items()), restricted)

    def values(self) -> dict[str, Any]:
        """What the exchange holds."""
        return {name: e.value for name, e in self.elements}

    def decided(self, name: str, value: Any) -> Record:
        """A person sets one element."""
        return replace(self, elements=tuple((k, e.decided(value) if k == name else e) for k, e in self.elements))

    def imported(self, stated: dict[str, Any] | None, *, restricted: bool = False, partial: bool = False) -> Record:
        """A source states the record, or no longer has it. Where it tells changes alone, None is unknown."""
        if stated is None:
            return self if self.gone else replace(self._without(self.elements), gone=True)
        unknown = {k for k, v in stated.items() if partial and v is None}
        elements = tuple((k, e if k in unknown else e.stated(k, stated[k])) for k, e in self.elements)
        found = replace(self, elements=elements, restricted=restricted, gone=False)
        return found._without(elements, "authority") if restricted and not self.restricted else found

    def _without(self, elements: Elements, *names: str) -> Record:
        ends = names or tuple(CLOSED)
        return replace(self, elements=tuple((k, e.ended(k) if k in ends else e) for k, e in elements))


@dataclass
class Possible:
    """The states that a record may be in."""

    states: frozenset[Record]

    def decided(self, name: str, value: Any) -> None:
        """A person sets one element."""
        self.states = frozenset(s.decided(name, value) for s in self.states)

    def imported(self, stated: dict[str, Any] | None, *, restricted: bool = False, whole: bool = True) -> None:
        """An import that came to its end, or one that was killed and may have done it or not."""
        done = frozenset(s.imported(stated, restricted=restricted) for s in self.states)
        self.states = done if whole else done | self.states

    def look(self, values: dict[str, Any]) -> None:
        """Look at what the exchange holds: one of the states must be that."""
        fitting = frozenset(s for s in self.states if s.values() == values)
        assert fitting, f"the exchange holds {values}, the table says {[s.values() for s in self.states]}"
        self.states = fitting
