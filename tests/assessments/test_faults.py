"""Each fault of a response: its words, its element and its code, and no other beside it.

https://hl7.org/fhir/R4/questionnaireresponse.html#link
"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.judge import LEAST, MOST, faults
from app.errors import Issue

Json = dict[str, Any]
X, Y = ({"system": "urn:a", "code": code} for code in "xy")
AT = "QuestionnaireResponse.item[0]"
NEEDS_DAYS = [{"question": "days", "operator": "exists", "answerBoolean": True}]
DAYS = {"linkId": "days", "type": "integer"}


def asked(kind: str, **more: Any) -> Json:
    """A question."""
    return {"linkId": "q", "type": kind, **more}


def told(*questions: Json, items: list[Json] | None = None, status: str = "completed") -> list[Issue]:
    """The faults of a response with these items to a form of these questions."""
    response = {"status": status, **({"item": items} if items is not None else {})}
    return faults({"item": list(questions)}, response)


def given(*answers: Json, **more: Any) -> list[Json]:
    """An item with these answers."""
    return [{"linkId": "q", **({"answer": list(answers)} if answers else {}), **more}]


ONE = {"valueInteger": 1}
TWICE = Issue("The question q is answered in more than one item.", "QuestionnaireResponse.item", "business-rule")
NEEDED = Issue("The question q needs an answer.", "QuestionnaireResponse.item", "required")
NEEDED_HERE = Issue("The question q needs an answer.", AT, "required")
NOT_ASKED = Issue("The question is not asked after the other answers.", AT, "business-rule")
NO_ANSWER = Issue("This item of the form takes no answer.", f"{AT}.answer", "structure")
ONE_ANSWER = Issue("The question takes one answer.", f"{AT}.answer", "structure")
NO_OPTION = Issue("The answer is none of the form's options.", f"{AT}.answer[0].value", "code-invalid")


def unknown(at: str) -> Issue:
    """That the form does not ask."""
    return Issue("The form has no such question here.", at, "not-found")


@pytest.mark.parametrize("status", ["completed", "amended"])
@pytest.mark.parametrize("kind", ["integer", "group"])
def test_what_is_required_is_needed_when_all_is_said(status: str, kind: str) -> None:
    assert told(asked(kind, required=True), status=status) == [NEEDED]
    assert told(asked(kind, required=True), status="in-progress") == []
    assert told(asked(kind)) == []


def test_a_display_is_never_needed_and_a_group_needs_no_answer_of_its_own() -> None:
    assert told(asked("display", required=True)) == []
    assert told(asked("display", required=True), items=given()) == []
    assert told(asked("group", required=True), items=given()) == []


def test_a_required_question_that_is_there_without_an_answer_needs_one() -> None:
    assert told(asked("integer", required=True), items=given()) == [NEEDED_HERE]
    assert told(asked("integer", required=True), items=given(), status="in-progress") == []
    assert told(asked("integer"), items=given()) == []
    assert told(asked("integer", required=True), items=given(ONE)) == []


def test_a_required_question_that_is_not_asked_is_not_needed() -> None:
    form = [DAYS, asked("string", required=True, enableWhen=NEEDS_DAYS)]
    assert told(*form) == []
    assert told(*form, items=[{"linkId": "days", "answer": [ONE]}]) == [NEEDED]


def test_what_is_answered_without_being_asked_is_told_once_and_not_judged_further() -> None:
    question = asked("integer", enableWhen=NEEDS_DAYS, item=[asked("string")])
    assert told(DAYS, question, items=given({"valueString": "x"})) == [NOT_ASKED]
    assert told(DAYS, question, items=given(item=[{"linkId": "x"}])) == [NOT_ASKED]
    assert told(DAYS, question, items=given()) == []


def test_an_item_that_the_form_does_not_have_is_told_and_the_next_is_judged() -> None:
    items: list[Json] = [{"linkId": "x"}, {"answer": [ONE]}, *given({"valueString": "x"})]
    found = told(asked("integer"), items=items)
    assert found[:2] == [
        unknown("QuestionnaireResponse.item[0].linkId"),
        unknown("QuestionnaireResponse.item[1].linkId"),
    ]
    assert [i.expression for i in found[2:]] == ["QuestionnaireResponse.item[2].answer[0].value"]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (asked("integer"), [TWICE]),
        (asked("integer", repeats=True), [TWICE]),
        (asked("group"), [TWICE]),
        (asked("group", repeats=True), []),
    ],
)
def test_only_a_group_that_repeats_stands_in_more_than_one_item(question: Json, found: list[Issue]) -> None:
    assert told(question, items=given() * 2) == found


def test_only_a_question_that_repeats_takes_more_than_one_answer() -> None:
    assert told(asked("integer"), items=given(ONE, ONE)) == [ONE_ANSWER]
    assert told(asked("integer", repeats=True), items=given(ONE, ONE)) == []


@pytest.mark.parametrize("kind", ["group", "display"])
def test_what_is_no_question_takes_no_answer(kind: str) -> None:
    assert told(asked(kind), items=given(ONE)) == [NO_ANSWER]
    assert told(asked(kind), items=given()) == []


def test_an_answer_of_another_type_is_told_with_what_it_must_be() -> None:
    at = f"{AT}.answer[1].value"
    text = "The question is of type integer: its answer must be valueInteger, and is valueString."
    question = asked("integer", repeats=True)
    assert told(question, items=given(ONE, {"valueString": "1"})) == [Issue(text, at, "value")]
    text = "The question is of type open-choice: its answer must be valueCoding or valueString, and is valueInteger."
    assert told(asked("open-choice"), items=given(ONE)) == [Issue(text, f"{AT}.answer[0].value", "value")]


def test_an_answer_without_a_value_is_of_no_wrong_type() -> None:
    assert told(asked("integer"), items=given({"extension": [{"url": "urn:absent"}]})) == []


OPTIONS = [{"valueCoding": X}, {"valueInteger": 1}, {"valueString": "s"}]


@pytest.mark.parametrize(
    ("kind", "answer", "found"),
    [
        ("choice", {"valueCoding": {**X, "display": "An x"}}, []),
        ("choice", {"valueCoding": Y}, [NO_OPTION]),
        ("choice", {"valueCoding": {**X, "system": "urn:b"}}, [NO_OPTION]),
        ("choice", ONE, []),
        ("choice", {"valueInteger": 2}, [NO_OPTION]),
        ("choice", {"valueString": "t"}, [NO_OPTION]),
        ("open-choice", {"valueString": "t"}, []),
        ("open-choice", {"valueInteger": 2}, [NO_OPTION]),
        ("open-choice", {"valueCoding": Y}, [NO_OPTION]),
    ],
)
def test_an_answer_is_one_of_the_options_but_for_the_text_of_an_open_choice(
    kind: str, answer: Json, found: list[Issue]
) -> None:
    assert told(asked(kind, answerOption=OPTIONS), items=given(answer)) == found


def test_a_text_is_as_long_as_the_form_takes() -> None:
    question = asked("string", maxLength=3)
    assert told(question, items=given({"valueString": "abc"})) == []
    text = "The answer has more than 3 characters."
    assert told(question, items=given({"valueString": "abcd"})) == [Issue(text, f"{AT}.answer[0].value", "value")]
    assert told(asked("string"), items=given({"valueString": "abcd"})) == []


@pytest.mark.parametrize(
    ("kind", "name", "least", "most", "values"),
    [
        ("integer", "valueInteger", 1, 3, (0, 1, 3, 4)),
        ("decimal", "valueDecimal", 0.5, 1.5, (0.4, 0.5, 1.5, 1.6)),
        ("date", "valueDate", "2026-09-01", "2026-09-30", ("2026-08-31", "2026-09-01", "2026-09-30", "2026-10-01")),
    ],
)
def test_a_value_lies_between_the_bounds_that_it_may_reach(
    kind: str, name: str, least: Any, most: Any, values: tuple[Any, ...]
) -> None:
    extensions = [
        {"url": "urn:other", name: most},
        {"url": LEAST, name: least},
        {"url": MOST, name: most},
        {"url": LEAST},
    ]
    at = f"{AT}.answer[0].value"
    below, above = (Issue(f"The answer is {x}.", at, "value") for x in (f"below {least}", f"above {most}"))
    question = asked(kind, extension=extensions)
    assert [told(question, items=given({name: v})) for v in values] == [[below], [], [], [above]]
    only_most = asked(kind, extension=extensions[2:])
    assert told(only_most, items=given({name: values[0]})) == []
    only_least = asked(kind, extension=extensions[:2])
    assert told(only_least, items=given({name: values[3]})) == []


def test_what_is_asked_below_a_group_is_judged_at_its_place() -> None:
    group = {"linkId": "g", "type": "group", "item": [asked("integer", required=True)]}
    at = "QuestionnaireResponse.item[0]"
    needed = Issue(NEEDED.text, f"{at}.item", "required")
    assert told(group, items=[{"linkId": "g"}]) == [needed]
    assert told(group, items=[{"linkId": "g", "item": given()}]) == [Issue(NEEDED.text, f"{at}.item[0]", "required")]
    assert told(group, items=[{"linkId": "g", "item": [{"linkId": "x"}, *given(ONE)]}]) == [
        unknown(f"{at}.item[0].linkId")
    ]
    assert told({"linkId": "g", "type": "group"}, items=[{"linkId": "g"}]) == []


def test_what_is_asked_below_a_question_is_judged_below_its_answer() -> None:
    question = {"linkId": "p", "type": "integer", "item": [asked("integer", required=True)]}
    at = "QuestionnaireResponse.item[0].answer[0].item"
    assert told(question, items=[{"linkId": "p", "answer": [ONE]}]) == [Issue(NEEDED.text, at, "required")]
    assert told(question, items=[{"linkId": "p", "answer": [{**ONE, "item": given(ONE)}]}]) == []
    stray = [{"linkId": "p", "answer": [{**ONE, "item": [{"linkId": "x"}, *given(ONE)]}]}]
    assert told(question, items=stray) == [unknown(f"{at}[0].linkId")]
    assert told(question, items=[{"linkId": "p", "answer": [{"extension": []}]}]) == []
    assert told(DAYS, items=[{"linkId": "days", "answer": [{**ONE, "item": given()}]}]) == [unknown(f"{at}[0].linkId")]
    assert told(DAYS, items=[{"linkId": "days", "answer": [{"item": given()}]}]) == [unknown(f"{at}[0].linkId")]


def test_an_item_below_a_question_itself_is_judged_beside_its_answer() -> None:
    question = {"linkId": "p", "type": "integer", "item": [asked("integer")]}
    assert told(question, items=[{"linkId": "p", "item": [{"linkId": "x"}]}]) == [unknown(f"{AT}.item[0].linkId")]
    assert told(DAYS, items=[{"linkId": "days", "item": given()}]) == [unknown(f"{AT}.item[0].linkId")]


def test_a_code_outside_of_the_value_set_is_told_at_the_value() -> None:
    question = asked("choice", answerValueSet="urn:set")
    response = {"status": "completed", "item": given({"valueCoding": Y})}
    found = faults({"item": [question]}, response, lambda url: {"urn:a": frozenset("x")} if url == "urn:set" else None)
    text = "The answer is none of the codes of the question's value set."
    assert found == [Issue(text, f"{AT}.answer[0].value", "code-invalid")]
    assert faults({"item": [question]}, response) == []


def test_an_empty_form_and_an_empty_response_have_no_fault() -> None:
    assert faults({}, {}) == []
    assert told(asked("integer")) == []
    assert faults({}, {"item": given()}) == [unknown(f"{AT}.linkId")]


def test_of_millions_of_faults_the_first_hundred_are_told() -> None:
    asked = [{"linkId": f"q{n}", "type": "string", "required": True} for n in range(2_000)]
    group = {"linkId": "g", "type": "group", "repeats": True, "item": asked}
    found = faults({"item": [group]}, {"status": "completed", "item": [{"linkId": "g"}] * 6_000})
    assert len(found) == 100
    assert found[0].text == "The question q0 needs an answer."
