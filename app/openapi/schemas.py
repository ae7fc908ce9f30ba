"""The JSON Schema of FHIR types, from the plan by which resources are validated: the closure of what they hold.

https://hl7.org/fhir/R4/json.html and https://json-schema.org/draft/2020-12. A schema says what one element may be;
invariants, references to what is not there and the rules of releases are judged beyond it, and refused with 422.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from app.fhir.validation.plan import Element, Model, Plan, plan
from app.openapi.primitives import PRIMITIVES, component, reference

Schema = dict[str, Any]
ANY = "AnyResource"
SIBLING = "Sibling"
STRUCTURE = "Structure"
SPELLED = frozenset(
    (
        "Address",
        "Annotation",
        "Attachment",
        "CodeableConcept",
        "Coding",
        "ContactPoint",
        "Element",
        "Extension",
        "HumanName",
        "Identifier",
        "Meta",
        "Narrative",
        "Period",
        "Quantity",
        "Reference",
    )
)
"""The data types whose elements are listed. A viewer expands what stands here each time that it is shown."""
BACKBONES = frozenset(("BundleEntry", "BundleEntryRequest", "BundleEntryResponse", "OperationOutcomeIssue"))
"""The elements of the protocol's own resources that are listed as well."""
MANY_TYPES = 20
"""A choice of as many types takes any data type: it is said in words, and its names are not listed."""


def ref(name: str) -> Schema:
    """A schema that stands for a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def of_types(names: Iterable[str]) -> dict[str, Schema]:
    """The components of resource types and of all that they hold, by name. Each data type stands there once."""
    found: dict[str, Schema] = {component(n): s for n, s in PRIMITIVES.items() if n != "boolean"}
    found |= {ANY: _any_resource(), SIBLING: _sibling(), STRUCTURE: _structure()}
    waiting: list[Model] = [get_fhir_model_class(n) for n in ("Element", *names)]
    while waiting:
        model = waiting.pop()
        if model.__name__ not in found:
            found[model.__name__] = _object(model)
            waiting.extend(e.model for e in _listed(model).values() if e.model and _is_spelled(e.model))
    used = set(re.findall(r"#/components/schemas/(\w+)", str(found)))
    return {n: s for n, s in sorted(found.items()) if n in used or n in names}


def any_of(names: Iterable[str]) -> Schema:
    """One of several resource types, told by `resourceType`."""
    listed = list(names)
    mapping = {n: f"#/components/schemas/{n}" for n in listed}
    return {
        "oneOf": [ref(n) for n in listed],
        "discriminator": {"propertyName": "resourceType", "mapping": mapping},
    }


def _any_resource() -> Schema:
    """Any type of R4 may be contained or stand in a Bundle, so its elements are not listed."""
    return {
        "type": "object",
        "description": "A resource of any type of R4: its elements are not listed here, and validated all the same.",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"}, "id": reference("id")},
        "additionalProperties": True,
    }


def _structure() -> Schema:
    text = "A structure of elements that are not listed here, and validated all the same."
    return {"type": "object", "description": text, "minProperties": 1, "additionalProperties": True}


def _is_spelled(model: Model) -> bool:
    return model.__name__ in SPELLED | BACKBONES


def _sibling() -> Schema:
    """What stands beside a primitive, under its name with an underscore."""
    one = ref("Element")
    many = {"type": "array", "minItems": 1, "items": {"anyOf": [one, {"type": "null"}]}}
    text = "The id and extensions of a primitive element, under the element's name with an underscore (`_birthDate`)."
    return {"description": text, "anyOf": [one, many]}


def _listed(model: Model) -> dict[str, Element]:
    """The elements that the schema of a type lists: no siblings of primitives, no choice of every data type."""
    shape = plan(model)
    own = {n: e for n, e in shape.elements.items() if not e.sibling}
    choices = Counter(e.label for e in own.values())
    return {n: e for n, e in own.items() if choices[e.label] < MANY_TYPES}


def _object(model: Model) -> Schema:
    shape = plan(model)
    listed = _listed(model)
    is_resource = "resourceType" in shape.elements
    open_ended = len(listed) < sum(not e.sibling for e in shape.elements.values())
    found: Schema = {"type": "object", "description": _first_sentence(model)}
    if open_ended:
        found["description"] += " The names of an element that may be of any data type are not listed."
    found["properties"] = {n: _property(model, n, e) for n, e in listed.items()}
    found["additionalProperties"] = True if open_ended else ref(SIBLING)
    if not is_resource:
        found["minProperties"] = 1
    plain, spelled = _required(shape, listed)
    if is_resource or plain:
        found["required"] = [*(["resourceType"] if is_resource else []), *plain]
    if spelled:
        # A primitive without a value may stand as its extensions alone, under its name with an underscore.
        ways = [_one_of_these(names) for names in spelled]
        found |= {"if": ways[0] if len(ways) == 1 else {"allOf": ways}, "else": {"required": [n[0] for n in spelled]}}
    return found


def _property(model: Model, name: str, element: Element) -> Schema:
    if name == "resourceType":
        return {"type": "string", "const": model.__name__}
    one = _one(element)
    text = _described(element)
    described = {"description": text} if text else {}
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
        return ref(ANY)
    return ref(element.model.__name__ if _is_spelled(element.model) else STRUCTURE)


def _described(element: Element) -> str:
    """What the schema cannot say: the targets of a reference, and the choice that a name is one of."""
    if element.type == "Reference" and element.targets is not None:
        return " | ".join(sorted(element.targets))
    return f"of {element.label}[x]" if element.label != element.name else ""


def _required(shape: Plan, listed: Mapping[str, Element]) -> tuple[list[str], list[list[str]]]:
    """The names that must be there, and the lists of names of which one must be."""
    plain, spelled = [], []
    for label, names in shape.required:
        if all(e.label != label for e in listed.values()):
            continue
        ordered = [n for n in shape.elements if n in names]
        if len(ordered) == 1:
            plain.append(ordered[0])
        else:
            spelled.append(ordered)
    return plain, spelled


def _one_of_these(names: list[str]) -> Schema:
    return {"anyOf": [{"required": [n]} for n in names]}


def _first_sentence(model: Model) -> str:
    """What the type is, in HL7's words, behind the generator's own paragraph."""
    text = " ".join((model.__doc__ or "").partition("Data Types.")[2].split())
    return text.partition(". ")[0].rstrip(".") + "."
