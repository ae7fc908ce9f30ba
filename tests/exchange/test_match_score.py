"""When a Patient fits a description for certain. https://hl7.org/fhir/R4/patient-operation-match.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.exchange.match_score import grade, score

NUMBER = {"system": "urn:test:student", "value": "S-1"}
HOME = {"line": ["12 Elm St"], "city": "Cedar", "postalCode": "78613-1234"}
PHONE = {"system": "phone", "value": "(512) 555-0100"}
ANA: dict[str, Any] = {
    "identifier": [NUMBER],
    "name": [{"family": "Rivera", "given": ["Ana", "María"]}],
    "birthDate": "2014-05-02",
    "gender": "female",
    "address": [HOME],
    "telecom": [PHONE],
}


def described(*without: str, **other: Any) -> dict[str, Any]:
    """Ana's description, with some of it left out or changed."""
    return {k: v for k, v in {**ANA, **other}.items() if k not in without}


def graded(asked: dict[str, Any], found: dict[str, Any] = ANA) -> str | None:
    """The grade, which must not hang on who is asked and who is found."""
    assert score(asked, found) == score(found, asked)
    return grade(score(asked, found))


CERTAIN = {
    "an identifier alone": {"identifier": [NUMBER]},
    "an identifier, with fewer given names": {"identifier": [NUMBER], "name": [{"given": ["ana"]}]},
    "an identifier, with a part of the birth date": {"identifier": [NUMBER], "birthDate": "2014-05"},
    "an identifier, with a gender that is not known": described(gender="unknown"),
    "an identifier, after the family moved": described(address=[{"line": ["1 Oak"], "postalCode": "10001"}]),
    "an identifier, beside an old number": described(identifier=[NUMBER, {**NUMBER, "value": "S-0", "use": "old"}]),
    "a number of another system beside it": described(identifier=[NUMBER, {"system": "urn:x", "value": "9"}]),
    "everything but an identifier": described("identifier"),
}


@pytest.mark.parametrize("case", CERTAIN)
def test_certain_where_nothing_contradicts_and_an_identifier_or_everything_agrees(case: str) -> None:
    assert graded(CERTAIN[case]) == "certain"


UNCERTAIN = {
    "names, birth date and address": described("identifier", "telecom", "gender"),
    "a telephone number less": described("identifier", "telecom"),
    "one of two given names": described("identifier", name=[{"family": "Rivera", "given": ["Ana"]}]),
    "the given names in another order": described("identifier", name=[{"family": "Rivera", "given": ["María", "Ana"]}]),
    "a month of birth": described("identifier", birthDate="2014-05"),
    "a known twin": described("identifier", multipleBirthBoolean=True),
    "the second of twins": described("identifier", multipleBirthInteger=2),
}


@pytest.mark.parametrize("case", UNCERTAIN)
def test_twins_are_never_certain_by_what_they_share(case: str) -> None:
    assert graded(UNCERTAIN[case]) == "probable"


CONTRADICTED = {
    "another student number in the system": described(identifier=[{**NUMBER, "value": "S-2"}]),
    "another number beside a shared one": described(
        identifier=[{"system": "urn:x", "value": "9"}, {**NUMBER, "value": "S-2"}]
    ),
    "one of two given names is another": described(name=[{"family": "Rivera", "given": ["Ana", "Lucía"]}]),
    "another given name": described(name=[{"family": "Rivera", "given": ["Eva"]}]),
    "another family": described(name=[{"family": "Lopez", "given": ["Ana", "María"]}]),
    "another birth date": described(birthDate="2014-05-03"),
    "another month of birth": described(birthDate="2014-06"),
    "another gender": described(gender="male"),
}


@pytest.mark.parametrize("case", CONTRADICTED)
def test_what_contradicts_is_never_certain_whatever_else_agrees(case: str) -> None:
    found = {**ANA, "identifier": [NUMBER, {"system": "urn:x", "value": "9"}]}
    assert graded(CONTRADICTED[case], found) != "certain"


def test_a_twin_with_a_number_of_its_own_is_less_likely_than_one_whose_number_is_not_known() -> None:
    twin = described(identifier=[{**NUMBER, "value": "S-2"}], name=[{"family": "Rivera", "given": ["Ana", "Lucía"]}])
    assert score(ANA, twin) < score(ANA, {k: v for k, v in twin.items() if k != "identifier"})


def test_a_part_of_a_birth_date_supports_a_match_and_a_whole_one_supports_it_more() -> None:
    name = {"name": ANA["name"]}
    scores = [score(ANA, {**name, **born}) for born in ({}, {"birthDate": "2014"}, {"birthDate": "2014-05-02"})]
    assert scores == sorted(set(scores))


def test_what_is_not_said_does_not_match() -> None:
    assert graded({}, {}) is None
