"""What the models say of an element: its JSON keys, one for each type of a choice, and their FHIR types. Pure.

https://hl7.org/fhir/R4/formats.html#choice
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

from fhir_core.types import FhirBase

ModelClass = type[Any]


@dataclass(frozen=True, slots=True)
class Element:
    """One JSON key of a resource or datatype: `deceasedBoolean`, of type `boolean`."""

    key: str
    type: str
    model: ModelClass | None
    """The class behind a complex type; None for a primitive."""


def elements(model: ModelClass, name: str) -> tuple[Element, ...]:
    """The keys that the element `name` can have: one, or one for each type of a choice; none if there is no such."""
    return tuple(
        _element(field.alias or python_name, field.annotation, field.metadata)
        for python_name, field in model.model_fields.items()
        if (field.json_schema_extra or {}).get("element_property")
        and name in (field.alias, field.json_schema_extra.get("one_of_many"))
    )


def _element(key: str, annotation: Any, metadata: list[Any]) -> Element:
    found = [annotation, *metadata]
    for part in found:
        found.extend(get_args(part))
        found.extend(getattr(part, "__metadata__", ()))
    for part in found:
        if isinstance(part, type) and issubclass(part, FhirBase):
            model = part.get_model_klass()
            return Element(key, model.get_resource_type(), model)
    if bool in found:
        return Element(key, "boolean", None)
    if UUID in found:
        return Element(key, "uuid", None)
    if any(getattr(part, "__name__", "") == "ResourceType" for part in found):
        return Element(key, "Resource", None)
    marks = [type(part).__name__ for part in found if type(part).__module__.startswith("fhir_core")]
    if not marks:
        raise TypeError(f"the type of the element {key} is not understood")
    return Element(key, marks[0][0].lower() + marks[0][1:], None)
