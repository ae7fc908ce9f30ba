"""FHIR dates as intervals. https://hl7.org/fhir/R4/datatypes.html#dateTime"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.fhir.dates import BEGINNING, END, Interval, born, instant, interval, of, period, timing

NEW_YORK = ZoneInfo("America/New_York")
ZONES = st.sampled_from(
    # Clocks that change at midnight, by half an hour, twice over a midnight, or that once left out a whole day.
    [
        ZoneInfo(name)
        for name in (
            "UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo",
            "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Europe/Dublin",
        )
    ]
)  # fmt: skip
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 30))
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.from_regex(
    r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01])(T[0-2][0-9]:[0-5][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?"
    r"(Z|[+-]1[0-4]:[0-5][0-9])?)?)?)?",
    fullmatch=True,
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("2024", utc(2024, 1, 1, 5), utc(2025, 1, 1, 5)),
        ("2024-02", utc(2024, 2, 1, 5), utc(2024, 3, 1, 5)),
        ("2024-12", utc(2024, 12, 1, 5), utc(2025, 1, 1, 5)),
        ("2024-07-04", utc(2024, 7, 4, 4), utc(2024, 7, 5, 4)),
        ("2024-03-10", utc(2024, 3, 10, 5), utc(2024, 3, 11, 4)),
        ("2024-11-03", utc(2024, 11, 3, 4), utc(2024, 11, 4, 5)),
        ("2024-07-04T10:00", utc(2024, 7, 4, 14), utc(2024, 7, 4, 14, 1)),
        ("2024-07-04T10:00Z", utc(2024, 7, 4, 10), utc(2024, 7, 4, 10, 1)),
        ("2024-07-04T10:00:05+02:30", utc(2024, 7, 4, 7, 30, 5), utc(2024, 7, 4, 7, 30, 6)),
        ("2024-07-04T10:00:05-02:30", utc(2024, 7, 4, 12, 30, 5), utc(2024, 7, 4, 12, 30, 6)),
        ("2024-07-04T10:00:05.2Z", utc(2024, 7, 4, 10, 0, 5, 200_000), utc(2024, 7, 4, 10, 0, 5, 300_000)),
        ("2024-07-04T10:00:05.239Z", utc(2024, 7, 4, 10, 0, 5, 239_000), utc(2024, 7, 4, 10, 0, 5, 240_000)),
        ("2024-07-04T10:00:05.1234567Z", utc(2024, 7, 4, 10, 0, 5, 123_456), utc(2024, 7, 4, 10, 0, 5, 123_457)),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1)),
        ("2024-11-03T01:30:00", utc(2024, 11, 3, 5, 30), utc(2024, 11, 3, 5, 30, 1)),
        ("9999-12-31", utc(9999, 12, 31, 5), END),
        ("9999", utc(9999, 1, 1, 5), END),
        ("9999-12-31T23:59:59Z", END, END),
        ("9999-12-31T23:59:00-14:00", END, END),
        ("0001-01-01T00:00:00+14:00", BEGINNING, BEGINNING + timedelta(seconds=1)),
    ],
)  # fmt: skip
def test_a_date_covers_what_it_says_in_new_york(text: str, lower: datetime, upper: datetime) -> None:
    assert interval(text, NEW_YORK) == Interval(lower, upper)


def test_the_first_day_of_all_starts_at_the_beginning_east_of_greenwich() -> None:
    assert interval("0001-01-01", ZoneInfo("Asia/Tokyo")).lower == BEGINNING


@pytest.mark.parametrize(
    "text",
    [
        "", "0000", "24", "2024-13", "2024-00", "2024-02-30", "2023-02-29", "2024-2-3", "2024-01-01T24:00:00Z",
        "２０２４", "2024-01-01T10", "2024-01-01T10:60:00Z", "2024-01-01T10:00:61Z", "2024-01-01T10:00:00+14:01",
        "2024-01-01Z", "2024-01-01T10:00:00+15:00", "2024-01-01T10:00:00.Z", "2024-01-01 10:00:00Z",
        " 2024", "2024\n", "20240101",
    ],
)  # fmt: skip
def test_what_is_no_date_raises_without_telling_the_value(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        interval(text, NEW_YORK)
    assert not text.strip() or text not in str(caught.value)


@given(TEXTS, ZONES)
@example("2011-12-30", ZoneInfo("Pacific/Apia"))
def test_an_interval_lies_in_time_and_does_not_end_before_it_starts(text: str, zone: ZoneInfo) -> None:
    try:
        found = interval(text, zone)
    except ValueError:
        return
    assert BEGINNING <= found.lower <= found.upper <= END
    assert found.lower.utcoffset() == found.upper.utcoffset() == timedelta()


@given(DAYS, ZONES)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    after = day + timedelta(days=1)
    assert interval(day.isoformat(), zone).upper == interval(after.isoformat(), zone).lower


@given(DAYS, ZONES)
def test_a_month_and_a_year_are_all_of_their_days(day: date, zone: ZoneInfo) -> None:
    text = day.isoformat()
    year, month, whole = (interval(text[:n], zone) for n in (4, 7, 10))
    assert year.lower <= month.lower <= whole.lower <= whole.upper <= month.upper <= year.upper
    assert year.lower == interval(f"{text[:4]}-01", zone).lower == interval(f"{text[:4]}-01-01", zone).lower
    assert year.upper == interval(f"{text[:4]}-12", zone).upper == interval(f"{text[:4]}-12-31", zone).upper


@given(MOMENTS, ZONES)
def test_every_moment_lies_in_its_local_day(moment: datetime, zone: ZoneInfo) -> None:
    found = interval(moment.astimezone(zone).date().isoformat(), zone)
    assert found.lower <= moment < found.upper


@given(MOMENTS, st.integers(-14 * 60, 14 * 60), ZONES)
def test_an_offset_overrules_the_zone(moment: datetime, minutes: int, zone: ZoneInfo) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat(timespec="microseconds")
    assert interval(local, zone) == Interval(moment, moment + timedelta(microseconds=1))


@given(MOMENTS, ZONES)
def test_an_instant_covers_its_own_millisecond(moment: datetime, zone: ZoneInfo) -> None:
    found = interval(instant(moment), zone)
    assert found.lower <= moment < found.upper
    assert found.upper - found.lower == timedelta(milliseconds=1)


def test_an_instant_is_spelled_in_utc_with_milliseconds() -> None:
    moment = datetime(2024, 1, 8, 10, 0, 0, 5_999, tzinfo=NEW_YORK)
    assert instant(moment) == "2024-01-08T15:00:00.005Z"


def test_a_naive_moment_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2024, 1, 8))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"start": "2024-01-08", "end": "2024-01-09"}, Interval(utc(2024, 1, 8, 5), utc(2024, 1, 10, 5))),
        ({"start": "2024-01-08"}, Interval(utc(2024, 1, 8, 5), END)),
        ({"end": "2024"}, Interval(BEGINNING, utc(2025, 1, 1, 5))),
        ({}, Interval(BEGINNING, END)),
        ({"start": "2024-06", "end": "2024-01"}, Interval(utc(2024, 6, 1, 4), utc(2024, 6, 1, 4))),
    ],
)
def test_a_period_is_open_where_it_says_nothing_and_empty_where_it_is_reversed(
    value: dict[str, Any], expected: Interval
) -> None:
    assert period(value, NEW_YORK) == expected
    assert of(value, NEW_YORK) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"event": ["2024-03", None, "2024-01-08"]}, Interval(utc(2024, 1, 8, 5), utc(2024, 4, 1, 4))),
        ({"repeat": {"boundsPeriod": {"start": "2024"}}}, Interval(utc(2024, 1, 1, 5), END)),
        (
            {"event": ["2023"], "repeat": {"boundsPeriod": {"start": "2024", "end": "2024"}}},
            Interval(utc(2023, 1, 1, 5), utc(2025, 1, 1, 5)),
        ),
        ({"repeat": {"frequency": 1}}, Interval(BEGINNING, END)),
        ({"code": {"text": "BID"}}, Interval(BEGINNING, END)),
    ],
)
def test_a_timing_has_the_outer_limits_of_its_events_and_bounds(value: dict[str, Any], expected: Interval) -> None:
    assert timing(value, NEW_YORK) == expected
    assert of(value, NEW_YORK) == expected


def test_the_value_of_a_date_element_is_its_interval() -> None:
    assert of("2024-07-04", NEW_YORK) == interval("2024-07-04", NEW_YORK)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2012", date(2012, 1, 1), date(2012, 12, 31)),
        ("2012-02", date(2012, 2, 1), date(2012, 2, 29)),
        ("2013-02", date(2013, 2, 1), date(2013, 2, 28)),
        ("2012-02-29", date(2012, 2, 29), date(2012, 2, 29)),
        ("2012-12", date(2012, 12, 1), date(2012, 12, 31)),
        ("2012-05-04", date(2012, 5, 4), date(2012, 5, 4)),
    ],
)
def test_a_partial_birth_date_has_a_first_and_a_last_day(text: str, first: date, last: date) -> None:
    assert born(text) == (first, last)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from([4, 7, 10]))
def test_a_birth_date_holds_the_day_however_much_of_it_is_said(day: date, length: int) -> None:
    first, last = born(day.isoformat()[:length])
    assert first <= day <= last


@pytest.mark.parametrize("text", ["2012-02-30", "2012-05-04T10:00:00Z", "", "12"])
def test_what_is_no_birth_date_raises(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        born(text)
