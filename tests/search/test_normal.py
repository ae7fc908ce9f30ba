"""The forms in which texts are kept and compared. https://hl7.org/fhir/R4/search.html#string"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.normal import LONGEST_ASKED, LONGEST_KEY, LONGEST_TEXT, contact, fold, key, rows, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("  Anna \t Maria ", "anna maria"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Ｗide", "wide"),
        ("Nguyễn", "nguyen"),
        ("İ", "i"),
        ("Łukasz Ørsted", "lukasz orsted"),
        ("Đặng", "dang"),
        ("ışık", "isik"),
        ("Æbelø", "aebelo"),
        ("O'Brien", "obrien"),
        ("O’Brien", "obrien"),
        ("Keʻala", "keala"),
        ("J.R. St. John", "jr st john"),
        ("Smith-Jones", "smith jones"),
        ("Garcia, Lopez; (Ana)", "garcia lopez ana"),
        ("Иван", "иван"),
        ("李", "李"),
        ("--", "--"),
        ("'", "'"),
    ],
)
def test_case_accents_punctuation_and_spaces_do_not_count(text: str, folded: str) -> None:
    """A folded string has no case, no accents, no punctuation and single spaces."""
    assert fold(text) == folded


@given(st.text(max_size=60))
def test_folding_again_changes_nothing(text: str) -> None:
    """What is folded is a fixed point, so that rows and questions meet."""
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=LONGEST_TEXT * 5), st.data())
def test_what_may_be_asked_lies_within_one_row_and_a_row_fits_an_index(text: str, data: st.DataObject) -> None:
    """However long the text, each row is bounded, and each part of it that is short enough is in one of them."""
    kept = rows(text)
    assert max(map(len, kept)) <= LONGEST_TEXT
    start = data.draw(st.integers(0, len(text)))
    assert any(text[start : start + LONGEST_ASKED] in row for row in kept)
    assert all(row in text for row in kept)


def test_a_name_is_found_by_each_of_its_words_and_as_one() -> None:
    """The words after the first begin rows of their own."""
    assert words("garcia de lopez") == ["de lopez", "lopez", "garciadelopez"]
    assert words("garcia") == words("") == []


@given(st.text(max_size=LONGEST_KEY * 3), st.text(max_size=LONGEST_KEY * 3))
def test_keys_are_equal_when_texts_are(one: str, other: str) -> None:
    """A key is bounded, and two texts share one only if they are the same."""
    assert len(key(one)) <= LONGEST_KEY
    assert (key(one) == key(other)) is (one == other)


def test_long_texts_with_one_head_have_different_keys() -> None:
    """What differs only behind the bound still differs."""
    assert key("x" * 500 + "a") != key("x" * 500 + "b")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("(555) 123-4567", "5551234567"),
        ("+1 555.123.4567", "+15551234567"),
        (" Ann@School.Example ", "ann@school.example"),
        ("https://school.example/A", "https://school.example/a"),
        ("555 ext. 3", "555 ext. 3"),
    ],
)
def test_contacts_are_compared_by_what_they_say(text: str, kept: str) -> None:
    """A telephone number is its digits, any other contact has no case."""
    assert contact(text) == kept


@given(st.text(max_size=40))
def test_a_contact_that_is_kept_stays_the_same(text: str) -> None:
    """Rows and questions go through the same form once or twice."""
    assert contact(contact(text)) == contact(text)
