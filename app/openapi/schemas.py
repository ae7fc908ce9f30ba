"""The JSON Schema of FHIR types, from the plan by which resources are validated: the closure of what they hold.

https://hl7.org/fhir/R4/json.html and https://json-schema.org/draft/2020-12. A schema says what one element may be;
invariants, references to what is not there and the rules of releases are judged beyond it, and refused with 422.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from app.fhir.plan import Element, Model, Plan, plan, resource_model
from app.openapi.primitives import PRIMITIVES, component, reference

Schema = dict[str, Any]
CONTAINED = "ContainedResource"
ANY = "AnyResource"


def ref(name: str) -> Schema:
    """A schema that stands for a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def of_types(names: Iterable[str]) -> dict[str, Schema]:
    """The components of resource types and of all that they hold, by name; contained resources are one of them."""
    found: dict[str, Schema] = {component(n): s for n, s in PRIMITIVES.items() if n != "boolean"}
    found[CONTAINED] = _contained()
    waiting = [m for n in names if (m := resource_model(n))]
    while waiting:
        model = waiting.pop()
        if model.__name__ not in found:
            found[model.__name__] = _object(model)
            waiting.extend(e.model for e in plan(model).elements.values() if e.model)
    return dict(sorted(found.items()))


def any_of(names: Iterable[str]) -> Schema:
    """One of several resource types, told by `resourceType`."""
    listed = list(names)
    mapping = {n: f"#/components/schemas/{n}" for n in listed}
    return {
        "oneOf": [ref(n) for n in listed],
        "discriminator": {"propertyName": "resourceType", "mapping": mapping},
    }


def _contained() -> Schema:
    """Any type of R4 may be contained, so its elements are not spelled out; they are validated all the same."""
    return {
        "type": "object",
        "description": "A resource of any type of R4, without a life of its own. It is validated as one of its type.",
        "required": ["resourceType", "id"],
        "properties": {"resourceType": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"}, "id": reference("id")},
        "additionalProperties": True,
    }


def _object(model: Model) -> Schema:
    shape = plan(model)
    is_resource = "resourceType" in shape.elements
    titles = _titles(model)
    found: Schema = {
        "type": "object",
        "description": _first_sentence(model),
        "properties": {n: _property(model, n, e, titles.get(n)) for n, e in shape.elements.items()},
        "additionalProperties": False,
    }
    if not is_resource:
        found["minProperties"] = 1
    plain, spelled = _required(shape)
    if is_resource or plain:
        found["required"] = [*(["resourceType"] if is_resource else []), *plain]
    if spelled:
        # A primitive without a value may stand as its extensions alone, under its name with an underscore.
        ways = [_one_of_these(names) for names in spelled]
        found |= {"if": ways[0] if len(ways) == 1 else {"allOf": ways}, "else": {"required": [n[0] for n in spelled]}}
    return found


def _property(model: Model, name: str, element: Element, title: str | None) -> Schema:
    if name == "resourceType":
        return {"type": "string", "const": model.__name__}
    one = _one(element)
    described = {"description": _described(element, title)} if title else {}
    if not element.many:
        return {**one, **described}
    items = {"anyOf": [one, {"type": "null"}]} if element.pair else one
    return {"type": "array", "minItems": 1, "items": items, **described}


def _one(element: Element) -> Schema:
    if element.codes is not None:
        return {"type": "string", "enum": sorted(element.codes)}
    if element.check is not None:
        return reference(element.type)
    if element.model is None:
        return ref(CONTAINED if element.name == "contained" else ANY)
    return ref(element.model.__name__)


def _described(element: Element, title: str) -> str:
    """The title, with what the schema cannot say: the targets of a reference, and the choice that a name is one of."""
    if element.label != element.name:
        title = f"{title} (one of {element.label}[x])"
    if element.type == "Reference" and element.targets is not None:
        title = f"{title} ({' | '.join(sorted(element.targets))})"
    return title


def _required(shape: Plan) -> tuple[list[str], list[list[str]]]:
    """The names that must be there, and the lists of names of which one must be."""
    plain, spelled = [], []
    for _, names in shape.required:
        ordered = [n for n in shape.elements if n in names]
        if len(ordered) == 1:
            plain.append(ordered[0])
        else:
            spelled.append(ordered)
    return plain, spelled


def _one_of_these(names: list[str]) -> Schema:
    return {"anyOf": [{"required": [n]} for n in names]}


@cache
def _titles(model: Model) -> dict[str, str]:
    return {
        field.alias: field.title
        for field in model.model_fields.values()
        if field.alias and field.title and not field.alias.startswith("_")
    }


def _first_sentence(model: Model) -> str:
    """What the type is, in HL7's words, behind the generator's own paragraph."""
    text = " ".join((model.__doc__ or "").partition("Data Types.")[2].split())
    return text.partition(". ")[0].rstrip(".") + "."
