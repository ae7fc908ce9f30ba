"""How well a Patient fits a description, and which grade that is. Pure.

https://hl7.org/fhir/R4/patient-operation-match.html and https://hl7.org/fhir/R4/valueset-match-grade.html — an
identifier that both have decides nearly all; without one, name and birth date together do; what contradicts counts
against.
"""

from __future__ import annotations

from typing import Any

from app.resources.paths import values
from app.search.normal import contact, fold

CERTAIN, PROBABLE, POSSIBLE = 0.95, 0.7, 0.4
"""The least score of each grade; below the last there is no match."""
_WEIGHTS = {"identifier": 0.7, "family": 0.3, "given": 0.2, "birthDate": 0.4, "gender": 0.04, "telecom": 0.1}
_AGAINST = {"family": 0.15, "given": 0.1, "birthDate": 0.35, "gender": 0.15}


def score(asked: dict[str, Any], found: dict[str, Any]) -> float:
    """From 0 to 1, in hundredths."""
    total = 0.0
    for name, weight in _WEIGHTS.items():
        here, there = _facts(asked, name), _facts(found, name)
        if here & there:
            total += weight
        elif here and there:
            total -= _AGAINST.get(name, 0.0)
    return round(min(1.0, max(0.0, total)), 2)


def grade(found: float) -> str | None:
    """The code of the match-grade value set; None: no match."""
    if found >= CERTAIN:
        return "certain"
    if found >= PROBABLE:
        return "probable"
    return "possible" if found >= POSSIBLE else None


def _facts(patient: dict[str, Any], name: str) -> set[str]:
    """What a Patient says of one feature, in a form that can be compared."""
    match name:
        case "identifier":
            pairs = ((i.get("system"), i.get("value")) for i in values(patient, "identifier"))
            return {f"{system}|{value}" for system, value in pairs if system and value}
        case "family" | "given":
            return {fold(v) for v in values(patient, f"name.{name}")}
        case "telecom":
            return {contact(v) for v in values(patient, "telecom.value")}
        case _:
            return {str(v) for v in values(patient, name)}
