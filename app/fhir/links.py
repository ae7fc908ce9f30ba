"""What the links of a transaction's entries stand for: each fullUrl, and what is written in its place. Pure.

https://hl7.org/fhir/R4/bundle.html#references and https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

from app.fhir.validation.plan import Element, Model, plan, resource_model

_RESTFUL = re.compile(r"(https?://\S+?)/[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}")
_VERSION = re.compile(r"/_history/[A-Za-z0-9\-.]{1,64}$")
_ATTRIBUTE = re.compile(r"""(\b(?:href|src)\s*=\s*)("[^"]*"|'[^']*')""")
_LINKS = frozenset({"uri", "url"})

Replace = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Links:
    """What each fullUrl of a Bundle stands for, as `Type/id`."""

    base_url: str
    targets: Mapping[str, str]

    def find(self, link: str, full_url: str | None) -> str | None:
        """What a link in the entry with this fullUrl stands for; None for what is no entry of the Bundle.

        A relative link is relative to the server of the entry's fullUrl, or else to this one. A link to a version
        leads to the resource: what the Bundle stores is a version of its own.
        """
        plain = _VERSION.sub("", link)
        if _RELATIVE.fullmatch(plain):
            server = _RESTFUL.fullmatch(full_url or "")
            plain = f"{server[1] if server else self.base_url}/{plain}"
        return self.targets.get(plain) or self.targets.get(link)

    def rewrite(self, resource: dict[str, Any], full_url: str | None) -> dict[str, Any]:
        """An entry's resource in which each link to an entry is what that stands for: a copy, if there are any."""
        if not self.targets:
            return resource
        return rewrite(resource, lambda link: self.find(link, full_url) or link)


def rewrite(resource: dict[str, Any], replace: Replace) -> dict[str, Any]:
    """A copy of `resource` with each link replaced by what `replace` makes of it.

    Links are references, elements of the types uri and url, and href and src in narratives. What does not have the
    shape of its type is left as it is.
    """
    copy = deepcopy(resource)
    name = copy.get("resourceType")
    model = resource_model(name) if isinstance(name, str) else None
    if model is not None:
        _node(model, copy, replace)
    return copy


def _node(model: Model, node: dict[str, Any], replace: Replace) -> None:
    elements = plan(model).elements
    for name, value in node.items():
        element = elements.get(name)
        if element is None:
            continue
        if element.check is not None:
            node[name] = _primitive(element, value, replace)
            continue
        for item in _objects(value):
            child = element.model or resource_model(str(item.get("resourceType")))
            if element.type == "Reference" and isinstance(item.get("reference"), str):
                item["reference"] = replace(item["reference"])
            if child is not None:
                _node(child, item, replace)


def _primitive(element: Element, value: Any, replace: Replace) -> Any:
    if isinstance(value, list):
        return [_primitive(element, v, replace) for v in value]
    if not isinstance(value, str):
        return value
    if element.type in _LINKS:
        return replace(value)
    return _narrative(value, replace) if element.type == "xhtml" else value


def _narrative(div: str, replace: Replace) -> str:
    def replaced(found: re.Match[str]) -> str:
        link = unescape(found[2][1:-1])
        mapped = replace(link)
        return found[0] if mapped == link else f'{found[1]}"{escape(mapped)}"'

    return _ATTRIBUTE.sub(replaced, div)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of an element that may repeat."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
