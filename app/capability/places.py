"""Where the elements that a profile's rule names stand in a resource, with their FHIRPaths. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.resources.paths import is_choice

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """An element of one parent: its values with their FHIRPaths, and the parent's."""

    parent: str
    label: str
    """The element's name in FHIRPath: of a choice, the stem."""
    values: tuple[tuple[str, Any], ...]

    @property
    def path(self) -> str:
        """The FHIRPath of the element as a whole."""
        return f"{self.parent}.{self.label}"


def places(resource: Node, path: str) -> list[Place]:
    """A place for each parent that could have the element at `path` below the resource's type; `x[y]` is a choice."""
    *above, name = path.split(".")
    nodes = [(str(resource.get("resourceType")), resource)]
    for step in above:
        nodes = [(at, v) for where, node in nodes for at, v in _place(where, node, step).values if isinstance(v, dict)]
    return [_place(where, node, name) for where, node in nodes]


def _place(where: str, node: Node, name: str) -> Place:
    label = name.removesuffix("[x]")
    keys = sorted((k for k in node if _names(k.removeprefix("_"), name)), key=lambda k: k.startswith("_"))
    value = next((node[k] for k in keys if node[k] is not None), None)
    return Place(where, label, tuple(_items(f"{where}.{label}", value)))


def _names(key: str, name: str) -> bool:
    return is_choice(key, name[:-3]) if name.endswith("[x]") else key == name


def _items(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{path}[{i}]", item) for i, item in enumerate(value))
    elif value is not None:
        yield path, value
