"""Days and windows as the rule counts them. Pure."""

from __future__ import annotations

from calendar import isleap
from datetime import MAXYEAR, UTC, date, datetime, time
from zoneinfo import ZoneInfo

from app.consent.model import Window


def in_window(window: Window, moment: datetime) -> bool:
    """Whether a moment lies in a half-open window."""
    return window[0] <= moment < window[1]


def birthday(born: date, age: int, zone: ZoneInfo) -> datetime:
    """The first moment of the day on which one born on `born` reaches `age`.

    Of 29 February it is the day itself in a year that has it, else 1 March.
    """
    year = min(born.year + age, MAXYEAR)
    leap_day = (born.month, born.day) == (2, 29) and not isleap(year)
    reached = date(year, 3, 1) if leap_day else born.replace(year=year)
    return datetime.combine(reached, time(), zone).astimezone(UTC)
