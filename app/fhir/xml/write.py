"""A resource as XML: the elements in the order of their definition, every value with the digits that it has in JSON.

https://hl7.org/fhir/R4/xml.html — what comes in is what JSON holds of a valid resource. Narratives stay as they are.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import zip_longest
from typing import Any

from app.fhir.json import dump
from app.fhir.validation.plan import Element, Model, plan, resource_model

NAMESPACE = "http://hl7.org/fhir"
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>'
_ESCAPED = {'"': "&quot;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_SPECIAL = re.compile('["&<>\n\r\t]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
Json = dict[str, Any]


def dump_xml(resource: Json) -> bytes:
    """A resource as a document of UTF-8. Raises KeyError for an element that its type does not have."""
    return HEAD + fragment(resource, f' xmlns="{NAMESPACE}"')


def fragment(resource: Json, attributes: str = "") -> bytes:
    """A resource as one element."""
    parts: list[str] = []
    _resource(parts, resource, attributes)
    return "".join(parts).encode()


def element(owner: str, name: str, value: Any) -> bytes:
    """One repetition of an element of a resource, such as an entry of a Bundle. Raises KeyError."""
    model = resource_model(owner)
    if model is None:
        raise KeyError(owner)
    parts: list[str] = []
    _element(parts, plan(model).elements[name], [value], [])
    return "".join(parts).encode()


def _resource(parts: list[str], resource: Json, attributes: str = "") -> None:
    name = resource["resourceType"]
    model = resource_model(name)
    if model is None:
        raise KeyError(name)
    parts.append(f"<{name}{attributes}>")
    _children(parts, model, resource, is_resource=True)
    parts.append(f"</{name}>")


@cache
def _order(model: Model) -> tuple[Element, ...]:
    elements = plan(model).elements
    sequence: list[str] = model.elements_sequence()  # type: ignore[attr-defined]
    return tuple(elements[name] for name in sequence if name in elements)


def _children(parts: list[str], model: Model, content: Json, *, is_resource: bool = False) -> None:
    known = {"resourceType"} if is_resource else {"id", "url"} if model.__name__ == "Extension" else {"id"}
    left = len(content.keys() - known)
    for one in _order(model):
        if one.name in known and not (is_resource and one.name == "id"):
            continue
        value, beside = content.get(one.name), content.get(f"_{one.name}")
        if value is None and beside is None:
            continue
        left -= (one.name in content) + (f"_{one.name}" in content)
        _element(parts, one, *((value or [], beside or []) if one.many else ([value], [beside])))
    if left:
        raise KeyError(model.__name__)


def _element(parts: list[str], one: Element, values: list[Any], beside: list[Any]) -> None:
    for value, more in zip_longest(values, beside):
        if one.type == "xhtml":
            parts.append(str(value).strip())
        elif one.check is not None:
            _primitive(parts, one.name, value, more)
        elif one.model is None:
            parts.append(f"<{one.name}>")
            _resource(parts, value)
            parts.append(f"</{one.name}>")
        else:
            url = f' url="{_text(value["url"])}"' if one.type == "Extension" and "url" in value else ""
            parts.append(f"<{one.name}{_id(value)}{url}>")
            _children(parts, one.model, value)
            parts.append(f"</{one.name}>")


def _primitive(parts: list[str], name: str, value: Any, more: Json | None) -> None:
    shown = "" if value is None else f' value="{_text(value)}"'
    if not more:
        parts.append(f"<{name}{shown}/>")
        return
    parts.append(f"<{name}{_id(more)}{shown}>")
    for extension in more.get("extension", ()):
        _element(parts, _extension(), [extension], [])
    parts.append(f"</{name}>")


@cache
def _extension() -> Element:
    model = resource_model("Basic")
    assert model is not None
    return plan(model).elements["extension"]


def _id(value: Json) -> str:
    return f' id="{_text(value["id"])}"' if "id" in value else ""


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else dump(value).decode()
    return _SPECIAL.sub(lambda m: _ESCAPED.get(m[0], "\ufffd"), text)
