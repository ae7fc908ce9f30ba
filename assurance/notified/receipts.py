"""What a subscriber got, held against the numbers, the ledger and the releases. Pure but for the reading of them.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL

from tests.databases import rows
from tests.notify.endpoint import Received

SLACK = 2.0
"""Seconds in which bytes that were handed over come to be read, on a machine that has other things to do."""
Event = tuple[int, str | None]
"""A number, and the focus where there was one."""


@dataclass(slots=True)
class Signed:
    """A release of a student to the subscriber, and between which moments it stood."""

    student: str
    asked: float
    """When the request that signs it was first sent."""
    ended: float | None = None
    """When the answer to the request that ends it was there; None: it stands."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A disclosure to the subscriber, as the ledger has it."""

    at: float
    student: str
    consent: str


def in_order(received: list[Received]) -> list[Event]:
    """Each event that was taken, once, by number. Raises AssertionError for gaps, disorder, and two of one number."""
    taken = [e for r in received if r.status == 200 for e in r.events]
    first = dict[int, str | None]()
    for number, focus in taken:
        known = first.setdefault(number, focus)
        assert focus is None or known in (focus, None), f"number {number} is of {known} and of {focus}"
        first[number] = known or focus
    numbers = list(first)
    assert numbers == list(range(1, len(numbers) + 1)), f"numbers out of order, or with gaps: {numbers}"
    return list(first.items())


def same_numbers(taken: list[Event], again: list[Event], open_: set[str]) -> None:
    """What `$events` tells is what was taken, number by number; of what is no longer visible only the number.

    What was not visible when it was sent, and is now, has its focus again.

    `open_` are the focuses that are visible now. Raises AssertionError.
    """
    assert [n for n, _ in again] == [n for n, _ in taken], "$events has other numbers than were sent"
    for (number, focus), (_, told) in zip(taken, again, strict=True):
        assert focus is None or told in (focus, None), f"$events: {number} is {told}, and {focus} was sent"
        assert told is None or told in open_, f"$events names {told}, which no release covers any more"
        assert told is not None or focus not in open_, f"$events does not name {focus}, which is visible"


async def entered(owner: URL, recipient: str) -> dict[str, list[Entry]]:
    """The notifications to an organization on the ledger, by the reference of the record."""
    found: dict[str, list[Entry]] = defaultdict(list)
    statement = (
        "SELECT type, id::text, extract(epoch FROM at)::float8 AS at, student::text, consent::text, basis"
        f" FROM hallpass.disclosure WHERE interaction = 'notification' AND recipient = '{recipient}'"
    )
    for row in await rows(owner, statement):
        if row["basis"] == "release":
            found[f"{row['type']}/{row['id']}"].append(Entry(row["at"], row["student"], row["consent"]))
    return found


def covered(received: list[Received], ledger: dict[str, list[Entry]], signed: dict[str, Signed]) -> int:
    """How many sendings there were, each judged before it left, under a release that stood. Raises AssertionError."""
    sent: dict[str, list[float]] = defaultdict(list)
    for one in received:
        for _, focus in one.events:
            if focus:
                sent[focus].append(one.at)
    for focus, moments in sent.items():
        for nth, moment in enumerate(sorted(moments), 1):
            before = [e for e in ledger.get(focus, []) if e.at <= moment]
            assert len(before) >= nth, f"{focus} was sent {nth} times by {moment}, and is {len(before)} times entered"
            assert any(_stood(e, moment, signed) for e in before), f"no release covered {focus} when it was sent"
    return sum(map(len, sent.values()))


def _stood(entry: Entry, moment: float, signed: dict[str, Signed]) -> bool:
    release = signed.get(entry.consent)
    if release is None or release.student != entry.student:
        return False
    until: Any = release.ended
    return release.asked <= entry.at and (until is None or (entry.at <= until and moment <= until + SLACK))
