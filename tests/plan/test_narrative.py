"""Tables of XHTML, and resources in words. https://hl7.org/fhir/R4/narrative.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.plan.narrative import day, measured, person, text, words

XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">'


def test_rows_are_a_table_under_their_headings_and_what_they_say_is_escaped() -> None:
    assert text([("a < b & c", 'say "x"'), ("d", "")], ("One & two", "Three"), "None.") == {
        "status": "generated",
        "div": f'{XHTML}<table border="1"><tr><th>One &amp; two</th><th>Three</th></tr>'
        '<tr><td>a &lt; b &amp; c</td><td>say "x"</td></tr><tr><td>d</td><td></td></tr></table></div>',
    }


def test_no_rows_are_a_sentence() -> None:
    assert text([], ("One",), "None & none.") == {
        "status": "generated",
        "div": f"{XHTML}<p>None &amp; none.</p></div>",
    }


def test_a_control_character_is_left_out_and_a_line_stays_a_line() -> None:
    made = text([("a\x00b\x1fc\td\ne\rf g",)], ("H",), "")
    assert "<td>abc\td\ne\rf g</td>" in made["div"]


@pytest.mark.parametrize(
    ("concept", "said"),
    [
        (None, ""),
        ("text", ""),
        ({}, ""),
        ({"text": "T", "coding": [{"display": "D"}]}, "T"),
        ({"coding": [{"code": "c", "display": "D"}]}, "D"),
        ({"coding": [{"code": "c"}, {"code": "d", "display": "D"}]}, "c"),
        ({"coding": [{"system": "urn:a"}, {"display": "D"}]}, "D"),
        ({"coding": []}, ""),
        ({"code": "c", "display": "D"}, "D"),
        ([{"text": "T"}, {}, {"coding": [{"code": "c"}]}], "T, c"),
    ],
)
def test_a_concept_says_its_text_or_else_its_first_coding(concept: Any, said: str) -> None:
    assert words(concept) == said


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (None, ""),
        ("RelatedPerson/m", ""),
        ({"reference": "RelatedPerson/m", "display": "Mother"}, "Lu Sol"),
        ({"reference": "RelatedPerson/x", "display": "Mother"}, "Mother"),
        ({"reference": "RelatedPerson/x"}, ""),
        ({"display": "Mother"}, "Mother"),
    ],
)
def test_a_reference_says_the_name_at_hand_or_else_its_own_words(reference: Any, said: str) -> None:
    assert person(reference, {"RelatedPerson/m": "Lu Sol"}) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        ("", ""),
        ("2026", "2026"),
        ("2026-11-28T10:00:00Z", "2026-11-28"),
        ({"start": "2026-09-01T08:00:00Z", "end": "2026-10-01T08:00:00Z"}, "2026-09-01 to 2026-10-01"),
        ({"start": "2026-09-01"}, "2026-09-01"),
        ({"end": "2026-10-01"}, "2026-10-01"),
        ({}, ""),
    ],
)
def test_a_moment_or_a_period_is_told_by_its_days(value: Any, said: str) -> None:
    assert day(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, ""),
        ({"valueQuantity": {"value": 93.5, "unit": "%", "code": "%"}}, "93.5 %"),
        ({"valueQuantity": {"value": 3}}, "3"),
        ({"valueCodeableConcept": {"text": "A need"}}, "A need"),
        ({"valueString": "late"}, "late"),
        ({"valueInteger": 3}, "3"),
    ],
)
def test_a_value_is_told_in_words(value: dict[str, Any], said: str) -> None:
    assert measured({"status": "final", "code": {"text": "Attendance"}, **value}) == said
