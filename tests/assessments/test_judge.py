"""Answers are judged by their form: types, options, conditions, and what is required when all is said.

https://hl7.org/fhir/R4/questionnaireresponse.html#link
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from app.assessments.extract import bundle, codes, extracted, populated
from app.assessments.form import with_labels
from app.assessments.judge import faults
from app.assessments.shipped import SHIPPED
from app.fhir.validation.validate import issues

Json = dict[str, Any]
REVIEW = next(f for f in SHIPPED if f["name"] == "StrengthsAndNeeds")
LEVEL = "https://hallpass.example/fhir/CodeSystem/review-level"
DOMAIN = "https://hallpass.example/fhir/CodeSystem/review-domain"
STUDENT = {"reference": "Patient/00000000-0000-4000-8000-000000000001"}


def level(code: str) -> Json:
    return {"valueCoding": {"system": LEVEL, "code": code}}


def response(status: str = "completed") -> Json:
    """A whole review: attendance is a need, the rest as expected."""
    items = []
    for group in REVIEW["item"]:
        link = group["linkId"]
        found = [{"linkId": f"{link}.strength", "answer": [level("need" if link == "attendance" else "typical")]}]
        if link == "attendance":
            found.append({"linkId": "attendance.note", "answer": [{"valueString": "A ride"}]})
        items.append({"linkId": link, "item": found})
    own = {"questionnaire": f"{REVIEW['url']}|1.0", "status": status, "authored": "2026-10-05"}
    return {"resourceType": "QuestionnaireResponse", "id": "r", **own, "subject": STUDENT, "item": items}


@pytest.mark.parametrize("form", SHIPPED, ids=lambda f: f["name"])
def test_a_form_that_is_shipped_is_valid(form: Json) -> None:
    assert issues("Questionnaire", form) == []


def test_a_whole_response_has_no_fault() -> None:
    assert faults(REVIEW, response()) == []


def _other(item: Json) -> None:
    item["item"][0]["answer"] = [level("splendid")]


def _text(item: Json) -> None:
    item["item"][0]["answer"] = [{"valueString": "fine"}]


def _twice(item: Json) -> None:
    item["item"][0]["answer"] = [level("need"), level("urgent")]


def _both(item: Json) -> None:
    item["item"].append({"linkId": "attendance.strength", "answer": [level("need")]})


def _unknown(item: Json) -> None:
    item["item"].append({"linkId": "attendance.mood", "answer": [{"valueString": "x"}]})


def _missing(item: Json) -> None:
    del item["item"][0]


def _empty(item: Json) -> None:
    item["item"] = [{"linkId": "attendance.strength"}]


def _not_asked(item: Json) -> None:
    item["item"][0]["answer"] = [level("typical")]


def _long(item: Json) -> None:
    item["item"][1]["answer"] = [{"valueString": "x" * 2001}]


def _answered_group(item: Json) -> None:
    item["answer"] = [{"valueString": "x"}]


ATTENDANCE = "QuestionnaireResponse.item[0]"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_other, f"{ATTENDANCE}.item[0].answer[0].value"),
        (_text, f"{ATTENDANCE}.item[0].answer[0].value"),
        (_twice, f"{ATTENDANCE}.item[0].answer"),
        (_both, f"{ATTENDANCE}.item"),
        (_unknown, f"{ATTENDANCE}.item[2].linkId"),
        (_missing, f"{ATTENDANCE}.item"),
        (_empty, f"{ATTENDANCE}.item[0]"),
        (_not_asked, f"{ATTENDANCE}.item[1]"),
        (_long, f"{ATTENDANCE}.item[1].answer[0].value"),
        (_answered_group, f"{ATTENDANCE}.answer"),
    ],
)
def test_a_fault_is_told_at_its_item(change: Any, where: str) -> None:
    faulty = deepcopy(response())
    change(faulty["item"][0])
    assert where in {i.expression for i in faults(REVIEW, faulty)}


@pytest.mark.parametrize("status", ["in-progress", "stopped"])
def test_what_is_required_may_be_missing_until_all_is_said(status: str) -> None:
    unfinished = response(status)
    del unfinished["item"][0]["item"][0]
    assert [i.code for i in faults(REVIEW, unfinished)] == ["business-rule"]  # the note is asked after a need alone


def test_a_fault_repeats_no_answer() -> None:
    faulty = response()
    faulty["item"][0]["item"][0]["answer"] = [{"valueString": "Quillfeather"}]
    assert "Quillfeather" not in str(faults(REVIEW, faulty))


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "enabled"),
    [
        ("exists", {"answerBoolean": True}, 3, True),
        ("exists", {"answerBoolean": False}, 3, False),
        ("exists", {"answerBoolean": False}, None, True),
        (">", {"answerInteger": 2}, 3, True),
        (">=", {"answerInteger": 4}, 3, False),
        ("<", {"answerInteger": 3}, 3, False),
        ("<=", {"answerInteger": 3}, 3, True),
        ("!=", {"answerInteger": 3}, 3, False),
        ("!=", {"answerInteger": 2}, None, False),
        ("=", {"answerInteger": 3}, 3, True),
    ],
)
def test_a_question_is_asked_by_the_answer_to_another(
    operator: str, wanted: Json, given: int | None, enabled: bool
) -> None:
    condition = {"question": "days", "operator": operator, **wanted}
    form = {
        "item": [
            {"linkId": "days", "type": "integer"},
            {"linkId": "why", "type": "string", "required": True, "enableWhen": [condition]},
        ]
    }
    answers = [{"linkId": "days", "answer": [{"valueInteger": given}]}] if given is not None else []
    found = faults(form, {"status": "completed", "item": answers})
    assert [i.code for i in found] == (["required"] if enabled else [])


def test_a_response_takes_the_labels_of_what_is_answered_in_it() -> None:
    labeled = with_labels(REVIEW, response())
    assert [c["code"] for c in labeled["meta"]["security"]] == ["R"]
    assert with_labels(REVIEW, labeled) == labeled
    plain = response()
    plain["item"] = plain["item"][:1]
    assert with_labels(REVIEW, plain) == plain


def test_each_marked_answer_becomes_an_observation_with_its_own_labels() -> None:
    found = extracted(REVIEW, response())
    assert len(found) == len(REVIEW["item"])
    assert [i for o in found for i in issues("Observation", o)] == []
    by_code = {o["code"]["coding"][0]["code"]: o for o in found}
    assert by_code["attendance"]["valueCodeableConcept"]["coding"][0]["code"] == "need"
    assert "meta" not in by_code["attendance"]
    assert by_code["feelings"]["meta"]["security"][0]["code"] == "R"
    assert len(bundle(found)["entry"]) == len(found)


def test_a_form_is_begun_with_the_newest_observation_of_each_question() -> None:
    code = {"coding": [{"system": DOMAIN, "code": "attendance"}]}
    values = ({"coding": [level(c)["valueCoding"]]} for c in ("need", "strength"))
    newer, older = ({"code": code, "valueCodeableConcept": v} for v in values)
    assert f"{DOMAIN}|attendance" in codes(REVIEW)
    begun = populated(REVIEW, REVIEW["url"], STUDENT["reference"], [newer, older])
    assert issues("QuestionnaireResponse", begun) == []
    assert begun["item"] == [
        {"linkId": "attendance", "text": "Attendance and engagement", "item": begun["item"][0]["item"]}
    ]
    assert begun["item"][0]["item"][0]["answer"] == [level("need")]
