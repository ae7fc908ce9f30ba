"""When a service is open, as codes that can be searched: the half hours of a week. Pure.

https://hl7.org/fhir/R4/healthcareservice-definitions.html#HealthcareService.availableTime — `mon-0930` is the half hour
from 9:30 on Mondays, in the service's own time. A half hour counts only where all of it is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.fhir import dates

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HALF_HOURS = 48


def slots(available: dict[str, Any]) -> Iterator[str]:
    """The half hours of one HealthcareService.availableTime; no days: every day.

    What ends before it starts ends the next day.
    """
    days = [DAYS.index(d) for d in available.get("daysOfWeek", DAYS) if d in DAYS]
    opens, closes = _minutes(available.get("availableStartTime")), _minutes(available.get("availableEndTime"))
    if available.get("allDay") is True:
        opens, closes = 0, 24 * 60
    if opens is None or closes is None:
        return
    closes += 24 * 60 if closes < opens else 0
    for day in days:
        for n in range(-(-opens // 30), closes // 30):
            yield code((day + n // HALF_HOURS) % len(DAYS), n % HALF_HOURS)


def code(day: int, half_hour: int) -> str:
    """The code of a half hour of a day."""
    return f"{DAYS[day]}-{half_hour // 2:02}{30 * (half_hour % 2):02}"


def asked(text: str, zone: ZoneInfo, now: datetime) -> str:
    """The code that a search asks for: `now`, a moment, or a code as it is. Raises ValueError for a mere date."""
    if text == "now":
        moment = now
    elif text[:1].isdigit():
        if "T" not in text:
            raise ValueError("not a moment")
        moment = dates.interval(text, zone).lower
    else:
        return text
    local = moment.astimezone(zone)
    return code(local.weekday(), local.hour * 2 + local.minute // 30)


def _minutes(time: str | None) -> int | None:
    """The minute of the day."""
    return None if time is None else int(time[:2]) * 60 + int(time[3:5])
