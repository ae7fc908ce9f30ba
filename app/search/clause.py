"""One criterion of a search: its key (modifier, chain, _has) and its values. Pure.

https://hl7.org/fhir/R4/search.html#chaining and https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.errors import HallpassError, Kind
from app.resources import TYPES
from app.search.parameters import PARAMETERS, Parameter, ParamKind
from app.search.query import Branch, Chain, Clause, Criterion, Has, SetValue
from app.search.refusal import invalid, too_costly, unknown
from app.search.text import BadEscape, split
from app.search.values import NotUnderstood, Reading

MAX_DEPTH = 10
"""References that one criterion may follow, one behind the other."""
MAX_JOINS = 40
"""References that all criteria of a search may follow, each type of a chain counted."""
MAX_VALUES = 1000
"""Values between commas of all criteria of a search."""


def parameters_of(types: tuple[str, ...]) -> Mapping[str, Parameter]:
    """The parameters that mean the same for all of `types`; a reference with the targets that they share."""
    first, *others = (PARAMETERS[t] for t in types)
    shared: Mapping[str, Parameter] = first
    for other in others:
        shared = {c: _both(p, other[c]) for c, p in shared.items() if c in other and _alike(p, other[c])}
    return shared


def _alike(one: Parameter, other: Parameter) -> bool:
    return (one.kind, one.types, one.systems) == (other.kind, other.types, other.systems)


def _both(one: Parameter, other: Parameter) -> Parameter:
    return replace(one, targets=one.targets & other.targets)


@dataclass(slots=True)
class Budget:
    """What the criteria of one search have used up of its bounds."""

    joins: int = 0
    values: int = 0

    def join(self, depth: int) -> None:
        """Count a reference that is followed. Raises TOO_COSTLY."""
        self.joins += 1
        if depth > MAX_DEPTH or self.joins > MAX_JOINS:
            raise too_costly(f"its chains may be {MAX_DEPTH} long and follow {MAX_JOINS} references in all")

    def take(self, values: int) -> None:
        """Count values. Raises TOO_COSTLY."""
        self.values += values
        if self.values > MAX_VALUES:
            raise too_costly(f"its criteria may have {MAX_VALUES} values in all")


@dataclass(frozen=True, slots=True)
class ClauseReader:
    """Reads the criterion `name=text`. Errors name the whole of `name`, however deep they are."""

    reading: Reading
    budget: Budget
    name: str
    text: str

    def read(self, types: tuple[str, ...], key: str | None = None, depth: int = 0) -> Clause:
        """The criterion on resources of `types`; `key` is what is left of the name. Raises HallpassError."""
        key = self.name if key is None else key
        if key.startswith("_has:"):
            return self._has(types, key, depth + 1)
        head, dot, rest = key.partition(".")
        code, colon, modifier = head.partition(":")
        parameter = parameters_of(types).get(code)
        if parameter is None:
            raise unknown(self.name)
        if colon and not modifier:
            raise unknown(self.name, "has an empty modifier")
        if dot:
            return self._chain(parameter, modifier, rest, depth + 1)
        return self._criterion(parameter, modifier or None)

    def _has(self, types: tuple[str, ...], key: str, depth: int) -> Has:
        parts = key.split(":", 3)
        if len(parts) != 4:
            raise unknown(self.name, "is not of the form _has:Type:reference:parameter")
        _, source, code, rest = parts
        parameter = PARAMETERS.get(source, {}).get(code)
        if parameter is None or parameter.kind is not ParamKind.REFERENCE or not parameter.targets.issuperset(types):
            raise unknown(self.name, "does not name a reference that leads to the type that is searched")
        self.budget.join(depth)
        return Has(source, code, self.read((source,), rest, depth))

    def _chain(self, parameter: Parameter, modifier: str, rest: str, depth: int) -> Chain:
        if parameter.kind is not ParamKind.REFERENCE:
            raise unknown(self.name, "chains through a parameter that is no reference")
        targets = [t for t in TYPES if t in parameter.targets and modifier in ("", t)]
        branches = []
        for target in targets:
            self.budget.join(depth)
            try:
                branches.append(Branch(target, self.read((target,), rest, depth)))
            except HallpassError as e:
                # Another type that the reference may lead to can have the parameter.
                if e.kind is not Kind.UNKNOWN_PARAM or len(targets) == 1:
                    raise
        if not branches:
            raise unknown(self.name, "is not known for any type that its reference leads to")
        return Chain(parameter.code, tuple(branches))

    def _criterion(self, parameter: Parameter, modifier: str | None) -> Criterion:
        typed = parameter.kind is ParamKind.REFERENCE and modifier in parameter.targets
        if modifier is not None and modifier not in parameter.modifiers and not typed:
            raise unknown(self.name, "has a modifier that is not served")
        texts = split(self.text, ",")
        self.budget.take(len(texts))
        try:
            values = tuple(self.reading.value(parameter, modifier, t) for t in texts)
            self.budget.take(sum(len(c) for v in values if isinstance(v, SetValue) for _, c in v.members))
        except BadEscape:
            raise invalid(self.name, "has a backslash that escapes nothing") from None
        except NotUnderstood as e:
            raise invalid(self.name, str(e)) from None
        if modifier == "missing" and len(values) > 1:
            raise invalid(self.name, "takes true or false")
        return Criterion(parameter.code, parameter.kind, None if typed else modifier, values)
