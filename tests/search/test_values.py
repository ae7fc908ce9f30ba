"""The value of a criterion. https://hl7.org/fhir/R4/search.html#ptypes"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.consent.codes import TYPE_NAMES
from app.search.parameters import PARAMETERS, ParamKind
from app.search.query import (
    CompositeValue,
    DateValue,
    MissingValue,
    OfTypeValue,
    QuantityValue,
    ReferenceValue,
    SetValue,
    TextValue,
    TokenValue,
    Value,
)
from app.search.text import BadEscape
from app.search.values import MAX_SEGMENTS, NotUnderstood, Reading
from tests.search.support import BASE, ID, ZONE

READING = Reading(ZONE, BASE)
GENDER = "http://hl7.org/fhir/administrative-gender"
SETS = "http://hl7.org/fhir/ValueSet"
RELEASE_CLASS = SetValue((("http://hl7.org/fhir/resource-types", tuple(sorted(TYPE_NAMES))), ("urn:ietf:rfc:3986", ())))


def read(where: str, text: str) -> Value:
    """`where` is Type.code or Type.code:modifier."""
    type_name, _, name = where.partition(".")
    code, _, modifier = name.partition(":")
    return READING.value(PARAMETERS[type_name][code], modifier or None, text)


@pytest.mark.parametrize(
    ("where", "text", "expected"),
    [
        ("Task.code", "a", TokenValue(None, "a")),
        ("Task.code", "s|a", TokenValue("s", "a")),
        ("Task.code", "|a", TokenValue("", "a")),
        ("Task.code", "s|", TokenValue("s", None)),
        ("Task.code", r"s\|t|a\,b", TokenValue("s|t", "a,b")),
        ("Task.code:not", "a", TokenValue(None, "a")),
        ("Task.code:text", "Obst", TextValue("Obst")),
        ("Patient.gender", f"{GENDER}|male", TokenValue(None, "male")),
        ("Patient.gender", "other|male", TokenValue("other", "male")),
        ("Patient.active", "true", TokenValue(None, "true")),
        ("Patient.active", "http://terminology.hl7.org/CodeSystem/special-values|false", TokenValue(None, "false")),
        ("Patient.phone", "(555) 123-4567", TokenValue(None, "5551234567")),
        ("Patient.email", "Ann@School.example", TokenValue(None, "ann@school.example")),
        ("Patient.identifier:of-type", "t|SB|1", OfTypeValue("t", "SB", "1")),
        (
            "Patient.gender:in",
            f"{SETS}/administrative-gender",
            SetValue(((None, ("female", "male", "other", "unknown")),)),
        ),
        (
            "Patient._tag:not-in",
            f"{SETS}/administrative-gender|4.0.1",
            SetValue(((GENDER, ("female", "male", "other", "unknown")),)),
        ),
        ("Consent.purpose:in", "ValueSet/release-class", RELEASE_CLASS),
        ("Consent.purpose:in", f"{BASE}/ValueSet/release-class", RELEASE_CLASS),
        ("Patient._id", "no-uuid", TokenValue(None, "no-uuid")),
        ("Patient.name", r"O\\\,x", TextValue("O\\,x")),
        ("Patient.name:exact", "Díaz", TextValue("Díaz")),
        ("Patient.name:missing", "true", MissingValue(True)),
        ("Patient.name:missing", "false", MissingValue(False)),
        ("Patient._profile:below", "http://p", TextValue("http://p")),
        ("Encounter.subject", ID, ReferenceValue(None, ID, None)),
        ("Encounter.subject:Patient", ID, ReferenceValue("Patient", ID, None)),
        ("Encounter.subject", f"Patient/{ID}", ReferenceValue("Patient", ID, None)),
        ("Encounter.subject:Patient", f"Patient/{ID}", ReferenceValue("Patient", ID, None)),
        ("Encounter.subject", "Patient/no-uuid", ReferenceValue("Patient", "no-uuid", None)),
        ("Encounter.subject", f"{BASE}/Patient/{ID}", ReferenceValue("Patient", ID, None)),
        ("Encounter.subject", "https://e.test/Patient/1", ReferenceValue(None, None, "https://e.test/Patient/1")),
        ("Encounter.subject", "urn:uuid:" + ID, ReferenceValue(None, None, "urn:uuid:" + ID)),
        ("Encounter.subject:identifier", "s|1", TokenValue("s", "1")),
        ("Encounter.length", "gt30", QuantityValue("gt", Decimal(30), None, None)),
        ("Encounter.length", "1.5e1|u|min", QuantityValue("eq", Decimal(15), "u", "min")),
        ("Encounter.length", "30||min", QuantityValue("eq", Decimal(30), None, "min")),
        (
            "Group.characteristic-value",
            "s|a$true",
            CompositeValue(TokenValue("s", "a"), TokenValue(None, "true"), ParamKind.TOKEN),
        ),
    ],
)
def test_a_value_is_read_by_kind_and_modifier(where: str, text: str, expected: Value) -> None:
    """The system that an element implies is left away, contacts take the form in which they are kept."""
    assert read(where, text) == expected


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("Task.code", ""),
        ("Task.code", "|"),
        ("Task.code", "a|b|c"),
        ("Patient.active", "maybe"),
        ("Patient.active", "s|"),
        ("Patient.gender:in", "http://unknown.test/ValueSet/x"),
        ("Patient.gender:in", f"{SETS}/administrative-gender|5.0.0"),
        ("Patient.gender:in", "administrative-gender"),
        ("Patient.gender:not-in", "ValueSet/administrative-gender"),
        ("Patient.identifier:of-type", "SB|1"),
        ("Patient.identifier:of-type", "t||1"),
        ("Patient._id", "s|1"),
        ("Patient._id", "a b"),
        ("Patient.name", " "),
        ("Patient.name", "\u0301"),
        ("Task.code:text", "\u0301"),
        ("Patient.name:missing", "yes"),
        ("Encounter.subject", f"Location/{ID}"),
        ("Encounter.subject", f"Patient/{ID}/_history/1"),
        ("Encounter.subject:Patient", f"Group/{ID}"),
        ("Encounter.subject:Patient", "https://e.test/Group/1"),
        ("Encounter.subject", "two words"),
        ("Encounter.date", "yesterday"),
        ("Encounter.date", "2024-13"),
        ("Encounter.date", "2024-02-30"),
        ("Encounter.date", "xx2024"),
        ("Encounter.date", "ge"),
        ("Encounter.date", "2024-01-01T00:00:00 05:00"),
        ("Encounter.length", "long"),
        ("Encounter.length", "30|u"),
        ("Encounter.length", "1e999999"),
        ("Encounter.length", "NaN"),
        ("Group.characteristic-value", "a"),
        ("Group.characteristic-value", "a$b$c"),
        ("Patient._profile:above", "http://p" + "/x" * MAX_SEGMENTS),
    ],
)
def test_what_is_not_understood_is_refused_without_its_value(where: str, text: str) -> None:
    """The message says what is expected and repeats nothing of what was given."""
    with pytest.raises(NotUnderstood) as e:
        read(where, text)
    assert len(text) < 4 or text not in str(e.value)


def test_a_bad_escape_is_refused() -> None:
    """A backslash before an ordinary character is not guessed at."""
    with pytest.raises(BadEscape):
        read("Patient.name", r"a\b")


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"])
def test_a_date_is_a_prefix_and_an_interval(prefix: str) -> None:
    """A partial date covers its whole day in the zone."""
    day = (datetime(2024, 9, 30, 4, tzinfo=UTC), datetime(2024, 10, 1, 4, tzinfo=UTC))
    assert read("Encounter.date", f"{prefix}2024-09-30") == DateValue(prefix, *day)
    assert read("Encounter.date", "2024-09-30") == DateValue("eq", *day)


def test_a_birth_date_is_the_same_day_everywhere() -> None:
    """The zone does not move an element that is a day and nothing else."""
    assert read("Patient.birthdate", "2010") == DateValue(
        "eq", datetime(2010, 1, 1, tzinfo=UTC), datetime(2011, 1, 1, tzinfo=UTC)
    )


def test_a_number_keeps_the_precision_in_which_it_is_written() -> None:
    """30.0 is narrower than 30."""
    found = read("Encounter.length", "30.0")
    assert isinstance(found, QuantityValue)
    assert str(found.number) == "30.0"
