"""One pass over a resource that finds each fault of its structure, codes, references and invariants.

https://hl7.org/fhir/R4/json.html. What the fhir.resources models let through is refused here: types coerced from
strings, codes outside a required value set, references to a wrong type, empty objects, nulls, elements by their
Python names.
"""

from __future__ import annotations

import re
from typing import Any

from app.errors import Issue
from app.fhir.references import Form, form, target_type
from app.fhir.validation.constraints import broken as unkept
from app.fhir.validation.constraints import constraints
from app.fhir.validation.invariants import broken
from app.fhir.validation.plan import Element, Model, Plan, plan, resource_model

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHOWN_CODE = re.compile(r"[A-Za-z0-9<>=._-]{1,40}")
_DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"
_LINKS = frozenset({"uri", "url", "canonical"})
_SAYS_WHERE = frozenset({"reference", "_reference", "identifier", "display", "_display", "extension"})
_NOT_CONTAINED = {"versionId": "dom-4", "lastUpdated": "dom-4", "security": "dom-5"}


class Validator:
    """One pass: its findings, and what it has seen of contained resources."""

    def __init__(self, resource: dict[str, Any]) -> None:
        self._resource = resource
        self._found: dict[Issue, None] = {}
        self._types = _contained_types(resource)
        self._inside: dict[str, Any] | None = None
        """The contained resource that is being walked."""
        self._mentioned: set[str] = set()
        """Ids of contained resources that something refers to."""
        self._nodes: list[tuple[str, dict[str, Any], str]] = []
        """The objects that HL7's expressions are asked of, each with the name of its class and its path."""
        self._refer_back: set[int] = set()
        """Identities of the contained resources that refer to the resource around them."""

    def issues(self, model: Model) -> list[Issue]:
        """Each finding once, in document order, those about contained resources as a whole at the end."""
        path = model.__name__
        self._node(plan(model), self._resource, path)
        self._contained_rules(f"{path}.contained")
        return list(self._found)

    def constraint_issues(self) -> list[Issue]:
        """The invariants of HL7's that a resource without another finding does not keep. Call `issues` first."""
        found = (
            (constraint, path) for name, node, path in self._nodes for constraint in unkept(name, node, self._resource)
        )
        return [
            Issue(f"{c.text} ({c.key}).", f"{path}.{c.below}" if c.below else path, "invariant") for c, path in found
        ]

    def _contained_rules(self, path: str) -> None:
        seen: set[str] = set()
        for i, contained in enumerate(_list(self._resource.get("contained"))):
            name = contained.get("id") if isinstance(contained, dict) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                self._add("invariant", "The id is that of another contained resource.", f"{path}[{i}].id")
            elif name not in self._mentioned and id(contained) not in self._refer_back:
                self._add("invariant", "Nothing refers to the contained resource (dom-3).", f"{path}[{i}]")
            seen.add(name)

    def _add(self, code: str, text: str, path: str) -> None:
        self._found[Issue(text, path, code)] = None

    def _node(self, shape: Plan, node: dict[str, Any], path: str) -> None:
        """The elements of one object, and the rules about them together."""
        chosen: dict[str, str] = {}
        for key, value in node.items():
            element = shape.elements.get(key)
            if element is None:
                self._unknown(key, path)
                continue
            where = f"{path}.{element.label}"
            if chosen.setdefault(element.label, element.name) != element.name:
                self._add("structure", "The element has values of more than one type.", where)
            beside = node.get(element.pair) if element.pair else None
            if element.many:
                self._many(element, value, beside, where)
            else:
                self._one(element, value, beside, where)
        for label, names in shape.required:
            if names.isdisjoint(node):
                self._add("required", "The element is required.", f"{path}.{label}")
        if shape.type in constraints():
            self._nodes.append((shape.type, node, path))
        for rule in broken(shape.type, node):
            where = f"{path}.{rule.below}" if rule.below else path
            self._add("invariant", f"{rule.text} ({rule.key}).", where)

    def _unknown(self, key: str, path: str) -> None:
        if _NAME.fullmatch(key):
            self._add("structure", "FHIR R4 has no such element here.", f"{path}.{key}")
        else:
            self._add("structure", "The key is not the name of an element.", path)

    def _many(self, element: Element, value: Any, beside: Any, path: str) -> None:
        """The items of a repeating element. A null stands for a primitive that has extensions alone, or none."""
        if type(value) is not list:
            self._add("structure", "The element must be an array.", path)
            return
        if not value:
            self._add("structure", "The array must not be empty.", path)
        others = _list(beside)
        if beside is not None and len(others) != len(value):
            self._add("structure", "The arrays of values and of extensions must be equally long.", path)
        for i, item in enumerate(value):
            other = others[i] if i < len(others) else None
            if item is not None or other is None:
                self._one(element, item, other, f"{path}[{i}]")

    def _one(self, element: Element, value: Any, beside: Any, path: str) -> None:
        if element.check is not None:
            self._primitive(element, value, element.check(value), path)
        elif type(value) is not dict:
            self._add("structure", "The element must be an object.", path)
        elif element.model is None:
            self._contained_one(value, path)
        elif not value or (beside is None and value.keys() == {"id"}):
            self._add("structure", "The element must not be empty (ele-1).", path)
        else:
            self._node(plan(element.model), value, path)
            if element.type == "Reference":
                self._reference(element, value, path)

    def _primitive(self, element: Element, value: Any, fault: str | None, path: str) -> None:
        if fault is not None:
            self._add("value", f"The element {fault}.", path)
        elif element.codes is not None and value not in element.codes:
            shown = f"'{value}' is not" if _SHOWN_CODE.fullmatch(value) else "The value is not"
            self._add("code-invalid", f"{shown} one of the codes {', '.join(sorted(element.codes))}.", path)
        elif element.type in _LINKS and value.startswith("#"):
            self._mentioned.add(value[1:])

    def _contained_one(self, value: dict[str, Any], path: str) -> None:
        name = value.get("resourceType")
        model = resource_model(name) if isinstance(name, str) else None
        if self._inside is not None:
            self._add("invariant", "A contained resource must not hold resources (dom-2).", path)
        elif model is None:
            self._add("structure", "The element must name a resource type of R4.", f"{path}.resourceType")
        else:
            meta = value.get("meta")
            for key, rule in _NOT_CONTAINED.items():
                if isinstance(meta, dict) and key in meta:
                    self._add("invariant", f"A contained resource must not have it ({rule}).", f"{path}.meta.{key}")
            if "id" not in value:
                self._add("required", "The element is required in a contained resource.", f"{path}.id")
            self._inside = value
            self._node(plan(model), value, path)
            self._inside = None

    def _reference(self, element: Element, node: dict[str, Any], path: str) -> None:
        """What a Reference says about its target, held against what the element may point to."""
        if node.keys().isdisjoint(_SAYS_WHERE):
            self._add("required", "A reference needs a reference, an identifier or a display.", path)
        pointed = self._pointed_type(node.get("reference"), f"{path}.reference")
        named = self._named_type(node.get("type"), f"{path}.type")
        for target, at in ((pointed, "reference"), (named, "type")):
            if target is not None and element.targets is not None and target not in element.targets:
                text = f"The reference must point to {' or '.join(sorted(element.targets))}."
                self._add("structure", text, f"{path}.{at}")
        if pointed is not None and named is not None and pointed != named:
            self._add("structure", "The type is not that of the reference.", f"{path}.type")

    def _pointed_type(self, reference: Any, path: str) -> str | None:
        """The type that `reference` points to, or None when it cannot be told."""
        if not isinstance(reference, str):
            return None
        match form(reference, ""):
            case Form.CONTAINED:
                return self._contained_type(reference[1:], path)
            case Form.MALFORMED | Form.CONDITIONAL:
                self._add("value", "The reference must be Type/id, #id, an absolute URL or a URN.", path)
        target = target_type(reference)
        if target is None or resource_model(target) is not None:
            return target
        if form(reference, "") is Form.LOCAL:
            self._add("value", "The reference must name a resource type of R4.", path)
        return None

    def _contained_type(self, name: str, path: str) -> str | None:
        if not name:
            self._refer_back.add(id(self._inside))
            return str(self._resource["resourceType"])
        self._mentioned.add(name)
        if name not in self._types:
            self._add("invariant", "There is no contained resource with this id (ref-1).", path)
        return self._types.get(name)

    def _named_type(self, name: Any, path: str) -> str | None:
        """The resource type that Reference.type names, or None when it names a logical model of somebody else."""
        if not isinstance(name, str):
            return None
        kind: str = name.removeprefix(_DEFINITIONS)
        if resource_model(kind) is not None:
            return kind
        if ":" not in kind:
            self._add("value", "The element must name a resource type of R4.", path)
        return None


def _contained_types(resource: dict[str, Any]) -> dict[str, str]:
    """The resource type of each contained resource by its id."""
    contained = [c for c in _list(resource.get("contained")) if isinstance(c, dict)]
    pairs = [(c.get("id"), c.get("resourceType")) for c in contained]
    return {name: kind for name, kind in pairs if isinstance(name, str) and isinstance(kind, str)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
