"""Whose word counts, unit by unit: what the source said last, what it says now, and what the exchange holds. Pure.
docs/whose-word-counts.md

`wrote` holds the digest of what the source last said of each unit, with a mark where a person decided otherwise since:
that stands. Otherwise the source's change is taken. A source takes authority away even where a person gave it, and
never gives back what a person took.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.consent.codes import GUARDIAN_AUTHORITY
from app.intake.roster.units import ABSENT, Units, digest

Wrote: TypeAlias = Mapping[str, str]
"""Digest of a unit's key -> digest of the value that the source last said, after DECIDED where a person decided."""

AUTHORITY = f"extension:{GUARDIAN_AUTHORITY}"
NO_AUTHORITY = [{"url": GUARDIAN_AUTHORITY, "valueBoolean": False}]
DECIDED = "!"
"""Before the digest of what the source last said of a unit that a person decided since. No digest begins so."""
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
    """Whether the source says of a record what it said last: then nothing is to be done."""
    if partial:
        return all(last_said(wrote.get(digest(k))) == digest(source.get(k)) for k in {*source, *_TAKES_AWAY})
    return {k: said for k, v in wrote.items() if (said := last_said(v))} == {
        digest(k): digest(v) for k, v in source.items()
    }


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
    the import last looked at the record, even if they are by now as they were.
    """
    changes: Units = {}
    after = _marked(wrote or {}, exchange, touched)
    kept: list[str] = []
    for key in _keys(source, exchange, after, partial):
        name, stated, held = digest(key), source.get(key), exchange.get(key)
        before, now, said = last_said(after.get(name)), digest(held), digest(stated)
        decided = now != before or after.get(name, "").startswith(DECIDED)
        if said == before:
            continue
        if key.startswith("#"):
            _note(after, name, said)
        elif now == said:
            if wrote is not None:
                _note(after, name, DECIDED + said)
            elif not closed(key, stated):
                _note(after, name, said)
        elif _closes(key, stated, held):
            changes[key] = stated
            _note(after, name, DECIDED + said if decided and closed(key, held) else said)
        elif not decided and not (wrote is None and key.startswith(_DECIDING)):
            changes[key] = stated
            _note(after, name, said)
        else:
            kept += [key] if stated is not None else []
            _note(after, name, DECIDED + said)
    if not partial:  # what it said once, and neither says nor the exchange has: a person took it out
        after |= dict.fromkeys(after.keys() - {digest(key) for key in (*source, *exchange)}, DECIDED + ABSENT)
    _take_away(wrote or {}, source, exchange, changes, after)
    return Merged(changes, after, tuple(k for k in kept if k not in changes))


def last_said(mark: str | None) -> str:
    """The digest of what the source last said of a unit, whoever decided it since; ABSENT where that was nothing."""
    return (mark or ABSENT).removeprefix(DECIDED)


def _marked(wrote: Wrote, exchange: Units, touched: Collection[str]) -> dict[str, str]:
    """What was last said of each unit, with the mark of those that a person decided since, or decided before."""
    held = {digest(key): digest(value) for key, value in exchange.items()}
    by_hand = {digest(key) for key in touched}
    said_of = {digest(key) for key in _TAKES_AWAY}
    after = dict(wrote)
    for name in {*wrote, *by_hand} - said_of:
        said = last_said(wrote.get(name))
        if name in by_hand or held.get(name, ABSENT) != said:
            after[name] = DECIDED + said
    return after


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
    """The units to look at: what the source states, and what it stated once and the exchange still has.

    Who is stated is there, and without the restriction that is not stated, even where the rest is unknown.
    """
    yield from source
    no_more = _TAKES_AWAY if any(not k.startswith("#") for k in source) else ()
    yield from (k for k in (*(() if partial else exchange), *no_more) if k not in source and digest(k) in wrote)


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


def _note(after: dict[str, str], name: str, mark: str) -> None:
    """Keep what the source now says of a unit; what it no longer says is dropped, unless a person decided it."""
    if mark == ABSENT:
        after.pop(name, None)
    else:
        after[name] = mark
