"""What each question takes, and how sensitive its answers are. https://hl7.org/fhir/R4/questionnaire.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.form import INLINE_LABEL, TAKES, answered, labels, questions, takes, with_labels

Json = dict[str, Any]
R, PSY, V = ({"system": "urn:labels", "code": code} for code in ("R", "PSY", "V"))


@pytest.mark.parametrize(("kind", "elements"), TAKES.items())
def test_a_question_takes_the_elements_of_its_type(kind: str, elements: tuple[str, ...]) -> None:
    assert takes({"type": kind}) == elements


@pytest.mark.parametrize("question", [{"type": "group"}, {"type": "display"}, {}])
def test_a_group_and_a_display_take_none(question: Json) -> None:
    assert takes(question) == ()


def test_a_choice_takes_what_its_options_are_and_an_open_one_a_text_besides() -> None:
    options = [{"valueInteger": 1, "initialSelected": True}, {"valueInteger": 2}, {"valueDate": "2026-10-05"}]
    assert takes({"type": "choice", "answerOption": options}) == ("valueInteger", "valueDate")
    assert takes({"type": "open-choice", "answerOption": options}) == ("valueInteger", "valueDate", "valueString")


def test_questions_and_answers_are_told_in_document_order_at_any_depth() -> None:
    form = {"item": [{"linkId": "a", "item": [{"linkId": "b"}]}, {"linkId": "c"}]}
    assert [q["linkId"] for q in questions(form)] == ["a", "b", "c"]
    below = [{"linkId": "b", "answer": [{"valueInteger": 2}]}]
    beside = [{"linkId": "c", "answer": [{"valueInteger": 3}]}]
    first = {"linkId": "a", "answer": [{"valueInteger": 1, "item": below}, {"valueInteger": 9}], "item": beside}
    response = {"item": [first, {"linkId": "d"}, {"linkId": "e", "answer": [{"valueInteger": 4}]}]}
    found = [(item["linkId"], answer["valueInteger"]) for item, answer in answered(response)]
    assert found == [("a", 1), ("b", 2), ("a", 9), ("c", 3), ("e", 4)]


def test_a_question_is_labeled_by_the_extension_for_it_alone() -> None:
    extensions = [
        {"url": "urn:other", "valueCoding": V},
        {"url": INLINE_LABEL},
        {"url": INLINE_LABEL, "valueCoding": R},
        {"url": INLINE_LABEL, "valueCoding": PSY},
    ]
    assert labels({"extension": extensions}) == [R, PSY]
    assert labels({}) == []


def labeled(link: str, *codings: Json, **more: Any) -> Json:
    """A question whose answers have labels."""
    return {"linkId": link, "extension": [{"url": INLINE_LABEL, "valueCoding": c} for c in codings], **more}


FORM = {"item": [labeled("a", R, item=[labeled("b", PSY, R)]), labeled("c", V), {"linkId": "d"}]}


def response(*links: str, **more: Any) -> Json:
    """A response in which these are answered."""
    return {"item": [{"linkId": link, "answer": [{"valueInteger": 1}]} for link in links], **more}


def test_a_response_has_the_labels_of_what_is_answered_behind_its_own_each_once() -> None:
    own = {**PSY, "display": "As it was written"}
    given = response("a", "b", "b", meta={"security": [own], "profile": ["urn:p"]}, status="completed")
    meta = {"security": [own, R], "profile": ["urn:p"]}
    assert with_labels(FORM, given) == {**given, "meta": meta}
    assert with_labels(FORM, response("a"))["meta"] == {"security": [R]}
    assert with_labels(FORM, response("a", "b", "c"))["meta"] == {"security": [R, PSY, V]}


def test_a_label_of_another_system_is_another_label() -> None:
    other = {**R, "system": "urn:other"}
    assert with_labels(FORM, response("a", meta={"security": [other]}))["meta"]["security"] == [other, R]
    form = {"item": [labeled("a", other, R)]}
    assert with_labels(form, response("a"))["meta"]["security"] == [other, R]


@pytest.mark.parametrize("given", [response("d"), response("x"), response(), {"item": [{"answer": [{}]}]}])
def test_a_response_without_a_labeled_answer_stays_as_it_is(given: Json) -> None:
    assert with_labels(FORM, given) == given
