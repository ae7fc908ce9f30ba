"""How well a Patient fits a description, and which grade that is. Pure.

https://hl7.org/fhir/R4/patient-operation-match.html and https://hl7.org/fhir/R4/valueset-match-grade.html. A match is
certain only if nothing contradicts it and an identifier agrees, or everything does: twins share names, birth date,
address and telephone, so none of these alone makes a match certain.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from app.resources.paths import values
from app.search.normal import contact, fold

CERTAIN, PROBABLE, POSSIBLE = 0.95, 0.7, 0.4
"""The least score of each grade; below the last there is no match."""
_WEIGHTS = {
    "identifier": 0.7, "family": 0.3, "given": 0.2, "birthDate": 0.4, "gender": 0.04, "telecom": 0.1, "address": 0.05,
}  # fmt: skip
_AGAINST = {"identifier": 0.35, "family": 0.15, "given": 0.1, "birthDate": 0.35, "gender": 0.15}


class Verdict(Enum):
    """What two Patients say about each other by one feature."""

    AGREES = "agrees"
    COMPATIBLE = "compatible"
    CONTRADICTS = "contradicts"
    UNSAID = "unsaid"


def compare(asked: dict[str, Any], found: dict[str, Any]) -> dict[str, Verdict]:
    """The verdict of each feature by its name."""
    return {
        "identifier": _identifiers(asked, found),
        "family": _names(asked, found, "family"),
        "given": _names(asked, found, "given"),
        "birthDate": _dates(asked.get("birthDate"), found.get("birthDate")),
        "gender": _genders(asked.get("gender"), found.get("gender")),
        "telecom": _shared(_contacts(asked), _contacts(found)),
        "address": _shared(_addresses(asked), _addresses(found)),
    }


def score(asked: dict[str, Any], found: dict[str, Any]) -> float:
    """From 0 to 1, in hundredths: CERTAIN or more only where the match is certain."""
    verdicts = compare(asked, found)
    total = 0.0
    for name, verdict in verdicts.items():
        if verdict is Verdict.AGREES:
            total += _WEIGHTS[name]
        elif verdict is Verdict.COMPATIBLE:
            total += _WEIGHTS[name] / 2
        elif verdict is Verdict.CONTRADICTS:
            total -= _AGAINST[name]
    if _certain(verdicts) and not (_alone(verdicts) and _of_several(asked, found)):
        return round(min(1.0, max(CERTAIN, total)), 2)
    return round(min(CERTAIN - 0.01, max(0.0, total)), 2)


def grade(found: float) -> str | None:
    """The code of the match-grade value set; None: no match."""
    if found >= CERTAIN:
        return "certain"
    if found >= PROBABLE:
        return "probable"
    return "possible" if found >= POSSIBLE else None


def _certain(verdicts: dict[str, Verdict]) -> bool:
    said = set(verdicts.values())
    everything = all(v is Verdict.AGREES for name, v in verdicts.items() if name != "identifier")
    return Verdict.CONTRADICTS not in said and (verdicts["identifier"] is Verdict.AGREES or everything)


def _alone(verdicts: dict[str, Verdict]) -> bool:
    """Whether no identifier supports the match."""
    return verdicts["identifier"] is not Verdict.AGREES


def _of_several(*patients: dict[str, Any]) -> bool:
    """Whether one of the Patients is known to be a twin or one of more."""
    return any(p.get("multipleBirthBoolean") is True or "multipleBirthInteger" in p for p in patients)


def _identifiers(asked: dict[str, Any], found: dict[str, Any]) -> Verdict:
    """Within one system another current value contradicts; an old one may still agree."""
    here, there = _by_system(asked), _by_system(found)
    shared = {s for s in here.keys() & there.keys() if here[s].keys() & there[s].keys()}
    for system in (here.keys() & there.keys()) - shared:
        if any(here[system].values()) and any(there[system].values()):
            return Verdict.CONTRADICTS
    return Verdict.AGREES if shared else Verdict.UNSAID


def _by_system(patient: dict[str, Any]) -> dict[str, dict[str, bool]]:
    """Each system's values, and whether the value is in use."""
    by_system: dict[str, dict[str, bool]] = {}
    for identifier in values(patient, "identifier"):
        system, value = identifier.get("system"), identifier.get("value")
        if system and value:
            by_system.setdefault(system, {})[value] = identifier.get("use") != "old"
    return by_system


def _names(asked: dict[str, Any], found: dict[str, Any], part: str) -> Verdict:
    """The best of any two names: the same words agree, fewer of the same words are compatible, others contradict."""
    here, there = _words(asked, part), _words(found, part)
    if not here or not there:
        return Verdict.UNSAID
    if here & there:
        return Verdict.AGREES
    some = any(set(a) <= set(b) or set(b) <= set(a) for a in here for b in there)
    return Verdict.COMPATIBLE if some else Verdict.CONTRADICTS


def _words(patient: dict[str, Any], part: str) -> set[tuple[str, ...]]:
    """The words of each name's family or given names, in their order."""
    return {words for name in values(patient, "name") if (words := _folded(values(name, part)))}


def _folded(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for text in texts for word in fold(text).split())


def _dates(asked: str | None, found: str | None) -> Verdict:
    """A part of a date is compatible with each date that it may be."""
    if not asked or not found:
        return Verdict.UNSAID
    if asked == found and len(asked) == len("2014-05-02"):
        return Verdict.AGREES
    return Verdict.COMPATIBLE if asked.startswith(found) or found.startswith(asked) else Verdict.CONTRADICTS


def _genders(asked: str | None, found: str | None) -> Verdict:
    if not asked or not found or "unknown" in (asked, found):
        return Verdict.UNSAID
    return Verdict.AGREES if asked == found else Verdict.CONTRADICTS


def _shared(here: set[Any], there: set[Any]) -> Verdict:
    """Families move and change numbers: what differs contradicts nothing."""
    return Verdict.AGREES if here & there else Verdict.UNSAID


def _contacts(patient: dict[str, Any]) -> set[str]:
    return {contact(v) for v in values(patient, "telecom.value")}


def _addresses(patient: dict[str, Any]) -> set[tuple[tuple[str, ...], str]]:
    """Lines and the first five characters of the postal code of each address that has both."""
    return {
        (_folded(lines), fold(code)[:5])
        for address in values(patient, "address")
        if (lines := values(address, "line")) and (code := address.get("postalCode"))
    }
