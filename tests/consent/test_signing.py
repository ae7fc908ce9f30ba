"""Who may sign, to the moment, and the table of jurisdictions for minors. docs/rule.md, 'Who may sign'."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.consent import signing
from app.consent.codes import ADULT_GUARDIAN, CONTACT_RESTRICTION, EMANCIPATED, ROLE_CODE
from app.consent.model import AdultFrom, Provision
from app.consent.moments import birthday
from app.consent.signing import ConsentContext, Signature, adult_from, authority, guardian_signs, student_signs
from app.fhir.dates import BEGINNING, END, Interval, interval

DISTRICT, STUDENT, MOTHER, AUNT = (UUID(int=n) for n in range(4))
ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
COUNSELING = Provision(0, -1, True, (BEGINNING, END), labels=frozenset({"MH"}))
BORN = date(2010, 9, 15)
SITUATION = ConsentContext(
    DISTRICT, ZONE, STUDENT, NOW, "PA", (BORN, BORN), {MOTHER: (BEGINNING, END)}, frozenset({MOTHER, AUNT})
)


def on(text: str) -> Interval:
    """A day or a moment of signing."""
    return interval(text, ZONE)


@pytest.mark.parametrize(("late", "counts"), [(timedelta(0), True), (MOMENT, False)])
@pytest.mark.parametrize(("age", "of"), [(18, None), (14, 14)])
def test_a_student_signs_from_the_first_moment_of_the_birthday(
    age: int, of: int | None, late: timedelta, counts: bool
) -> None:
    """The 18th, or the one that the jurisdiction's table names for the kind of service."""
    signed = birthday(BORN, age, ZONE) - late
    found = student_signs(SITUATION, signed, [COUNSELING] if of else [])
    assert found == Signature(None, age) if counts else isinstance(found, str)


def test_the_table_is_asked_for_the_day_of_signing_where_it_was_signed() -> None:
    """In New York it is still the 21st when the 22nd, on which Pennsylvania's row begins, has dawned in London."""
    old = replace(SITUATION, born=(date(1990, 1, 1), date(1990, 1, 1)))
    evening = datetime(2005, 1, 22, 4, 59, tzinfo=UTC)
    assert isinstance(student_signs(old, evening, [COUNSELING]), str)
    assert student_signs(old, evening + timedelta(minutes=1), [COUNSELING]) == Signature(None, 14)


@pytest.mark.parametrize(
    ("changed", "signer", "signed", "why"),
    [
        ({}, MOTHER, "2026-09-15", None),
        ({"related": frozenset()}, MOTHER, "2026-09-15", "the signer is not a RelatedPerson of this student"),
        ({}, AUNT, "2026-09-15", "the signer has no parental or guardian authority, or has it no longer"),
        ({"authorities": {MOTHER: (BEGINNING, NOW + MOMENT)}}, MOTHER, "2026-09-15", None),
        (
            {"authorities": {MOTHER: (BEGINNING, NOW)}},
            MOTHER,
            "2026-09-15",
            "the signer has no parental or guardian authority, or has it no longer",
        ),
        ({"authorities": {MOTHER: (on("2026-09-15").lower, END)}}, MOTHER, "2026-09-15", None),
        (
            {"authorities": {MOTHER: (on("2026-09-15").lower + MOMENT, END)}},
            MOTHER,
            "2026-09-15",
            "the signer has no parental or guardian authority, or has it no longer",
        ),
        ({"born": None}, MOTHER, "2026-09-15", "the student's date of birth is not known"),
        ({"born": (date(2008, 9, 16), date(2008, 9, 16))}, MOTHER, "2026-09-15", None),
        ({"born": (date(2008, 9, 15), date(2008, 9, 30))}, MOTHER, "2026-09-15", "the student was 18 and signs alone"),
    ],
)
def test_a_parent_signs_for_a_minor_while_there_is_authority(
    changed: dict[str, Any], signer: UUID, signed: str, why: str | None
) -> None:
    """At signing and now, and until the earliest possible 18th birthday."""
    found = guardian_signs(replace(SITUATION, **changed), signer, on(signed))
    assert found == (why or Signature(signer))


def test_a_student_without_a_known_birth_signs_nothing() -> None:
    """Nor one who is too young where the table is silent."""
    young = "below 18 a student signs alone only where the jurisdiction's table says so for that kind of service"
    assert student_signs(replace(SITUATION, born=None), NOW, []) == "the student's date of birth is not known"
    assert student_signs(replace(SITUATION, jurisdiction="NY"), NOW, [COUNSELING]) == young


@pytest.mark.parametrize(
    ("changed", "has"),
    [
        ({}, True),
        ({"active": False}, False),
        ({"relationship": [{"coding": [{"system": "urn:other", "code": "MTH"}]}]}, False),
        ({"relationship": [{"coding": [{"system": signing.ROLE_CODE, "code": "AUNT"}]}]}, False),
        ({"extension": [{"url": signing.GUARDIAN_AUTHORITY, "valueBoolean": False}]}, False),
        ({"extension": [{"url": "urn:other", "valueBoolean": False}]}, True),
        ({"extension": [{"url": signing.GUARDIAN_AUTHORITY, "valueBoolean": v} for v in (True, False)]}, False),
        (
            {
                "relationship": [{"coding": [{"system": signing.ROLE_CODE, "code": "AUNT"}]}],
                "extension": [{"url": signing.GUARDIAN_AUTHORITY, "valueBoolean": True}],
            },
            True,
        ),
    ],
)
def test_authority_comes_by_relationship_or_by_the_word_of_a_court(changed: dict[str, Any], has: bool) -> None:
    """What a court said outweighs the relationship."""
    person = {"relationship": [{"coding": [{"system": signing.ROLE_CODE, "code": "MTH"}]}], **changed}
    assert authority(person, ZONE) == ((BEGINNING, END) if has else None)


def test_authority_lasts_as_long_as_its_period_in_the_zone_that_is_given() -> None:
    """Partial dates cover their whole interval."""
    person = {"relationship": [{"coding": [{"system": signing.ROLE_CODE, "code": "MTH"}]}]}
    window = authority({**person, "period": {"start": "2026", "end": "2027-06"}}, ZONE)
    assert window == (on("2026").lower, on("2027-06").upper)


def test_the_guardian_of_an_adult_has_authority_by_the_mark_whatever_the_relationship() -> None:
    aunt = {"relationship": [{"coding": [{"system": ROLE_CODE, "code": "AUNT"}]}]}
    marked = aunt | {"extension": [{"url": ADULT_GUARDIAN, "valueBoolean": True}]}
    assert (authority(aunt, ZONE), authority(marked, ZONE)) == (None, (BEGINNING, END))


def test_a_restriction_that_is_said_not_to_be_is_none() -> None:
    father = {"relationship": [{"coding": [{"system": ROLE_CODE, "code": "FTH"}]}]}
    for said, has in ((False, True), (True, False)):
        restricted = father | {"extension": [{"url": CONTACT_RESTRICTION, "valueBoolean": said}]}
        assert (authority(restricted, ZONE) is not None) == has


@pytest.mark.parametrize(("elsewhere", "adult"), [(frozenset(), True), (frozenset({STUDENT}), False)])
def test_an_emancipated_minor_signs_by_what_the_custodian_itself_recorded(
    elsewhere: frozenset[UUID], adult: bool
) -> None:
    """From that moment on, and a parent no more. What another organization recorded does not count."""
    recorded = replace(SITUATION, adult=AdultFrom(NOW), elsewhere=elsewhere)
    assert isinstance(student_signs(recorded, NOW, []), Signature) == adult
    by_parent = guardian_signs(recorded, MOTHER, on("2026-09-15"))
    assert by_parent == ("the student signs as an adult, and alone" if adult else Signature(MOTHER))


def test_postsecondary_enrollment_counts_for_education_records_alone() -> None:
    enrolled = replace(SITUATION, adult=AdultFrom(None, NOW))
    assert isinstance(student_signs(enrolled, NOW, []), str)
    assert student_signs(enrolled, NOW, [], education=True) == Signature(None)
    assert guardian_signs(enrolled, MOTHER, on("2026-09-15")) == Signature(MOTHER)


def test_a_student_record_that_was_deleted_and_made_again_is_emancipated_from_then_on() -> None:
    """What stood before it was deleted does not count, and while it is deleted nothing does."""
    emancipated = {"extension": [{"url": EMANCIPATED, "valueDate": "2026-09-01"}]}
    first, gone, again = (datetime(2026, 9, day, 12, tzinfo=UTC) for day in (10, 11, 12))
    versions: list[tuple[datetime, dict[str, Any] | None]] = [(first, emancipated), (gone, None)]
    assert adult_from(versions[:1], ZONE) == AdultFrom(first)
    assert adult_from(versions, ZONE) == AdultFrom()
    assert adult_from([*versions, (again, emancipated)], ZONE) == AdultFrom(again)
