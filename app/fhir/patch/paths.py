"""The part of FHIRPath that names a place in a resource, so that it can be changed. Pure.

https://hl7.org/fhir/R4/fhirpath.html — `Patient.name[0].given`, `Patient.identifier.where(system = 'urn:x')`,
`first()`, `last()`, `extension('url')`, `ofType(dateTime)`. Everything else is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.fhir.validation.plan import Element, Model, plan, resource_model
from app.resources.paths import values

_LITERAL = r"'(?:[^'\\]|\\['\\])*'|true|false|-?\d{1,18}"
_TEST = rf"\s*([A-Za-z][A-Za-z.]*)\s*=\s*({_LITERAL})\s*"
_STEP = re.compile(
    rf"\.(?:(?P<where>where\((?P<tests>{_TEST}(?:and{_TEST})*)\))|(?P<end>first|last)\(\)"
    rf"|extension\((?P<url>'[^'\\]*')\)|(?:ofType|as)\((?P<type>[A-Za-z]+)\)|(?P<name>[A-Za-z]+))"
    r"|\[(?P<index>\d{1,6})\]"
)
_ONE_TEST = re.compile(_TEST)
_MAX = 1000


class BadPath(ValueError):
    """A path that is not understood here."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One value in a resource and where it stands: under `key` of `holder`, at `index` where that is a list."""

    value: Any
    model: Model | None
    holder: dict[str, Any] | None = None
    owner: Model | None = None
    """The holder's."""
    key: str = ""
    index: int | None = None


def find(resource: dict[str, Any], path: str) -> list[Spot]:
    """The places that a path names, in document order. Raises BadPath."""
    root, steps = _split(resource, path)
    spots = [root]
    for step in steps:
        spots = _take(spots, step)
    return spots


def find_list(resource: dict[str, Any], path: str) -> tuple[Spot, Element]:
    """The one object above a repeating element, and the element, which the path ends with. Raises BadPath."""
    root, steps = _split(resource, path)
    if not steps or not steps[-1]["name"]:
        raise BadPath("does not end with an element")
    spots = [root]
    for step in steps[:-1]:
        spots = _take(spots, step)
    if len(spots) != 1:
        raise BadPath("names no single element")
    found = named(spots[0].model, steps[-1]["name"])
    if len(found) != 1 or not found[0].many:
        raise BadPath("does not end with an element that repeats")
    return spots[0], found[0]


def named(model: Model | None, name: str) -> list[Element]:
    """The elements with this FHIRPath name: one, or one for each type of a choice."""
    found = plan(model).elements.values() if model else ()
    return [e for e in found if e.label == name and not e.sibling]


def _split(resource: dict[str, Any], path: str) -> tuple[Spot, list[re.Match[str]]]:
    kind = str(resource.get("resourceType"))
    rest = path.strip()
    if len(rest) > _MAX or re.match(rf"{kind}(?=[.\[]|\Z)", rest) is None:
        raise BadPath("does not start at the resource")
    at, steps = len(kind), []
    while at < len(rest):
        step = _STEP.match(rest, at)
        if step is None:
            raise BadPath("has a part that is not understood")
        steps.append(step)
        at = step.end()
    return Spot(resource, resource_model(kind)), steps


def _take(spots: list[Spot], step: re.Match[str]) -> list[Spot]:
    if step["name"]:
        if not any(named(s.model, step["name"]) for s in spots) and spots:
            raise BadPath("names an element that there is not")
        return [child for s in spots for child in _children(s, step["name"])]
    if step["index"]:
        return spots[int(step["index"]) :][:1]
    if step["end"]:
        return spots[:1] if step["end"] == "first" else spots[-1:]
    if step["url"]:
        extensions = [child for s in spots for child in _children(s, "extension")]
        return [s for s in extensions if s.value.get("url") == _literal(step["url"])]
    if step["type"]:
        ending = step["type"][0].upper() + step["type"][1:]
        return [s for s in spots if s.key.endswith(ending)]
    return [s for s in spots if _holds(step["tests"])(s.value)]


def _children(spot: Spot, name: str) -> list[Spot]:
    found: list[Spot] = []
    if not isinstance(spot.value, dict):
        return found
    for element in named(spot.model, name):
        value = spot.value.get(element.name)
        if isinstance(value, list):
            found += [Spot(v, element.model, spot.value, spot.model, element.name, i) for i, v in enumerate(value)]
        elif value is not None:
            found.append(Spot(value, element.model, spot.value, spot.model, element.name))
    return found


def _holds(tests: str) -> Callable[[Any], bool]:
    """Whether every test of a `where` is true: one of the values at its path equals its literal."""
    pairs = [(m[1], _literal(m[2])) for m in _ONE_TEST.finditer(tests)]
    return lambda value: all(any(_same(v, wanted) for v in values(value, path)) for path, wanted in pairs)


def _same(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and bool(value == wanted)


def _literal(text: str) -> Any:
    if text[0] == "'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text == "true" if text in ("true", "false") else int(text)
