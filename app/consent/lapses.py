"""When something on record held, and since when without a break: what was lost does not come back by itself. Pure.

docs/rule.md, 'Who may sign' and 'Agreement'. A state is what one version of a record said: the window in which it is
so, or None where it is not. It counts from the moment of that version until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.consent.model import Window
from app.fhir.dates import BEGINNING, END

State = tuple[datetime, Window | None]


def joined(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The moments that any of these windows covers, in order; those that touch are one."""
    found: list[Window] = []
    for opens, closes in sorted(windows):
        if opens >= closes:
            continue
        if found and opens <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], closes))
        else:
            found.append((opens, closes))
    return tuple(found)


def held(states: Sequence[State]) -> tuple[Window, ...]:
    """When it was so by what was on record at the time."""
    begins = [at for at, _ in states]
    ends = [*begins, END][1:]
    return joined(
        (max(window[0], begin), min(window[1], end))
        for (_, window), begin, end in zip(states, begins, ends, strict=True)
        if window is not None
    )


def unbroken(states: Sequence[State]) -> Window | None:
    """The window of the newest version, from the last break on; None where that version says that it is not so.

    The first version also speaks of the time before it.
    """
    window = states[-1][1] if states else None
    spans = held([(BEGINNING, first) for _, first in states[:1]] + list(states[1:]))
    if window is None or len(spans) < 2:
        return window
    return max(window[0], spans[-1][0]), window[1]


def lapsed_at(windows: Iterable[Window], now: datetime) -> datetime | None:
    """When what these windows cover last ended before it began again; None where they do not cover now.

    BEGINNING where it never ended.
    """
    spans = joined(windows)
    if not any(opens <= now < closes for opens, closes in spans):
        return None
    return max((closes for _, closes in spans if closes <= now), default=BEGINNING)
