"""Observations out of answers. https://hl7.org/fhir/uv/sdc/extraction.html#observation-based-extraction"""

from __future__ import annotations

from typing import Any

import pytest

from app.assessments.extract import SURVEY, bundle, extracted
from app.assessments.form import EXTRACTED, INLINE_LABEL

Json = dict[str, Any]
CODE = [{"system": "urn:codes", "code": "days"}]
SUBJECT = {"reference": "Patient/p"}
NURSE = {"reference": "Practitioner/n"}
R, PSY, V = ({"system": "urn:labels", "code": code} for code in ("R", "PSY", "V"))


def mark(value: bool = True) -> Json:
    """The extension that has answers extracted, or not."""
    return {"url": EXTRACTED, "valueBoolean": value}


def label(coding: Json) -> Json:
    """The extension by which a question's answers are labeled."""
    return {"url": INLINE_LABEL, "valueCoding": coding}


def question(link: str = "q", *extensions: Json, **more: Any) -> Json:
    """A question with a code."""
    own = {"extension": list(extensions)} if extensions else {}
    return {"linkId": link, "type": "integer", "code": CODE, **own, **more}


def response(*items: Json, **more: Any) -> Json:
    """A completed response; without items, with one answer."""
    answered = list(items) or [answer()]
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": SUBJECT,
        "item": answered,
        **more,
    }


def answer(link: str = "q", **value: Any) -> Json:
    """An item with an answer."""
    return {"linkId": link, "answer": [value or {"valueInteger": 3}]}


FORM = {"extension": [mark()], "item": [question()]}
LEAST = {
    "resourceType": "Observation",
    "status": "final",
    "category": [SURVEY],
    "code": {"coding": CODE},
    "subject": SUBJECT,
    "valueInteger": 3,
}


def test_an_answer_is_a_survey_observation_of_the_student_by_the_code_of_its_question() -> None:
    assert extracted(FORM, response()) == [LEAST]


def test_all_that_a_response_says_of_itself_is_said_of_the_observation() -> None:
    encounter = {"reference": "Encounter/e"}
    said = {"id": "r", "encounter": encounter, "authored": "2026-10-05T08:00:00Z", "author": NURSE, "source": SUBJECT}
    form = {"extension": [mark()], "item": [question(text="Days missed")]}
    assert extracted(form, response(**said)) == [
        {
            **LEAST,
            "code": {"coding": CODE, "text": "Days missed"},
            "encounter": encounter,
            "effectiveDateTime": "2026-10-05T08:00:00Z",
            "issued": "2026-10-05T08:00:00Z",
            "performer": [NURSE],
            "derivedFrom": [{"reference": "QuestionnaireResponse/r"}],
        }
    ]


def test_a_day_is_when_it_was_said_and_no_moment_of_issue() -> None:
    assert extracted(FORM, response(authored="2026-10-05")) == [{**LEAST, "effectiveDateTime": "2026-10-05"}]


@pytest.mark.parametrize(
    ("said", "performer"),
    [
        ({"source": SUBJECT}, [SUBJECT]),
        ({"author": {"reference": "Device/d"}, "source": SUBJECT}, None),
        ({"author": {"display": "A nurse"}}, [{"display": "A nurse"}]),
    ],
)
def test_who_answered_performed_it_unless_that_is_a_device(said: Json, performer: list[Json] | None) -> None:
    (made,) = extracted(FORM, response(**said))
    assert made.get("performer") == performer


@pytest.mark.parametrize(
    ("status", "made"), [("completed", ["final"]), ("amended", ["amended"]), ("in-progress", []), ("stopped", [])]
)
def test_answers_count_when_all_is_said_and_as_amended_if_they_were(status: str, made: list[str]) -> None:
    assert [o["status"] for o in extracted(FORM, response(status=status))] == made


SHAPES: list[tuple[Json, Json]] = [
    ({"valueBoolean": False}, {"valueBoolean": False}),
    ({"valueInteger": 0}, {"valueInteger": 0}),
    ({"valueString": "s"}, {"valueString": "s"}),
    ({"valueDateTime": "2026-10-05T08:00:00Z"}, {"valueDateTime": "2026-10-05T08:00:00Z"}),
    ({"valueTime": "08:00:00"}, {"valueTime": "08:00:00"}),
    ({"valueQuantity": {"value": 2, "unit": "d"}}, {"valueQuantity": {"value": 2, "unit": "d"}}),
    ({"valueCoding": R}, {"valueCodeableConcept": {"coding": [R]}}),
    ({"valueDecimal": 1.5}, {"valueQuantity": {"value": 1.5}}),
    ({"valueDate": "2026-10-05"}, {"valueDateTime": "2026-10-05"}),
    ({"valueUri": "urn:x"}, {"valueString": "urn:x"}),
]


@pytest.mark.parametrize(("given", "value"), SHAPES)
def test_an_answer_of_each_type_stands_in_the_element_that_an_observation_has(given: Json, value: Json) -> None:
    (made,) = extracted(FORM, response(answer(**given)))
    assert {k: v for k, v in made.items() if k.startswith("value")} == value


def test_an_answer_that_no_observation_can_hold_is_left_out_and_the_others_are_not() -> None:
    attached = answer("q", valueAttachment={"title": "A letter"})
    assert extracted(FORM, response(attached, answer())) == [LEAST]


@pytest.mark.parametrize(
    ("form", "links"),
    [
        ({"item": [question("a"), question("b")]}, []),
        ({"extension": [mark()], "item": [question("a"), question("b")]}, ["a", "b"]),
        ({"extension": [mark()], "item": [question("a", mark(False)), question("b")]}, ["b"]),
        ({"item": [question("a", mark()), question("b")]}, ["a"]),
        ({"item": [question("a", {"url": "urn:other", "valueBoolean": True}), question("b", mark())]}, ["b"]),
        ({"extension": [mark(False)], "item": [question("a"), question("b", mark())]}, ["b"]),
        (
            {"item": [{"linkId": "g", "extension": [mark()], "item": [question("a"), question("b", mark(False))]}]},
            ["a"],
        ),
        ({"item": [question("a", {"url": EXTRACTED}), question("b", mark(False))]}, ["a"]),
        ({"extension": [mark()], "item": [question("a", code=[]), {"linkId": "b"}]}, []),
    ],
)
def test_a_mark_holds_for_all_that_stands_in_it_until_another(form: Json, links: list[str]) -> None:
    values = {"a": 1, "b": 2}
    found = extracted(form, response(*(answer(k, valueInteger=v) for k, v in values.items())))
    assert [o["valueInteger"] for o in found] == [values[k] for k in links]


def test_an_item_that_the_form_does_not_ask_becomes_no_observation() -> None:
    assert extracted(FORM, response({"answer": [{"valueInteger": 1}]}, answer("x"), answer())) == [LEAST]


def test_each_observation_has_the_labels_of_its_question_and_those_that_the_response_has_from_elsewhere() -> None:
    items = [question("q", label(R)), question("b", label(PSY)), question("c", label(V)), question("d")]
    form = {"extension": [mark()], "item": items}
    given = response(*(answer(k) for k in "qbcd"), meta={"security": [R, {**PSY, "display": "By the form"}, V]})
    assert [o.get("meta") for o in extracted(form, given)] == [
        {"security": [R]},
        {"security": [PSY]},
        {"security": [V]},
        None,
    ]
    elsewhere = [{"system": "urn:other", "code": "R"}, {"system": "urn:labels", "code": "N"}]
    given["meta"]["security"] += elsewhere
    assert [o["meta"]["security"] for o in extracted(form, given)] == [
        [*elsewhere, R],
        [*elsewhere, PSY],
        [*elsewhere, V],
        elsewhere,
    ]


def test_a_label_that_a_question_has_twice_is_told_once() -> None:
    form = {"extension": [mark()], "item": [question("q", label(R), label(R), label(V))]}
    assert [o["meta"] for o in extracted(form, response())] == [{"security": [R, V]}]


def test_observations_are_stored_by_one_transaction() -> None:
    assert bundle([LEAST]) == {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": LEAST, "request": {"method": "POST", "url": "Observation"}}],
    }
    assert bundle([]) == {"resourceType": "Bundle", "type": "transaction"}
