"""Whether a question is asked. https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.conditions import is_enabled

Json = dict[str, Any]
X = {"system": "urn:a", "code": "x", "display": "An x"}


def asked(operator: str, wanted: Json, *answers: Json) -> bool:
    """Whether a question is asked by these answers to another."""
    condition = {"question": "q", "operator": operator, **wanted}
    response = {"item": [{"linkId": "other", "answer": [{"valueInteger": 7}]}, {"linkId": "q", "answer": [*answers]}]}
    return is_enabled({"enableWhen": [condition]}, response)


def integers(*values: int) -> list[Json]:
    """Answers in whole numbers."""
    return [{"valueInteger": v} for v in values]


CASES: list[tuple[str, Json, list[Json], bool]] = [
    ("exists", {"answerBoolean": True}, integers(3), True),
    ("exists", {"answerBoolean": True}, [], False),
    ("exists", {"answerBoolean": False}, integers(3), False),
    ("exists", {"answerBoolean": False}, [], True),
    ("exists", {"answerBoolean": True}, [{"item": [{"linkId": "below"}]}], False),
    ("=", {"answerInteger": 3}, integers(2, 3), True),
    ("=", {"answerInteger": 4}, integers(2, 3), False),
    ("=", {"answerInteger": 4}, [], False),
    ("!=", {"answerInteger": 3}, integers(2, 3), False),
    ("!=", {"answerInteger": 4}, integers(2, 3), True),
    ("!=", {"answerInteger": 4}, [], False),
    (">", {"answerInteger": 3}, integers(3), False),
    (">", {"answerInteger": 3}, integers(1, 4), True),
    (">=", {"answerInteger": 3}, integers(3), True),
    (">=", {"answerInteger": 3}, integers(2), False),
    ("<", {"answerInteger": 3}, integers(3), False),
    ("<", {"answerInteger": 3}, integers(2), True),
    ("<=", {"answerInteger": 3}, integers(3), True),
    ("<=", {"answerInteger": 3}, integers(4), False),
    (">", {"answerDate": "2026-09-01"}, [{"valueDate": "2026-09-02"}], True),
    ("<", {"answerDate": "2026-09-01"}, [{"valueDate": "2026-09-02"}], False),
    (">", {"answerInteger": 3}, [{"valueString": "4"}], False),
    (">", {"answerInteger": 3}, [{"valueString": "4"}, {"valueInteger": 4}], True),
    ("~", {"answerInteger": 3}, integers(3), False),
    ("=", {}, integers(3), False),
    ("=", {"answerString": "yes"}, [{"valueString": "yes"}], True),
    ("=", {"answerString": "yes"}, [{"valueString": "Yes"}], False),
    ("=", {"answerCoding": X}, [{"valueCoding": {"system": "urn:a", "code": "x"}}], True),
    ("=", {"answerCoding": X}, [{"valueCoding": {"system": "urn:b", "code": "x"}}], False),
    ("=", {"answerCoding": X}, [{"valueCoding": {"system": "urn:a", "code": "y"}}], False),
    ("=", {"answerCoding": X}, [{"valueString": "x"}], False),
    ("=", {"answerQuantity": {"value": 2, "unit": "d"}}, [{"valueQuantity": {"value": 2, "unit": "d"}}], True),
    ("=", {"answerQuantity": {"value": 2, "unit": "d"}}, [{"valueQuantity": {"value": 3, "unit": "d"}}], False),
    ("=", {"answerQuantity": {"value": 2, "unit": "d"}}, [{"valueQuantity": {"value": 2, "unit": "h"}}], False),
    (">", {"answerQuantity": {"value": 2, "unit": "d"}}, [{"valueQuantity": {"value": 3, "unit": "d"}}], True),
    ("<", {"answerQuantity": {"value": 2, "unit": "d"}}, [{"valueQuantity": {"value": 3, "unit": "d"}}], False),
    (">", {"answerQuantity": {"value": 2, "unit": "d"}}, [{"valueQuantity": {"unit": "d"}}], False),
    ("=", {"answerReference": {"reference": "a/1"}}, [{"valueReference": {"reference": "a/1", "display": "A"}}], True),
    ("=", {"answerReference": {"reference": "a/1"}}, [{"valueReference": {"reference": "a/2"}}], False),
]


@pytest.mark.parametrize(("operator", "wanted", "answers", "enabled"), CASES)
def test_a_condition_is_met_by_any_of_the_answers(
    operator: str, wanted: Json, answers: list[Json], enabled: bool
) -> None:
    assert asked(operator, wanted, *answers) is enabled


def test_a_question_without_conditions_is_asked() -> None:
    assert is_enabled({}, {})


@pytest.mark.parametrize(
    ("behavior", "answers", "enabled"),
    [
        ({}, integers(3, 9), True),
        ({}, integers(3), False),
        ({"enableBehavior": "all"}, integers(3), False),
        ({"enableBehavior": "any"}, integers(3), True),
        ({"enableBehavior": "any"}, integers(4), False),
    ],
)
def test_of_several_conditions_all_are_met_unless_any_is_enough(
    behavior: Json, answers: list[Json], enabled: bool
) -> None:
    conditions = [{"question": "q", "operator": "=", "answerInteger": n} for n in (3, 9)]
    response = {"item": [{"linkId": "q", "answer": answers}]}
    assert is_enabled({"enableWhen": conditions, **behavior}, response) is enabled


def test_an_answer_below_another_answer_and_in_a_group_counts() -> None:
    condition = {"question": "q", "operator": "=", "answerInteger": 3}
    below = {"linkId": "q", "answer": integers(3)}
    within_answer = {"item": [{"linkId": "a", "answer": [{"valueBoolean": True, "item": [below]}]}]}
    within_group = {"item": [{"linkId": "g", "item": [{"linkId": "h", "item": [below]}]}]}
    for response in (within_answer, within_group):
        assert is_enabled({"enableWhen": [condition]}, response)
