"""FHIR Parameters, as use cases answer with them, read for a page. Pure. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from typing import Any

from app.resources.refs import parse_local

Parts = dict[str, list[Any]]
"""By name: each value, or the parts of a part."""


def read(document: dict[str, Any] | None, name: str) -> list[Parts]:
    """The parts of each parameter with a name."""
    return [_parts(p) for p in (document or {}).get("parameter", []) if p["name"] == name]


def reference(value: Any) -> str:
    """The id that a Reference names; '' for none."""
    found = parse_local(value.get("reference")) if isinstance(value, dict) else None
    return str(found[1]) if found else ""


def _parts(parameter: dict[str, Any]) -> Parts:
    found: Parts = {}
    for part in parameter.get("part", []):
        value = _parts(part) if "part" in part else next((v for k, v in part.items() if k != "name"), {})
        found.setdefault(part["name"], []).append(value)
    return found
