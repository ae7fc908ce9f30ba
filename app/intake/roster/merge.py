"""Whose word counts, unit by unit: what the source said last, what it says now, and what the exchange holds. Pure.
docs/whose-word-counts.md

`wrote` holds the digest of each unit that the import itself last wrote. Where the exchange holds something else, a
person decided, and that stands. Otherwise the source's change is taken. A source takes authority away even where a
person gave it, and never gives back what a person took.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.consent.codes import GUARDIAN_AUTHORITY
from app.intake.roster.units import ABSENT, Units, digest

Wrote: TypeAlias = Mapping[str, str]
"""Digest of a unit's key -> digest of the value that the import last wrote."""

AUTHORITY = f"extension:{GUARDIAN_AUTHORITY}"
NO_AUTHORITY = [{"url": GUARDIAN_AUTHORITY, "valueBoolean": False}]
DECIDED = "!"
"""Stands for what was last written where a person changed a unit since, and back: no value has this digest."""
RESTRICTED, VANISHED = "#restricted", "#vanished"
"""Said of a record and written into none: a restriction on file; the source has the record no longer."""

_TAKES_AWAY: Mapping[str, Units] = {
    RESTRICTED: {AUTHORITY: NO_AUTHORITY},
    VANISHED: {AUTHORITY: NO_AUTHORITY, "active": False},
}
_DECIDING = ("active", AUTHORITY, "relationship:", "period", "deceased", "link:", "identifier:", "patient", "birthDate")
"""Units that bear on who may sign and who is meant: not added to a record that this source did not write."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of a record: the units to write (None: taken away), what is then written, and what stands instead.

    `kept` are units that a person at the exchange decided otherwise than the source now says.
    """

    changes: Units
    wrote: dict[str, str]
    kept: tuple[str, ...]


def unchanged(wrote: Wrote, source: Units, *, partial: bool = False) -> bool:
    """Whether the source says of a record what was last written of it: then nothing is to be done."""
    if partial:
        return all(wrote.get(digest(k)) == digest(v) for k, v in source.items())
    return wrote == {digest(k): digest(v) for k, v in source.items()}


def merge(
    wrote: Wrote | None,
    source: Units,
    exchange: Units,
    *,
    partial: bool = False,
    touched: Collection[str] = (),
) -> Merged:
    """What to write of a record. `wrote` is None where the exchange had the record and this source never wrote it.

    `partial`: what the source does not name is unknown rather than gone. `touched`: units that somebody changed since
    the import last wrote the record, even if they are by now as they were.
    """
    changes: Units = {}
    after: dict[str, str] = dict(wrote or {}) | {digest(key): DECIDED for key in touched}
    kept: list[str] = []
    for key in _keys(source, exchange, after, partial):
        name, stated, held = digest(key), source.get(key), exchange.get(key)
        before, now = after.get(name, ABSENT), digest(held)
        if digest(stated) == before:
            continue
        if key.startswith("#"):
            _note(after, name, stated)
        elif now == digest(stated):
            if wrote is None and not closed(key, stated):
                after[name] = now
        elif _closes(key, stated, held):
            changes[key] = stated
            if not closed(key, held) or now == before:
                _note(after, name, stated)
        elif now == before and not (wrote is None and key.startswith(_DECIDING)):
            changes[key] = stated
            _note(after, name, stated)
        elif stated is not None:
            kept.append(key)
    _take_away(wrote or {}, source, exchange, changes, after)
    return Merged(changes, after, tuple(k for k in kept if k not in changes))


def closed(key: str, value: Any) -> bool:
    """Whether a unit's value ends something: an authority, an enrollment, a record in use."""
    if key == "active":
        return value is False
    if key == AUTHORITY:
        return any(e.get("valueBoolean") is False for e in value or ())
    if key == "period":
        return bool(value and value.get("end"))
    if key.startswith("member:"):
        return any(m.get("inactive") or m.get("period", {}).get("end") for m in value or ())
    return False


def _closes(key: str, stated: Any, held: Any) -> bool:
    """Whether the source ends what the exchange leaves open, or ends it earlier."""
    if not closed(key, stated):
        return False
    if key == "period" and closed(key, held):
        return bool(stated["end"] < held["end"])
    return not closed(key, held)


def _keys(source: Units, exchange: Units, wrote: Wrote, partial: bool) -> Iterator[str]:
    """The units to look at: what the source states, and what it stated once and the exchange still has."""
    yield from source
    if not partial:
        yield from (k for k in (*exchange, *_TAKES_AWAY) if k not in source and digest(k) in wrote)


def _take_away(wrote: Wrote, source: Units, exchange: Units, changes: Units, after: dict[str, str]) -> None:
    """What a restriction or a vanishing that is new ends, whoever opened it."""
    for reason, ends in _TAKES_AWAY.items():
        if reason not in source or digest(reason) in wrote:
            continue
        for key, value in ends.items():
            if key == AUTHORITY and "patient" not in exchange:
                continue
            if not closed(key, changes[key] if key in changes else exchange.get(key)):
                changes[key] = value
                after[digest(key)] = digest(value)


def _note(after: dict[str, str], name: str, stated: Any) -> None:
    if stated is None:
        after.pop(name, None)
    else:
        after[name] = digest(stated)
