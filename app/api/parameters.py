"""Parameters resources as operations take them. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from typing import Any

from app.errors import HallpassError, Issue, Kind
from app.fhir.validation.plan import resource_model
from app.fhir.validation.validator import Validator

_MODEL = resource_model("Parameters")
_WITHIN = {"resourceType": "Parameters", "id": "within"}


def check(content: dict[str, Any]) -> None:
    """Raise UNPROCESSABLE with every fault of a Parameters resource. What resources it holds is for others to judge."""
    listed = content.get("parameter", [])
    if content.get("resourceType") != "Parameters" or not isinstance(listed, list):
        raise HallpassError(Kind.UNPROCESSABLE, Issue("Here a Parameters resource is read.", "Parameters"))
    outside = content | ({"parameter": [_outside(p) for p in listed]} if listed else {})
    assert _MODEL is not None
    if found := Validator(outside).issues(_MODEL):
        raise HallpassError(Kind.UNPROCESSABLE, *found)


def _outside(parameter: Any) -> Any:
    held = isinstance(parameter, dict) and isinstance(parameter.get("resource"), dict)
    return parameter | {"resource": _WITHIN} if held else parameter


def read(content: dict[str, Any], kinds: dict[str, str], many: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The values by name: `kinds` says under which key each stands (`valueCode`, `resource`), or under which keys with
    a bar between them; of `many` a list.

    Raises UNPROCESSABLE for what is no Parameters resource, a parameter that is not in `kinds`, stands twice or has a
    value of another type.
    """
    check(content)
    found: dict[str, Any] = {}
    for i, parameter in enumerate(content.get("parameter", [])):
        name = parameter["name"]
        at = f"Parameters.parameter[{i}]"
        if name not in kinds or (name in found and name not in many):
            text = f"The parameters are {', '.join(kinds)}, each once." if kinds else "There are no parameters here."
            raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{at}.name"))
        keys = kinds[name].split("|")
        value = next((parameter[k] for k in keys if k in parameter), None)
        if not isinstance(value, _TYPES[keys[0]]):
            raise HallpassError(Kind.UNPROCESSABLE, Issue(f"The value is a {' or '.join(keys)}.", f"{at}.value"))
        if name in many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


_TYPES = {
    "resource": dict,
    "valueBoolean": bool,
    "valueCode": str,
    "valueDate": str,
    "valueId": str,
    "valueInstant": str,
    "valueInteger": int,
    "valueReference": dict,
    "valueString": str,
    "valueUri": str,
}
