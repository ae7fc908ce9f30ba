"""References between resources: which elements they are, what they point to, and how to point them elsewhere. Pure.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any

from app.fhir.validation.plan import Model, plan, resource_model

_RELATIVE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_CONDITIONAL = re.compile(r"[A-Z][A-Za-z]{1,63}\?\S+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_HTTP = re.compile(r"https?://")
_LAST_SEGMENTS = re.compile(rf"https?://\S*?/{_RELATIVE.pattern}")


class Form(Enum):
    """What kind of thing a reference is, before anybody looks it up."""

    LOCAL = "local"
    """`Type/id`, relative or under our own base, with or without a version."""
    CONTAINED = "contained"
    """`#id` of a contained resource, or `#` for the resource that contains."""
    URN = "urn"
    """`urn:uuid:` or `urn:oid:`: an entry of the same Bundle."""
    CONDITIONAL = "conditional"
    """`Type?query`, which only a transaction may hold."""
    FOREIGN = "foreign"
    """An absolute URL on another server."""
    MALFORMED = "malformed"
    """None of these."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A Reference element: its FHIRPath and the element itself, not a copy."""

    path: str
    value: dict[str, Any]


def form(reference: str, base_url: str) -> Form:
    """Which Form `reference` has for the server at `base_url`."""
    if reference.startswith("#"):
        return Form.CONTAINED
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return Form.URN
    if local(reference, base_url) is not None:
        return Form.LOCAL
    if _CONDITIONAL.fullmatch(reference):
        return Form.CONDITIONAL
    if _under(reference, base_url) is None and _ABSOLUTE.fullmatch(reference):
        return Form.FOREIGN
    return Form.MALFORMED


def local(reference: str, base_url: str) -> tuple[str, str] | None:
    """Type and id of a reference to a resource on the server at `base_url`; a version is left out. Otherwise None.

    The type is not looked up. http and https are the same server.
    """
    match = _RELATIVE.fullmatch(reference) or _RELATIVE.fullmatch(_under(reference, base_url) or "")
    return (match[1], match[2]) if match else None


def target_type(reference: str) -> str | None:
    """The type that a relative reference or an absolute URL of a REST server names; None when it names none."""
    match = _RELATIVE.fullmatch(reference) or _LAST_SEGMENTS.fullmatch(reference)
    return match[1] if match else None


def references(resource: dict[str, Any]) -> Iterator[Reference]:
    """Every Reference element of `resource`, those in extensions and contained resources too, in document order.

    The resource need not be valid: what does not have the shape of its type is passed over.
    """
    name = resource.get("resourceType")
    model = resource_model(name) if isinstance(name, str) else None
    if model is not None:
        yield from _in_node(model, resource, str(name))


def rewrite(resource: dict[str, Any], mapping: Callable[[str], str]) -> dict[str, Any]:
    """A copy of `resource` in which every Reference.reference is what `mapping` makes of it, and nothing else differs.

    https://hl7.org/fhir/R4/http.html#transaction
    """
    copy = deepcopy(resource)
    for reference in references(copy):
        text = reference.value.get("reference")
        if isinstance(text, str):
            reference.value["reference"] = mapping(text)
    return copy


def _under(reference: str, base_url: str) -> str | None:
    """What follows `base_url` in `reference`, or None when it lies elsewhere."""
    url, base = _HTTP.sub("", reference, count=1), _HTTP.sub("", base_url, count=1).rstrip("/") + "/"
    return url.removeprefix(base) if _HTTP.match(reference) and url.startswith(base) else None


def _in_node(model: Model, node: dict[str, Any], path: str) -> Iterator[Reference]:
    elements = plan(model).elements
    for name, value in node.items():
        element = elements.get(name)
        if element is None or element.check is not None:
            continue
        where = f"{path}.{element.label}"
        for item, at in _items(value, where):
            child = element.model or resource_model(str(item.get("resourceType")))
            if element.type == "Reference":
                yield Reference(at, item)
            if child is not None:
                yield from _in_node(child, item, at)


def _items(value: Any, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of an element that may repeat, with their paths."""
    if isinstance(value, dict):
        yield value, path
    elif isinstance(value, list):
        yield from ((item, f"{path}[{i}]") for i, item in enumerate(value) if isinstance(item, dict))
