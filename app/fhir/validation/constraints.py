"""HL7's invariants of every type of R4, as FHIRPath: those that invariants.py does not hold as plain functions.

https://hl7.org/fhir/R4/conformance-rules.html#constraints — written by `make definitions`, evaluated by fhirpathpy.
Only what has no other fault is asked: an expression would stumble over a value of a wrong type.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fhirpathpy import compile as compile_fhirpath
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

from app.fhir.validation.invariants import INVARIANTS

Node = dict[str, Any]
NOT_ASKED = {
    "bdl-3": "app/api reads the entries of a Bundle",
    "bdl-4": "app/api reads the entries of a Bundle",
    "bdl-10": "it is about documents, which are not stored; fhirpathpy lacks its hasValue()",
    "eld-16": "its expression is no FHIRPath: it escapes a quote as XML does",
    "que-0": "advice on a name for programs, an error in the definitions by mistake; R4B has it as a warning",
}
"""Invariants that are not asked here, and why."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant: its key, what it asks for, and the path of what it is asked of."""

    key: str
    text: str
    base: str
    expression: str
    below: str = ""
    """The element that the finding points to, where it is not the object itself."""

    def holds(self, node: Node, resource: Node) -> bool:
        """Whether an object keeps it; one that comes to nothing holds, as in FHIR."""
        at = ResourceNode.create_node(node, self.base)  # type: ignore[no-untyped-call]
        return _compiled(self.expression)(at, {"resource": resource}) != [False]


@cache
def constraints() -> dict[str, tuple[Constraint, ...]]:
    """By the name of a type's class. The result is shared."""
    text = files("app.fhir.validation").joinpath("constraints.json").read_text(encoding="utf-8")
    return {row["type"]: _asked(row["type"], row["constraint"]) for row in json.loads(text)}


def _asked(name: str, rules: list[dict[str, str]]) -> tuple[Constraint, ...]:
    known = {rule.key for rule in INVARIANTS.get(name, ())} | NOT_ASKED.keys()
    return tuple(
        Constraint(r["key"], r["human"].rstrip("."), r["base"], r["expression"], r.get("below", ""))
        for r in rules
        if r["key"] not in known
    )


def broken(type_name: str, node: Node, resource: Node) -> list[Constraint]:
    """The invariants of `type_name` that `node` of `resource` does not keep, in the order of the definitions."""
    return [rule for rule in constraints().get(type_name, ()) if not rule.holds(node, resource)]


@cache
def _compiled(expression: str) -> Callable[[Any, Node], list[Any]]:
    return compile_fhirpath(expression, models["r4"])
