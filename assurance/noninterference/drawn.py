"""A resource of any type, drawn from its declaration and its search parameters, where it has no builder of its own.

What a type must have is drawn always, what it is searched by and judged by often, and of that as much as is valid.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from app.fhir.validation.plan import Element, Model, plan
from app.fhir.validation.validate import issues
from app.resources import TYPES, ResourceType
from app.search.expressions import Down
from app.search.parameters import PARAMETERS
from assurance.noninterference.draw import Body, Draw

DEEPEST = 4
"""Elements below each other that are drawn."""
OFTEN = 0.6
Tree = dict[str, "Tree"]
STATUS = frozenset({"preparation", "not-done", "final", "active", "booked", "completed", "proposed", "accepted"})
"""Of a status, what most invariants allow."""


def drawn(declared: ResourceType, d: Draw) -> Body:
    """A valid resource of the type, about a student where it has one."""
    body: Body = {"resourceType": declared.name}
    taken: list[tuple[str, Any]] = []
    spare: list[tuple[str, Any]] = []
    required = _required(declared.model)
    for name, below in _looked_at(declared.name).items():
        element = plan(declared.model).elements[name]
        value = _value(element, below, d, DEEPEST)
        if value is None:
            continue
        value = [value] if element.many else value
        if element.label in required:
            body |= {} if element.label in {plan(declared.model).elements[n].label for n in body} else {name: value}
        else:
            (taken if d.rng.random() < OFTEN else spare).append((name, value))
    body = _with(_with(_about(declared, body, d), taken), spare, only_if_faulty=True)
    return {k: v for k, v in body.items() if k != "resourceType"}


def _with(body: Body, optional: list[tuple[str, Any]], *, only_if_faulty: bool = False) -> Body:
    """The resource with each element that makes it no less valid; once it is valid, with no more, where so asked."""
    faults = len(issues(body["resourceType"], body))
    elements = plan(TYPES[body["resourceType"]].model).elements
    for name, value in optional:
        if elements[name].label in {elements[n].label for n in body}:
            continue
        if only_if_faulty and not faults:
            break
        more = {**body, name: value}
        found = len(issues(body["resourceType"], more))
        if found <= faults:
            body, faults = more, found
    return body


@cache
def _looked_at(name: str) -> Tree:
    """The JSON names that a type's parameters and its consent look at, and those that it must have."""
    tree: Tree = {}
    for parameter in PARAMETERS[name].values():
        for path in parameter.paths:
            steps = [[e.key for e in step.elements] for step in path.steps if isinstance(step, Down)]
            _grow(tree, steps)
    declared = TYPES[name]
    elements = plan(declared.model).elements
    for label in (p.partition(".")[0] for p in (*declared.codes, *declared.clinical_date, *declared.authors)):
        _grow(tree, [[n for n, e in elements.items() if e.label == label.removesuffix("[x]") and not e.sibling]])
    for _, names in plan(declared.model).required:
        _grow(tree, [[n for n in sorted(names) if not n.startswith("_")]])
    left_out = {"id", "meta", "extension", declared.student}
    return {n: below for n, below in tree.items() if n not in left_out and n in elements}


def _grow(tree: Tree, steps: list[list[str]]) -> None:
    for key in steps[0] if steps else ():
        _grow(tree.setdefault(key, {}), steps[1:])


def _required(model: Model) -> frozenset[str]:
    return frozenset(label for label, _ in plan(model).required)


def _about(declared: ResourceType, body: Body, d: Draw) -> Body:
    """The resource with a reference to its student, first where there are several references."""
    name, _, inner = (declared.student or "").partition(".")
    student = d.pick("Patient")
    if not name or student is None:
        return body
    element = plan(declared.model).elements[name]
    value: Any = student
    if inner:
        model = element.model
        assert model is not None
        value = {**_structure(model, {}, d, DEEPEST), inner: student}
    return {**body, name: [value] if element.many else value}


def _structure(model: Model, below: Tree, d: Draw, depth: int) -> Body:
    """What a structure must have, and some of what is looked at in it."""
    found, required = {}, _required(model)
    wanted: Tree = {n: {} for _, names in plan(model).required for n in sorted(names) if n[0] != "_"}
    for name, inner in {**wanted, **below}.items():
        element = plan(model).elements.get(name)
        taken = {plan(model).elements[n].label for n in found}
        if element is None or element.label in taken or (element.label not in required and d.rng.random() > OFTEN):
            continue
        value = _value(element, inner, d, depth - 1)
        if value is not None:
            found[name] = [value] if element.many else value
    return found


def _value(element: Element, below: Tree, d: Draw, depth: int) -> Any:
    if element.type == "code" and not element.codes:
        return "final" if element.name == "status" else None
    if element.codes:
        likely = sorted(element.codes & STATUS)
        return d.one(*(likely or sorted(element.codes)))
    if element.type == "Reference":
        targets = _targets(element)
        return d.pick(*targets) if targets else None
    if element.type in _VALUES:
        return _VALUES[element.type](d)
    if element.model is None or depth == 0:
        return None
    return _structure(element.model, below, d, depth) or None


def _targets(element: Element) -> list[str]:
    """The types of the network that it may refer to; of a record that may refer to all, those that say most."""
    return sorted(t for t in TYPES if t != "Consent" and (element.targets is None or t in element.targets))


_VALUES: dict[str, Any] = {
    "CodeableConcept": lambda d: d.concept("counseling", "speech", "attendance"),
    "Coding": lambda d: {"system": "urn:test:kind", "code": d.one("counseling", "speech")},
    "Identifier": lambda d: d.identifier()[0],
    "Period": lambda d: d.period(),
    "Annotation": lambda d: {"text": d.one("x", "y")},
    "Quantity": lambda d: {"value": d.one(3, 7), "system": "http://unitsofmeasure.org", "code": "{score}"},
    "Age": lambda d: {"value": d.one(3, 7), "system": "http://unitsofmeasure.org", "code": "a"},
    "date": lambda d: d.one("2026-09-14", "2025-01-31"),
    "dateTime": lambda d: d.one("2026-09-14", "2026-09-20T10:30:00Z"),
    "instant": lambda d: d.one("2026-09-14T09:00:00-04:00", "2026-09-20T10:30:00Z"),
    "string": lambda d: d.one("Rivera", "Albany"),
    "uri": lambda d: d.one("urn:test:a", "http://example.org/profiles/b/c"),
    "canonical": lambda d: d.one("http://example.org/forms/a", "http://example.org/forms/b|2"),
    "boolean": lambda d: d.one(True, False),
}
