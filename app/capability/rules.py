"""The words that profiles are written in: one rule for each element that a profile says something about.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.terminology.definition import HL7, Json


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant of a profile. https://hl7.org/fhir/R4/conformance-rules.html#constraints"""

    key: str
    human: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a profile says of one element, in an order of the base's elements."""

    path: str
    """Below the type: `name.family`; empty for the resource itself; `extension:grade-level` is a slice."""
    short: str = ""
    least: int | None = None
    most: str | None = None
    targets: tuple[str, ...] = ()
    """Of a Reference: the types that it may lead to."""
    types: tuple[str, ...] = ()
    """Of a choice: the types that are left."""
    pattern: tuple[str, Any] | None = None
    """The type and the value of a pattern: `("CodeableConcept", {...})`."""
    binding: tuple[str, str] | None = None
    """Strength and value set."""
    constraints: tuple[Constraint, ...] = ()
    extension: str = ""
    """The URL of the extension that a slice of `extension` holds."""
    supported: bool = True
    """Whether the exchange stores and serves it unchanged (mustSupport)."""


def element(type_name: str, rule: Rule, base: Json) -> Json:
    """The ElementDefinition of a rule in a differential; `base` is the element that it narrows."""
    path, _, slice_name = rule.path.partition(":")
    found: Json = {"id": _joined(type_name, rule.path), "path": _joined(type_name, path)}
    if slice_name:
        found["sliceName"] = slice_name
    if rule.short:
        found["short"] = rule.short
    if rule.least is not None:
        found["min"] = rule.least
    if rule.most is not None:
        found["max"] = rule.most
    types = _types(rule, base)
    if types:
        found["type"] = types
    if rule.pattern is not None:
        found[f"pattern{rule.pattern[0][0].upper()}{rule.pattern[0][1:]}"] = rule.pattern[1]
    if rule.constraints:
        found["constraint"] = [_constraint(c) for c in rule.constraints]
    if rule.path and rule.supported and rule.most != "0":
        found["mustSupport"] = True
    if rule.binding is not None:
        found["binding"] = {"strength": rule.binding[0], "valueSet": rule.binding[1]}
    return found


def _types(rule: Rule, base: Json) -> list[Json]:
    if rule.extension:
        return [{"code": "Extension", "profile": [rule.extension]}]
    if rule.targets:
        kept = [t for t in base["type"] if t["code"] != "Reference"]
        return [*kept, {"code": "Reference", "targetProfile": [f"{HL7}/{t}" for t in rule.targets]}]
    return [{"code": t} for t in rule.types]


def _constraint(constraint: Constraint) -> Json:
    return {
        "key": constraint.key,
        "severity": "error",
        "human": constraint.human,
        "expression": constraint.expression,
    }


def _joined(type_name: str, path: str) -> str:
    return f"{type_name}.{path}" if path else type_name
