"""FHIR dates as half-open intervals of time: a partial date covers all of its year, month or day. Pure.

https://hl7.org/fhir/R4/datatypes.html#dateTime and https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

BEGINNING = datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)
"""An open start. PostgreSQL stores it; one second off datetime.min, which asyncpg turns into -infinity."""
END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""An open end. PostgreSQL stores it; less than datetime.max, which asyncpg turns into infinity."""

_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<offset>Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?)?)?)?",
    re.ASCII,
)
_DAY = timedelta(days=1)
_TIMING = frozenset({"event", "repeat", "code"})


@dataclass(frozen=True, slots=True)
class Interval:
    """All moments from `lower`, included, to `upper`, excluded; both aware, in UTC, from BEGINNING to END.

    Empty when both are equal.
    """

    lower: datetime
    upper: datetime


def interval(text: str, zone: tzinfo) -> Interval:
    """What a date, dateTime, instant or the date of a search parameter covers.

    A date is meant in `zone`, and so is a time without an offset (only searches have those; where the clock shows
    it twice, the first is meant). A time covers its minute, second or fraction, down to a microsecond. The leap
    second :60 is the first second of the next minute, as in PostgreSQL. Raises ValueError for what is not a date
    or no date of the calendar; its text does not hold the value.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date")
    if match["hour"] is not None:
        return _of_time(match, zone)
    first, last = _days(match)
    return Interval(_midnight(first, zone), END if last == date.max else _midnight(last + _DAY, zone))


def zone_of(text: str) -> tzinfo | None:
    """The offset that a dateTime or instant tells; None for what tells none, or is no date."""
    match = _PATTERN.fullmatch(text)
    return _offset(match["offset"], UTC) if match is not None and match["offset"] is not None else None


def period(value: dict[str, Any], zone: ZoneInfo) -> Interval:
    """What a Period covers, from the start of its `start` to the end of its `end`; an absent side is open.

    Empty when it ends before it starts. Raises ValueError as `interval`.
    https://hl7.org/fhir/R4/datatypes.html#Period
    """
    start, end = value.get("start"), value.get("end")
    lower = interval(start, zone).lower if start is not None else BEGINNING
    upper = interval(end, zone).upper if end is not None else END
    return Interval(lower, max(lower, upper))


def timing(value: dict[str, Any], zone: ZoneInfo) -> Interval:
    """The outer limits of a Timing: its events and `repeat.boundsPeriod`; open on both sides when it has neither.

    Raises ValueError as `interval`. https://hl7.org/fhir/R4/search.html#date
    """
    parts = [interval(event, zone) for event in value.get("event", []) if event is not None]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds is not None:
        parts.append(period(bounds, zone))
    if not parts:
        return Interval(BEGINNING, END)
    return Interval(min(p.lower for p in parts), max(p.upper for p in parts))


def of(value: str | dict[str, Any], zone: ZoneInfo) -> Interval:
    """What the value of a date, dateTime, instant, Period or Timing element covers. Raises ValueError as `interval`."""
    if isinstance(value, str):
        return interval(value, zone)
    return timing(value, zone) if value.keys() & _TIMING else period(value, zone)


def born(text: str) -> tuple[date, date]:
    """The first and the last possible birth date of a birthDate, which may be partial.

    Raises ValueError for what is no date.
    https://hl7.org/fhir/R4/patient-definitions.html#Patient.birthDate
    """
    match = _PATTERN.fullmatch(text)
    if match is None or match["hour"] is not None:
        raise ValueError("not a FHIR date")
    return _days(match)


def instant(moment: datetime) -> str:
    """`moment` as a FHIR instant in UTC with milliseconds: the one spelling of lastUpdated. Raises ValueError if naive.

    https://hl7.org/fhir/R4/datatypes.html#instant
    """
    if moment.tzinfo is None:
        raise ValueError("an instant has a time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _days(match: re.Match[str]) -> tuple[date, date]:
    """The first and last day of a year, month or day. Raises ValueError for a day that no calendar has."""
    first = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    if match["day"] is not None:
        return first, first
    month = first.month if match["month"] is not None else 12
    return first, date(first.year, month, monthrange(first.year, month)[1])


def _midnight(day: date, zone: tzinfo) -> datetime:
    """The start of `day` in `zone`; where its clock skips midnight, the moment of the change."""
    return _utc(datetime.combine(day, time(), zone))


def _of_time(match: re.Match[str], zone: tzinfo) -> Interval:
    first, _ = _days(match)
    second, fraction = match["second"] or "0", match["fraction"] or ""
    leap = second == "60"
    start = datetime(
        first.year,
        first.month,
        first.day,
        int(match["hour"]),
        int(match["minute"]),
        59 if leap else int(second),
        int(fraction[:6].ljust(6, "0")),
        _offset(match["offset"], zone),
    )
    lower = _later(_utc(start), timedelta(seconds=leap))
    return Interval(lower, _later(lower, _precision(match)))


def _precision(match: re.Match[str]) -> timedelta:
    """The length of what a time covers: its last digit."""
    if match["second"] is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(match["fraction"] or "")))


def _offset(text: str | None, zone: tzinfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _utc(moment: datetime) -> datetime:
    """`moment` in UTC, kept between BEGINNING and END."""
    try:
        return min(max(moment.astimezone(UTC), BEGINNING), END)
    except OverflowError:
        return BEGINNING if moment.year == 1 else END


def _later(moment: datetime, by: timedelta) -> datetime:
    return moment + by if moment < END - by else END
