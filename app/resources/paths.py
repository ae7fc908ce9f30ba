"""Walks a dotted element path through a resource as JSON. Pure.

The paths are those of `ResourceType` and of search parameters. A choice element is written `occurrence[x]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def values(resource: Any, path: str) -> list[Any]:
    """All values at `path`, in document order, lists flattened, absent ones left out."""
    found: list[Any] = [resource]
    for name in path.split("."):
        found = [v for node in found for v in _step(node, name)]
    return found


def first(resource: Any, path: str) -> Any:
    """The first value at `path`, or None."""
    found = values(resource, path)
    return found[0] if found else None


def _step(node: Any, name: str) -> Iterator[Any]:
    if not isinstance(node, dict):
        return
    if name.endswith("[x]"):
        stem = name[:-3]
        value = next((v for k, v in node.items() if is_choice(k, stem)), None)
    else:
        value = node.get(name)
    if isinstance(value, list):
        yield from (v for v in value if v is not None)
    elif value is not None:
        yield value


def is_choice(key: str, stem: str) -> bool:
    """Whether `key` is `stem` with a type behind it: occurrenceDateTime for occurrence[x]."""
    return len(key) > len(stem) and key.startswith(stem) and key[len(stem)].isupper()
