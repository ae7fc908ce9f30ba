"""Answers out of Observations. https://hl7.org/fhir/uv/sdc/populate.html#observation-based-population"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.extract import codes, populated
from app.assessments.form import POPULATED

Json = dict[str, Any]
MARK = {"url": POPULATED, "valueDuration": {"value": 1, "unit": "a"}}
OTHER = {"url": "urn:other", "valueBoolean": True}
DAYS = {"system": "urn:codes", "code": "days"}
X, Y = ({"system": "urn:a", "code": code} for code in "xy")
R = {"system": "urn:labels", "code": "R"}


def question(link: str, kind: str = "integer", **more: Any) -> Json:
    """A question that Observations of days answer."""
    return {"linkId": link, "type": kind, "code": [DAYS], "extension": [MARK], **more}


def observation(*, of: Json | None = None, **value: Any) -> Json:
    """An Observation, of days unless it is said."""
    return {"resourceType": "Observation", "code": {"coding": [of or DAYS]}, **value}


def begun(*items: Json, known: list[Json] | None = None, canonical: str | None = None) -> Json:
    """A response that is begun for a form of these items."""
    return populated({"item": list(items)}, canonical, "Patient/p", known or [])


def test_the_codes_that_are_looked_for_are_those_of_marked_questions_each_once() -> None:
    plain = {"linkId": "e", "code": [{"system": "urn:codes", "code": "unmarked"}]}
    other = {**plain, "linkId": "f", "extension": [OTHER]}
    bare = {"linkId": "g", "extension": [OTHER, MARK], "code": [{"code": "c"}, {"system": "urn:s"}]}
    group = {"linkId": "g", "item": [question("h"), bare, {"linkId": "i", "extension": [MARK]}]}
    assert codes({"item": [question("a"), plain, other, group]}) == ["urn:codes|days", "|c", "urn:s|"]
    assert codes({}) == []


def test_a_response_is_begun_with_what_is_known() -> None:
    newer, older = observation(valueInteger=3), observation(valueInteger=9)
    group = {"linkId": "g", "text": "Attendance", "type": "group", "item": [question("q", text="Days missed")]}
    assert begun(group, known=[newer, older], canonical="urn:form|1") == {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "urn:form|1",
        "status": "in-progress",
        "subject": {"reference": "Patient/p"},
        "item": [
            {
                "linkId": "g",
                "text": "Attendance",
                "item": [{"linkId": "q", "text": "Days missed", "answer": [{"valueInteger": 3}]}],
            }
        ],
    }


def test_a_response_of_which_nothing_is_known_is_empty() -> None:
    assert begun(question("q"), {"linkId": "g", "type": "group", "item": [question("r")]}) == {
        "resourceType": "QuestionnaireResponse",
        "status": "in-progress",
        "subject": {"reference": "Patient/p"},
    }
    assert "item" not in populated({}, None, "Patient/p", [])


def test_it_has_the_labels_of_what_it_was_begun_with_and_of_nothing_else() -> None:
    used, unused = ({"meta": {"security": [{**R, "code": code}]}} for code in ("R", "V"))
    known = [observation(valueInteger=3, **used), observation(valueInteger=4, **unused)]
    assert begun(question("q"), known=known)["meta"] == {"security": [R]}
    assert "meta" not in begun(question("q"), known=[observation(valueInteger=3)])


def test_an_observation_is_known_by_each_of_its_codings_with_or_without_a_system() -> None:
    two = {"code": {"coding": [{"system": "urn:z", "code": "z"}, {"code": "c"}, {"system": "urn:s"}]}}
    items = [
        question("a", code=[{"system": "urn:z", "code": "z"}]),
        question("b", code=[{"code": "c"}]),
        question("c", code=[{"system": "urn:s"}]),
        question("d"),
    ]
    known: list[Json] = [{"resourceType": "Observation"}, {"code": {"text": "x"}}, {**two, "valueInteger": 3}]
    assert [i["linkId"] for i in begun(*items, known=known)["item"]] == ["a", "b", "c"]


def test_an_unmarked_question_takes_no_observation() -> None:
    unmarked = {"linkId": "u", "type": "integer", "code": [DAYS], "extension": [OTHER]}
    assert begun(unmarked, question("q"), known=[observation(valueInteger=3)])["item"] == [
        {"linkId": "q", "answer": [{"valueInteger": 3}]}
    ]


def test_an_initial_value_stands_where_nothing_is_known_if_the_question_takes_it() -> None:
    initial = [{"valueInteger": 1}, {"valueString": "one"}, {"valueInteger": 2}]
    items = [question("q", initial=initial), {"linkId": "w", "type": "integer", "initial": initial[1:2]}]
    assert begun(*items)["item"] == [{"linkId": "q", "answer": [{"valueInteger": 1}, {"valueInteger": 2}]}]
    assert begun(*items, known=[observation(valueInteger=3)])["item"] == [
        {"linkId": "q", "answer": [{"valueInteger": 3}]}
    ]
    unfit = [observation(valueString="three")]
    assert begun(*items, known=unfit)["item"][0]["answer"] == [{"valueInteger": 1}, {"valueInteger": 2}]


def test_what_is_asked_below_a_question_is_begun_beside_its_answer() -> None:
    below = {"linkId": "b", "type": "string", "initial": [{"valueString": "s"}]}
    made = begun(question("q", item=[below]), known=[observation(valueInteger=3)])
    answer = {"linkId": "b", "answer": [{"valueString": "s"}]}
    assert made["item"] == [{"linkId": "q", "answer": [{"valueInteger": 3}], "item": [answer]}]


OPTIONS = [{"valueCoding": Y}, {"valueString": "other"}]
VALUES: list[tuple[Json, Json, Json | None]] = [
    ({"type": "boolean"}, {"valueBoolean": False}, {"valueBoolean": False}),
    ({"type": "integer"}, {"valueQuantity": {"value": 3}}, None),
    ({"type": "decimal"}, {"valueQuantity": {"value": 1.5, "unit": "d"}}, {"valueDecimal": 1.5}),
    ({"type": "decimal"}, {"valueQuantity": {"unit": "d"}}, None),
    ({"type": "decimal"}, {"valueInteger": 2}, None),
    ({"type": "string"}, {"valueString": "s"}, {"valueString": "s"}),
    ({"type": "quantity"}, {"valueQuantity": {"value": 2}}, {"valueQuantity": {"value": 2}}),
    ({"type": "choice"}, {"valueCodeableConcept": {"coding": [X, Y]}}, {"valueCoding": X}),
    ({"type": "choice"}, {"valueCodeableConcept": {"text": "x"}}, None),
    ({"type": "choice"}, {"valueString": "x"}, None),
    ({"type": "choice", "answerOption": OPTIONS}, {"valueCodeableConcept": {"coding": [X, Y]}}, {"valueCoding": Y}),
    ({"type": "choice", "answerOption": OPTIONS}, {"valueCodeableConcept": {"coding": [X]}}, None),
    (
        {"type": "choice", "answerOption": OPTIONS},
        {"valueCodeableConcept": {"coding": [{**Y, "system": "urn:b"}, {**Y, "display": "Why"}]}},
        {"valueCoding": {**Y, "display": "Why"}},
    ),
    ({"type": "open-choice"}, {"valueString": "free"}, {"valueString": "free"}),
    ({"type": "open-choice"}, {"valueCodeableConcept": {"coding": [X]}}, {"valueCoding": X}),
    ({"type": "group"}, {"valueString": "s"}, None),
]


@pytest.mark.parametrize(("asked", "known", "answer"), VALUES)
def test_a_question_takes_the_value_that_fits_its_type_and_its_options(
    asked: Json, known: Json, answer: Json | None
) -> None:
    item = {"linkId": "q", "answer": [answer]}
    assert begun({**question("q"), **asked}, known=[observation(**known)]).get("item") == ([item] if answer else None)
