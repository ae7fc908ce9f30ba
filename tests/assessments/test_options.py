"""Answers by a value set are judged by its codes, where these can be told.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.answerValueSet
"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.judge import faults
from app.search.value_sets import codes_of

Json = dict[str, Any]
GENDER = "http://hl7.org/fhir/administrative-gender"
LISTED = {"compose": {"include": [{"system": "urn:a", "concept": [{"code": "x"}, {"code": "y"}]}, {"system": "urn:b"}]}}
EXPANDED = {
    "expansion": {"contains": [{"system": "urn:a", "code": "x", "contains": [{"system": "urn:a", "code": "y"}]}]}
}
FILTERED = {"compose": {"include": [{"system": "urn:a", "filter": [{"property": "p", "op": "is-a", "value": "v"}]}]}}
CUT = {"expansion": {"total": 9, "contains": [{"system": "urn:a", "code": "x"}]}}


def form(value_set: Json | str, kind: str = "choice") -> Json:
    """A form with one question by a value set: contained, or by its URL."""
    question = {"linkId": "q", "type": kind, "answerValueSet": value_set if isinstance(value_set, str) else "#v"}
    held = [] if isinstance(value_set, str) else [{"resourceType": "ValueSet", "id": "v", **value_set}]
    return {"resourceType": "Questionnaire", "contained": held, "item": [question]}


def refused(asked: Json, **answer: Any) -> bool:
    """Whether an answer is refused, at its place."""
    response = {"status": "completed", "item": [{"linkId": "q", "answer": [answer]}]}
    found = faults(asked, response, codes_of)
    assert all(i.expression == "QuestionnaireResponse.item[0].answer[0].value" for i in found)
    return bool(found)


CASES = [
    (LISTED, "urn:a", "x", False),
    (LISTED, "urn:a", "z", True),
    (LISTED, "urn:b", "anything", False),
    (LISTED, "urn:c", "x", True),
    (EXPANDED, "urn:a", "y", False),
    (EXPANDED, "urn:a", "z", True),
    (FILTERED, "urn:a", "z", False),
    (CUT, "urn:a", "z", False),
    ("http://hl7.org/fhir/ValueSet/administrative-gender", GENDER, "female", False),
    ("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", GENDER, "f", True),
    ("http://example.org/ValueSet/unknown", "urn:a", "x", False),
]


@pytest.mark.parametrize(("value_set", "system", "code", "is_refused"), CASES)
def test_an_answer_is_one_of_the_codes(value_set: Json | str, system: str, code: str, is_refused: bool) -> None:
    assert refused(form(value_set), valueCoding={"system": system, "code": code}) is is_refused


def test_a_text_in_an_open_choice_is_free_and_a_coding_without_a_system_is_none_of_the_codes() -> None:
    assert not refused(form(LISTED, "open-choice"), valueString="something else")
    assert refused(form(LISTED, "open-choice"), valueCoding={"code": "x"})
