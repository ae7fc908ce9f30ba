"""The half hours of a week at which a service is open. https://hl7.org/fhir/R4/healthcareservice.html"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.hours import DAYS, asked, slots

CHICAGO = ZoneInfo("America/Chicago")
MINUTES = st.integers(0, 24 * 60 - 1)


def times(days: list[str] | None, start: str, end: str) -> dict[str, Any]:
    """One availableTime."""
    found: dict[str, Any] = {"availableStartTime": start, "availableEndTime": end}
    return found | ({"daysOfWeek": days} if days else {})


def test_a_half_hour_counts_where_all_of_it_is_open() -> None:
    assert list(slots(times(["mon"], "09:10:00", "10:45:00"))) == ["mon-0930", "mon-1000"]


def test_what_ends_before_it_starts_ends_the_next_day() -> None:
    assert list(slots(times(["sun"], "23:00:00", "01:00:00"))) == ["sun-2300", "sun-2330", "mon-0000", "mon-0030"]


def test_without_days_it_is_every_day_and_all_day_is_all_of_it() -> None:
    assert len(list(slots(times(None, "09:00:00", "10:00:00")))) == 2 * len(DAYS)
    assert len(list(slots({"daysOfWeek": ["tue"], "allDay": True}))) == 48
    assert list(slots({"daysOfWeek": ["tue"]})) == []


@given(start=MINUTES, end=MINUTES, at=MINUTES)
def test_a_service_is_never_said_to_be_open_when_it_is_not(start: int, end: int, at: int) -> None:
    open_at = asked(f"2026-09-28T{at // 60:02}:{at % 60:02}:00-05:00", CHICAGO, datetime.now(UTC))
    said = open_at in slots(times(None, f"{start // 60:02}:{start % 60:02}:00", f"{end // 60:02}:{end % 60:02}:00"))
    truly = start <= at < end if start < end else at >= start or at < end
    assert truly or not said


def test_a_moment_is_asked_for_in_the_callers_time() -> None:
    assert asked("now", CHICAGO, datetime(2026, 9, 28, 14, 40, tzinfo=UTC)) == "mon-0930"
    assert asked("2026-09-29T03:00:00Z", CHICAGO, datetime.now(UTC)) == "mon-2200"
    assert asked("fri-1200", CHICAGO, datetime.now(UTC)) == "fri-1200"
    with pytest.raises(ValueError, match="moment"):
        asked("2026-09-29", CHICAGO, datetime.now(UTC))
