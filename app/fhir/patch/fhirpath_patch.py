"""FHIRPath Patch: a Parameters resource of add, insert, delete, replace and move. Pure.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from app.errors import HallpassError, Issue, Kind
from app.fhir.patch.json_patch import MAX_OPERATIONS
from app.fhir.patch.paths import BadPath, Spot, find, find_list, named
from app.fhir.validation.plan import Element, Model, plan

Parts = dict[str, Any]


class _Cannot(ValueError):
    """Why an operation cannot be done, and the part of it that is to blame; holds no value."""

    def __init__(self, text: str, part: str) -> None:
        self.part = part
        super().__init__(text)


def patched(content: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """The resource (changed in place) after all operations. Raises UNPROCESSABLE that names what cannot be done."""
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list) or not listed or len(listed) > MAX_OPERATIONS:
        text = f"A patch must have 1 to {MAX_OPERATIONS} operations."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter"))
    for i, parameter in enumerate(listed):
        at = f"Parameters.parameter[{i}]"
        if not isinstance(parameter, dict) or parameter.get("name") != "operation":
            raise HallpassError(Kind.UNPROCESSABLE, Issue("Each parameter must be an operation.", f"{at}.name"))
        try:
            parts = _parts(parameter.get("part"))
            _OPERATIONS[_kind(parts)](content, parts)
        except _Cannot as e:
            raise HallpassError(Kind.UNPROCESSABLE, Issue(f"{e}.", f"{at}.part.where(name='{e.part}')")) from None
        except BadPath as e:
            raise HallpassError(Kind.UNPROCESSABLE, Issue(f"The path {e}.", f"{at}.part.where(name='path')")) from None
    return content


def _parts(listed: Any) -> Parts:
    """The parts of an operation by name, as they stand in the Parameters."""
    parts: Parts = {}
    for part in listed if isinstance(listed, list) else []:
        name = part.get("name") if isinstance(part, dict) else None
        if name not in ("type", "path", "name", "value", "index", "source", "destination") or name in parts:
            raise _Cannot("The parts are type, path, name, value, index, source and destination, each once", "type")
        parts[name] = part
    return parts


def _kind(parts: Parts) -> str:
    kind = parts.get("type", {}).get("valueCode")
    if kind not in _OPERATIONS:
        raise _Cannot(f"The type is one of {', '.join(_OPERATIONS)}", "type")
    return str(kind)


def _path(parts: Parts) -> str:
    return _text(parts, "path")


def _text(parts: Parts, name: str) -> str:
    found = parts.get(name, {}).get("valueString")
    if not isinstance(found, str):
        raise _Cannot(f"The operation has a {name}, a string", name)
    return found


def _number(parts: Parts, name: str, most: int) -> int:
    found = parts.get(name, {}).get("valueInteger")
    if type(found) is not int or not 0 <= found <= most:
        raise _Cannot(f"The operation has an {name}, a number within the list", name)
    return found


def _add(content: dict[str, Any], parts: Parts) -> None:
    spots = find(content, _path(parts))
    if len(spots) != 1 or not isinstance(spots[0].value, dict):
        raise _Cannot("The path does not name one object", "path")
    _put(spots[0].value, spots[0].model, _text(parts, "name"), parts.get("value"))


def _put(node: dict[str, Any], model: Model | None, name: str, part: Any) -> None:
    """Give an object another element, or one that repeats another value."""
    key, element, value = _value(named(model, name), name, part)
    if element.many:
        node.setdefault(key, []).append(value)
        _beside(node, key, lambda others: others.append(None))
    elif any(e.name in node for e in named(model, name)):
        raise _Cannot("The element is there, and does not repeat", "name")
    else:
        node[key] = value


def _insert(content: dict[str, Any], parts: Parts) -> None:
    spot, element = find_list(content, _path(parts))
    listed = spot.value.setdefault(element.name, [])
    index = _number(parts, "index", len(listed))
    listed.insert(index, _value([element], element.label, parts.get("value"))[2])
    _beside(spot.value, element.name, lambda others: others.insert(index, None))


def _delete(content: dict[str, Any], parts: Parts) -> None:
    spots = find(content, _path(parts))
    if len(spots) > 1:
        raise _Cannot("The path names more than one element", "path")
    for spot in spots:
        _remove(spot)


def _remove(spot: Spot) -> None:
    if spot.holder is None:
        raise _Cannot("The resource itself is not taken away by a patch", "path")
    if spot.index is None:
        spot.holder.pop(spot.key)
        spot.holder.pop(f"_{spot.key}", None)
        return
    index = spot.index
    spot.holder[spot.key].pop(index)
    _beside(spot.holder, spot.key, lambda others: others.pop(index))
    if not spot.holder[spot.key]:
        del spot.holder[spot.key]


def _replace(content: dict[str, Any], parts: Parts) -> None:
    spots = find(content, _path(parts))
    if len(spots) != 1 or spots[0].holder is None or spots[0].owner is None:
        raise _Cannot("The path does not name one element", "path")
    spot, holder = spots[0], spots[0].holder
    label = plan(spots[0].owner).elements[spot.key].label
    key, _, value = _value(named(spot.owner, label), label, parts.get("value"))
    if spot.index is None:
        _remove(spot)
        holder[key] = value
    else:
        index = spot.index
        holder[key][index] = value
        _beside(holder, key, lambda others: others.__setitem__(index, None))


def _move(content: dict[str, Any], parts: Parts) -> None:
    spot, element = find_list(content, _path(parts))
    listed = spot.value.get(element.name, [])
    source = _number(parts, "source", len(listed) - 1)
    destination = _number(parts, "destination", len(listed) - 1)
    listed.insert(destination, listed.pop(source))
    _beside(spot.value, element.name, lambda others: others.insert(destination, others.pop(source)))


def _beside(node: dict[str, Any], key: str, change: Callable[[list[Any]], Any]) -> None:
    """The same change to the list of ids and extensions beside a list of primitives; gone when nothing is left."""
    others = node.get(f"_{key}")
    if isinstance(others, list):
        change(others)
        if not any(others):
            del node[f"_{key}"]


def _value(elements: list[Element], name: str, part: Any) -> tuple[str, Element, Any]:
    """Key, element and content of the part `value`: a value[x], or for a group of elements its parts."""
    if not elements:
        raise _Cannot("There is no such element", "name")
    if not isinstance(part, dict):
        raise _Cannot("The operation has a value", "value")
    typed = [k for k in part if k.startswith("value")]
    if "part" in part and not typed:
        element = elements[0]
        return element.name, element, _group(element, part["part"])
    if len(typed) != 1:
        raise _Cannot("The operation has one value", "value")
    for element in elements:
        if element.label == element.name or element.name == name + typed[0].removeprefix("value"):
            return element.name, element, deepcopy(part[typed[0]])
    raise _Cannot("The value is of a type that the element does not take", "value")


def _group(element: Element, listed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in listed if isinstance(listed, list) else []:
        name = part.get("name") if isinstance(part, dict) else None
        if element.model is None or not isinstance(name, str):
            raise _Cannot("The value has parts that its element has not", "value")
        _put(made, element.model, name, part)
    return made


_OPERATIONS: dict[str, Callable[[dict[str, Any], Parts], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
