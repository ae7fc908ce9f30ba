"""What families read is in plain words: grade 8 or below in English, easy by INFLESZ in Spanish."""

from __future__ import annotations

import re

import pytest

from app.signing.catalog import CATALOGS, Catalog, catalog
from app.signing.terms import KINDS, LABELS, LAWS, PURPOSES
from tests.signing.readability import english_syllables, grade, inflesz, spanish_syllables

GETTYSBURG = (
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, "
    "and dedicated to the proposition that all men are created equal."
)
QUIJOTE = (
    "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo que vivía un hidalgo de los de "
    "lanza en astillero, adarga antigua, rocín flaco y galgo corredor."
)
GRADE, NORMAL, EASY = 8.0, 55.0, 65.0


def sentences(texts: Catalog) -> str:
    """All that is a sentence: what a family reads, without labels of one or two words."""
    return "\n".join(t for t in texts.texts.values() if re.search(r"[.?]", t) and "{month}" not in t)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("cat", 1), ("school", 1), ("paper", 2), ("shared", 1), ("nation", 2), ("dedicated", 4), ("information", 4),
     ("people", 2), ("use", 1), ("area", 3)],
)  # fmt: skip
def test_syllables_of_english_words(word: str, syllables: int) -> None:
    assert english_syllables(word) == syllables


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("sol", 1), ("escuela", 3), ("día", 2), ("código", 3), ("quien", 1), ("ciudad", 2), ("guitarra", 3), ("ley", 1),
     ("poeta", 3), ("enlace", 3), ("después", 2)],
)  # fmt: skip
def test_syllables_of_spanish_words(word: str, syllables: int) -> None:
    assert spanish_syllables(word) == syllables


def test_the_scales_give_what_is_known_of_known_texts() -> None:
    words, syllables = 29, 47
    assert grade(GETTYSBURG) == pytest.approx(0.39 * words + 11.8 * syllables / words - 15.59, abs=0.9)
    assert grade("The cat sat on the mat.") == pytest.approx(-1.45, abs=0.01)
    assert inflesz("El sol es de oro.") == pytest.approx(206.835 - 62.3 * 6 / 5 - 5, abs=0.01)
    assert inflesz(QUIJOTE) == pytest.approx(206.835 - 62.3 * 61 / 33 - 33, abs=6)


def test_english_is_read_from_grade_8_or_before_as_a_whole_and_sentence_by_sentence() -> None:
    text = sentences(CATALOGS["en"])
    assert grade(text) <= 5, grade(text)
    hard = [t for t in CATALOGS["en"].texts.values() if len(t.split()) > 8 and grade(t) > GRADE]
    assert hard == []


def test_spanish_is_easy_as_a_whole_and_never_hard() -> None:
    text = sentences(CATALOGS["es"])
    assert inflesz(text) >= EASY, inflesz(text)
    hard = [t for t in CATALOGS["es"].texts.values() if len(t.split()) > 8 and inflesz(t) < NORMAL]
    assert hard == []


def test_a_hard_text_is_found() -> None:
    legal = "Authorization for the disclosure of individually identifiable educational information is hereby executed."
    assert grade(legal) > GRADE
    assert (
        inflesz("La autorización correspondiente a la divulgación de informaciones identificables individualmente.")
        < NORMAL
    )


@pytest.mark.parametrize("language", sorted(CATALOGS))
def test_every_language_has_every_text_with_the_same_places_and_every_code(language: str) -> None:
    texts, english = CATALOGS[language].texts, CATALOGS["en"].texts
    assert texts.keys() == english.keys()
    for key, text in texts.items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[key])), key
    for prefix, codes in (("type", KINDS), ("label", LABELS), ("purpose", PURPOSES), ("law", tuple(LAWS))):
        assert all(CATALOGS[language].listed(prefix, codes))


def test_a_language_is_found_by_its_tag_and_english_stands_in() -> None:
    assert catalog("es-MX").language == "es"
    assert catalog("ES").language == "es"
    assert catalog("vi").language == "en"
    assert catalog(None).language == "en"
