"""The part of FHIRPath that search parameters of our types are written in, compiled at import. Pure.

https://hl7.org/fhir/R4/search.html#construction

    Patient.name.family                              a path, through lists and choices
    A.b | A.c                                        a union
    (Group.characteristic.value as boolean)          one type of a choice
    Patient.telecom.where(system='email')            elements with a value
    Encounter.subject.where(resolve() is Patient)    references to a type
    A.b.exists() and A.b != false                    a truth

An expression of any other form, or of an element that the model lacks, raises TypeError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.search.elements import Element, ModelClass, elements
from app.search.references import target

_NAMES = r"[A-Za-z]+(?:\.[A-Za-z]+)*"
_PLAIN = re.compile(rf"({_NAMES})")
_AS = re.compile(rf"\(({_NAMES}) as ([A-Za-z]+)\)")
_WHERE = re.compile(rf"({_NAMES})\.where\(([a-z]+)='([a-z]+)'\)")
_RESOLVE = re.compile(rf"({_NAMES})\.where\(resolve\(\) is ([A-Z][A-Za-z]+)\)")
_TRUTH = re.compile(rf"({_NAMES})\.exists\(\) and \1 != false")


@dataclass(frozen=True, slots=True)
class Found:
    """A value of a resource and its FHIR type."""

    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """One compiled member of a union."""

    steps: tuple[tuple[Element, ...], ...]
    where: tuple[str, str] | None = None
    resolves_to: str | None = None
    truth: bool = False

    @property
    def types(self) -> frozenset[str]:
        """The FHIR types that its values can have."""
        return frozenset({"boolean"}) if self.truth else frozenset(e.type for e in self.steps[-1])

    def values(self, resource: dict[str, Any]) -> Iterator[Found]:
        """The values in document order, lists flattened."""
        found = self._walk(resource)
        if self.truth:
            return iter([Found("boolean", any(f.value is not False for f in found))])
        return (f for f in found if self._holds(f.value, resource))

    def _walk(self, resource: dict[str, Any]) -> list[Found]:
        found = [Found("", resource)]
        for step in self.steps:
            found = [inner for outer in found for inner in _down(outer.value, step)]
        return found

    def _holds(self, value: Any, resource: dict[str, Any]) -> bool:
        if self.where is not None:
            return bool(value.get(self.where[0]) == self.where[1])
        return self.resolves_to is None or _type_of(value, resource) == self.resolves_to


def compile_expression(expression: str, model: ModelClass) -> tuple[Path, ...]:
    """The members of the union `expression` over the resource class `model`. Raises TypeError."""
    return tuple(_member(part.strip(), model) for part in expression.split("|"))


def _member(text: str, model: ModelClass) -> Path:
    if found := _PLAIN.fullmatch(text):
        return Path(_steps(found[1], model))
    if found := _AS.fullmatch(text):
        *steps, last = _steps(found[1], model)
        typed = tuple(e for e in last if e.type == found[2])
        if not typed:
            raise TypeError(f"no such type of the element: {text}")
        return Path((*steps, typed))
    if found := _WHERE.fullmatch(text):
        return Path(_steps(found[1], model), where=(found[2], found[3]))
    if found := _RESOLVE.fullmatch(text):
        return Path(_steps(found[1], model), resolves_to=found[2])
    if found := _TRUTH.fullmatch(text):
        return Path(_steps(found[1], model), truth=True)
    raise TypeError(f"an expression of a form that is not served: {text}")


def _steps(names: str, model: ModelClass) -> tuple[tuple[Element, ...], ...]:
    """The steps behind the type at the head of a dotted path."""
    models = [model]
    steps = []
    for name in names.split(".")[1:]:
        step = tuple(e for m in models for e in elements(m, name))
        if not step:
            raise TypeError(f"no such element: {names}")
        models = [e.model for e in step if e.model is not None]
        steps.append(step)
    return tuple(steps)


def _down(node: Any, step: tuple[Element, ...]) -> Iterator[Found]:
    if not isinstance(node, dict):
        return
    for element in step:
        value = node.get(element.key)
        for v in value if isinstance(value, list) else [value]:
            if v is not None:
                yield Found(element.type, v)


def _type_of(reference: Any, resource: dict[str, Any]) -> str:
    """The type that a Reference points at, by its text, its contained resource or its `type`; '' if unknown."""
    text = reference.get("reference", "")
    if text.startswith("#"):
        inside = (c for c in resource.get("contained", []) if "#" + str(c.get("id")) == text)
        return next((str(c.get("resourceType")) for c in inside), "")
    return target(text, "").type or str(reference.get("type", ""))
