"""Answers by a value set are judged by its codes, where these can be told.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.answerValueSet
"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.judge import faults
from app.assessments.options import options
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


A, B = (frozenset(codes) for codes in ("xy", "z"))
SETS: list[tuple[Json, Any]] = [
    (LISTED, {"urn:a": A, "urn:b": frozenset()}),
    (EXPANDED, {"urn:a": A}),
    ({**LISTED, "expansion": {"contains": [{"system": "urn:c", "code": "z"}]}}, {"urn:c": B}),
    ({**LISTED, "expansion": {"contains": []}}, {"urn:a": A, "urn:b": frozenset()}),
    ({**LISTED, "expansion": CUT["expansion"]}, {"urn:a": A, "urn:b": frozenset()}),
    ({"expansion": {"total": 2, **EXPANDED["expansion"]}}, {"urn:a": A}),
    ({"expansion": {"total": 3, **EXPANDED["expansion"]}}, None),
    ({"expansion": {"contains": [{"display": "A group", "contains": [{"code": "z"}]}]}}, {"": B}),
    ({"compose": {"include": [{"concept": [{"code": "z"}]}, {"system": "urn:a", "concept": []}]}}, {"": B}),
    ({"compose": {"include": [{"version": "1"}]}}, {"": frozenset()}),
    ({"compose": {"include": [{"system": "urn:a"}], "exclude": [{"system": "urn:a"}]}}, None),
    ({"compose": {"include": [{"valueSet": ["urn:set"]}]}}, None),
    ({"compose": {"include": [LISTED["compose"]["include"][0], *FILTERED["compose"]["include"]]}}, None),
    ({"compose": {"include": []}}, None),
    ({"compose": {}}, None),
    ({}, None),
]


@pytest.mark.parametrize(("value_set", "codes"), SETS)
def test_the_codes_of_a_value_set_are_those_it_lists_or_is_expanded_to(value_set: Json, codes: Any) -> None:
    """None where they cannot be told; a system without codes stands for all of it."""
    asked = form(value_set)
    assert options(asked, asked["item"][0], lambda _url: {"urn:known": B}) == codes


def test_a_value_set_is_found_by_its_id_among_what_the_form_contains() -> None:
    asked = form(LISTED)
    question = asked["item"][0]
    asked["contained"] = [
        {"resourceType": "ValueSet", "id": "w", **EXPANDED},
        {"resourceType": "Observation", "id": "v"},
        *asked["contained"],
    ]
    known = {"urn:known": B}
    assert options(asked, question, lambda _url: known) == {"urn:a": A, "urn:b": frozenset()}
    assert options({**asked, "contained": asked["contained"][:2]}, question, lambda _url: known) is None
    assert options({}, question, lambda _url: known) is None


def test_a_value_set_by_its_url_is_asked_for_and_a_question_without_one_is_free() -> None:
    sets = {"urn:set": {"urn:a": A}}
    assert options({}, {"answerValueSet": "urn:set"}, sets.get) == {"urn:a": A}
    assert options({}, {"answerValueSet": "urn:other"}, sets.get) is None
    assert options({}, {}, lambda _url: {"urn:a": A}) is None


def test_a_code_without_a_system_is_one_of_the_codes_that_have_none() -> None:
    bare = {"compose": {"include": [{"concept": [{"code": "z"}]}]}}
    assert not refused(form(bare), valueCoding={"code": "z"})
    assert refused(form(bare), valueCoding={"system": "urn:a", "code": "z"})
