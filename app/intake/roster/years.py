"""Who is enrolled today: by the periods of the enrollment, and the calendar, since summer is no leaving. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TypeAlias

Span: TypeAlias = tuple[str | None, str | None]
"""From and until, as YYYY-MM-DD."""

SUMMER = timedelta(days=120)
"""The longest that a school year's end counts as summer, where the source has no next year."""


def enrolled(periods: Sequence[Span], years: Iterable[Span], today: date) -> bool | None:
    """Whether a student is enrolled; None where the source says nothing of it.

    Who stayed to the end of a school year is enrolled until the next one begins.
    """
    if not periods:
        return None
    now = today.isoformat()
    if any(end is None or end >= now for _, end in periods):
        return True
    last = max(end for _, end in periods if end is not None)
    spans = [(begin or "", end) for begin, end in years if end is not None]
    over = [end for begin, end in spans if begin <= last and last >= end]
    if not over:
        return False
    finished = max(over)
    begun = any(finished < begin <= now for begin, _ in spans)
    return not begun and today - date.fromisoformat(finished) <= SUMMER
