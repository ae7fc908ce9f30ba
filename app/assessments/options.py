"""The codes that a question's value set allows, as far as they can be told without a terminology server. Pure.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.answerValueSet
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.resources.paths import values

Json = dict[str, Any]
Codes = Mapping[str, frozenset[str]]
"""The codes by their system; none stand for all of the system."""
Known = Callable[[str], Codes | None]
"""The codes of a value set by its canonical URL; None where it is not known."""


def options(form: Json, question: Json, known: Known) -> Codes | None:
    """The codes that answers to a question have; None where there is no value set, or what is in it cannot be told.

    A value set is contained in the form, or one that the exchange knows.
    """
    url = question.get("answerValueSet")
    if not isinstance(url, str):
        return None
    if not url.startswith("#"):
        return known(url)
    held = [c for c in values(form, "contained") if c.get("id") == url[1:] and c.get("resourceType") == "ValueSet"]
    return _codes(held[0]) if held else None


def allows(codes: Codes, answer: Json) -> bool:
    """Whether a Coding is one of the codes."""
    named = codes.get(answer.get("system", ""))
    return named is not None and (not named or answer.get("code") in named)


def _codes(value_set: Json) -> Codes | None:
    """The codes of a ValueSet that lists them, or has been expanded whole; None for one that is computed."""
    expansion = value_set.get("expansion")
    if expansion is not None and _is_whole(expansion):
        return _listed((c.get("system", ""), c["code"]) for c in _contained(expansion) if "code" in c)
    compose = value_set.get("compose", {})
    includes = compose.get("include", [])
    if "exclude" in compose or not includes or any("filter" in i or "valueSet" in i for i in includes):
        return None
    found = dict(_listed((i.get("system", ""), c["code"]) for i in includes for c in i.get("concept", [])))
    return found | {i.get("system", ""): frozenset() for i in includes if "concept" not in i}


def _is_whole(expansion: Json) -> bool:
    return bool(expansion.get("contains")) and expansion.get("total", 0) <= len(list(_contained(expansion)))


def _contained(holder: Json) -> list[Json]:
    return [one for c in holder.get("contains", []) for one in (c, *_contained(c))]


def _listed(pairs: Any) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for system, code in pairs:
        found[system] = found.get(system, frozenset()) | {code}
    return found
