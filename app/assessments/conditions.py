"""Whether a question is asked, by the answers to others (enableWhen). Pure.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from app.assessments.form import answered

Json = dict[str, Any]
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def is_enabled(question: Json, response: Json) -> bool:
    """Whether the question itself is asked. That those above it are is judged where they stand."""
    conditions = question.get("enableWhen", [])
    met = [_met(c, _answers(response, c.get("question"))) for c in conditions]
    return not met or (any(met) if question.get("enableBehavior") == "any" else all(met))


def _answers(response: Json, link: Any) -> list[Any]:
    found = [answer for item, answer in answered(response) if item.get("linkId") == link]
    return [v for answer in found for k, v in answer.items() if k.startswith("value")]


def _met(condition: Json, found: list[Any]) -> bool:
    wanted = next((v for k, v in condition.items() if k.startswith("answer")), None)
    match condition.get("operator"):
        case "exists":
            return bool(found) is bool(wanted)
        case "=":
            return any(_equal(v, wanted) for v in found)
        case "!=":
            return bool(found) and not any(_equal(v, wanted) for v in found)
        case other:
            return any(_compares(_ORDERED.get(str(other)), v, wanted) for v in found)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, dict) and isinstance(wanted, dict):
        keys = ("system", "code") if "code" in wanted else ("value", "unit", "reference")
        return all(value.get(k) == wanted.get(k) for k in keys)
    return bool(value == wanted)


def _compares(compare: Callable[[Any, Any], bool] | None, value: Any, wanted: Any) -> bool:
    value, wanted = (v.get("value") if isinstance(v, dict) else v for v in (value, wanted))
    try:
        return compare is not None and compare(value, wanted)
    except TypeError:
        return False
