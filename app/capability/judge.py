"""Whether a resource keeps a profile: each finding with the FHIRPath of its element, and never only the first. Pure.

https://hl7.org/fhir/R4/profiling.html — what HL7 says of the type itself is judged by app/fhir/validate. The
invariants are FHIRPath, evaluated by fhirpathpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from fhirpathpy import compile as compile_fhirpath
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

from app.capability.extensions import BY_URL as EXTENSIONS
from app.capability.places import Node, Place, places
from app.capability.profiles import Profile
from app.capability.rules import Constraint, Rule
from app.errors import Issue
from app.fhir.references import target_type
from app.terminology.value_sets import members


def judge(resource: Node, profile: Profile, *, whole: bool = True) -> list[Issue]:
    """What of the profile the resource does not keep.

    `whole`: it keeps the rules of its type. Where it does not, invariants are not asked: they would stumble.
    """
    found = [issue for rule in profile.rules for issue in _rule(resource, profile.type, rule, whole=whole)]
    return list(dict.fromkeys([*found, *_extensions(resource, profile.type)]))


def _rule(resource: Node, type_name: str, rule: Rule, *, whole: bool) -> Iterator[Issue]:
    if not rule.path:
        if whole:
            yield from _broken(rule, resource, type_name, type_name, resource)
        return
    path, _, slice_name = rule.path.partition(":")
    for place in places(resource, path):
        values = place.values
        if slice_name:
            values = tuple(v for v in values if isinstance(v[1], dict) and v[1].get("url") == rule.extension)
        yield from _count(rule, place, len(values))
        for at, value in values:
            yield from _value(rule, value, at, resource)
            if whole:
                yield from _broken(rule, value, at, f"{type_name}.{path}", resource)


def _count(rule: Rule, place: Place, number: int) -> Iterator[Issue]:
    name = f" ({rule.path.partition(':')[2]})" if rule.extension else ""
    if number < (rule.least or 0):
        yield Issue(f"The profile requires the element{name}.", place.path, "required")
    if rule.most not in (None, "*") and number > int(str(rule.most)):
        yield Issue(f"The profile allows the element{name} at most {rule.most} times.", place.path, "structure")


def _value(rule: Rule, value: Any, at: str, resource: Node) -> Iterator[Issue]:
    if rule.pattern is not None and not _matches(value, rule.pattern[1]):
        yield Issue("The element does not have the value that the profile fixes.", at, "value")
    if rule.binding is not None and rule.binding[0] == "required" and not _bound(value, rule.binding[1]):
        name = rule.binding[1].rpartition("/")[2]
        yield Issue(f"The code is not one of the profile's value set {name}.", at, "code-invalid")
    if rule.targets and isinstance(value, dict):
        target = _target(value, resource)
        if target is not None and target not in rule.targets:
            text = f"The profile asks for a reference to {' or '.join(rule.targets)}."
            yield Issue(text, f"{at}.reference", "structure")


def _broken(rule: Rule, value: Any, at: str, base: str, resource: Node) -> Iterator[Issue]:
    """The invariants that do not hold at an element; one that comes to nothing holds, as in FHIR."""
    for constraint in rule.constraints:
        node = ResourceNode.create_node(value, base)  # type: ignore[no-untyped-call]
        answer = _compiled(constraint)(node, {"resource": resource})
        if answer == [False]:
            yield Issue(f"{constraint.human} ({constraint.key}).", at, "invariant")


@cache
def _compiled(constraint: Constraint) -> Callable[..., list[Any]]:
    found: Callable[..., list[Any]] = compile_fhirpath(constraint.expression, models["r4"])
    return found


def _matches(value: Any, pattern: Any) -> bool:
    """Whether a value has all of a pattern. https://hl7.org/fhir/R4/elementdefinition.html#pattern"""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_matches(value.get(k), v) for k, v in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(_matches(v, p) for v in value) for p in pattern)
    return bool(value == pattern)


def _bound(value: Any, value_set: str) -> bool:
    """Whether a code, Coding or CodeableConcept (any of its codings) is in a value set of ours."""
    known = members(value_set)
    if isinstance(value, str):
        return any(not codes or value in codes for codes in known.values())
    if not isinstance(value, dict):
        return True
    codings = value.get("coding", []) if "coding" in value or "text" in value else [value]
    return any(_known(c, known) for c in codings if isinstance(c, dict))


def _known(coding: Node, known: dict[str, frozenset[str]]) -> bool:
    codes = known.get(str(coding.get("system")))
    return codes is not None and (not codes or coding.get("code") in codes)


def _target(reference: Node, resource: Node) -> str | None:
    """The type that a Reference leads to; None where it cannot be told."""
    text = reference.get("reference")
    if isinstance(text, str) and text.startswith("#"):
        inside = (c for c in resource.get("contained", ()) if isinstance(c, dict) and c.get("id") == text[1:])
        return next((str(c.get("resourceType")) for c in inside), None)
    named = reference.get("type")
    return (target_type(text) if isinstance(text, str) else None) or (named if isinstance(named, str) else None)


def _extensions(resource: Node, type_name: str) -> Iterator[Issue]:
    """What is wrong with extensions of ours on the resource itself."""
    for place in places(resource, "extension"):
        for at, extension in place.values:
            own = EXTENSIONS.get(str(extension.get("url"))) if isinstance(extension, dict) else None
            if own is None:
                continue
            if own.on != type_name:
                yield Issue(f"The extension belongs on {own.on}.", at, "structure")
            value = extension.get(f"value{own.type[0].upper()}{own.type[1:]}")
            if value is None:
                yield Issue(f"The extension has a value of type {own.type}.", f"{at}.value", "structure")
            elif own.binding and own.binding[0] == "required" and not _bound(value, own.binding[1]):
                yield Issue("The code is not one of the extension's value set.", f"{at}.value", "code-invalid")
