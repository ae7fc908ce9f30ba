"""A resource as units, the parts that a source and a person at the exchange decide apart from each other. Pure.
https://hl7.org/fhir/R4/json.html

A unit is an element, or what a repeating element says about one thing: the identifiers of one system and value, the
names of one use, the extensions of one URL. `meta` and `text` are no units: no source states labels or tags.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson

Json: TypeAlias = dict[str, Any]
Units: TypeAlias = dict[str, Any]
"""Unit key -> its value: an element's value, or the list of items that share a key."""

ABSENT = ""
_APART = frozenset({"resourceType", "id", "meta", "text"})


def canonical(value: Any) -> bytes:
    """The JSON of a value, the same for the same content in any order of members."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """64 bits of a value's content as text; ABSENT for None."""
    if value is None:
        return ABSENT
    return base64.urlsafe_b64encode(hashlib.sha256(canonical(value)).digest()[:9]).decode()


def _member(member: Json) -> str:
    return f"{member['entity'].get('reference')} {member.get('period', {}).get('start', '')}"


def _whole(item: Any) -> str:
    return digest(item)


_LISTS: Mapping[str, Callable[[Any], str]] = {
    "identifier": lambda i: f"{i.get('system', '')}|{i.get('value', '')}",
    "name": lambda n: str(n.get("use", "")),
    "telecom": lambda t: f"{t.get('system', '')} {t.get('use', '')}",
    "address": lambda a: f"{a.get('use', '')} {a.get('type', '')}",
    "extension": lambda e: str(e.get("url", "")),
    "relationship": _whole,
    "communication": _whole,
    "link": _whole,
    "member": _member,
}
"""Repeating element -> what tells its items apart. Any other element is one unit."""


def split(resource: Json) -> Units:
    """The units of a resource."""
    found: Units = {}
    for element, value in resource.items():
        if element in _APART:
            continue
        if element in _LISTS and isinstance(value, list):
            for item in value:
                found.setdefault(f"{element}:{_LISTS[element](item)}", []).append(item)
        elif not isinstance(value, dict) or element not in _LISTS:
            found[element] = value
    return found


def join(resource: Json, changes: Mapping[str, Any]) -> Json:
    """The resource with units replaced; None takes one away. What is not named stays as it is and where it is."""
    result = dict(resource)
    for key, value in changes.items():
        element, _, which = key.partition(":")
        if element in _LISTS:
            result[element] = _replaced(result.get(element, []), _LISTS[element], which, value or [])
            value = result[element] or None
        if value is None:
            result.pop(element, None)
        else:
            result[element] = value
    return result


def _replaced(items: list[Any], key: Callable[[Any], str], which: str, value: list[Any]) -> list[Any]:
    """The items with those of one key replaced, in the place of the first of them."""
    at = next((n for n, item in enumerate(items) if key(item) == which), len(items))
    before = [i for i in items[:at] if key(i) != which]
    return [*before, *value, *(i for i in items[at:] if key(i) != which)]
