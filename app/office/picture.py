"""Who can see what now, as a picture: each release, its provisions, and what each of them opens to whom. Pure.

https://www.w3.org/TR/SVG2/ — a drawing of boxes, with no style of its own: the page's stylesheet has it.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from app.consent.codes import READING_ACTIONS
from app.office import words
from app.office.parameters import Parts
from app.resources.paths import first, values
from app.signing.catalog import catalog

MOST = 12
"""Releases in one picture. The list below it has all of them."""
_LINE, _PAD, _GAP, _WIDE, _STEP, _CHARACTERS = 16, 8, 14, 270, 14, 38
_LEFT = (0, 330, 660)
"""Where the columns begin."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Box:
    """Lines of text in a frame; `kind` is its class in the stylesheet."""

    x: int
    y: int
    width: int
    lines: tuple[str, ...]
    kind: str

    @property
    def height(self) -> int:
        """What its lines take."""
        return len(self.lines) * _LINE + 2 * _PAD

    @property
    def middle(self) -> int:
        """Where a line meets it."""
        return self.y + self.height // 2

    @property
    def texts(self) -> list[tuple[int, int, str]]:
        """Each line with its place."""
        return [(self.x + _PAD, self.y + _PAD + _LINE * (i + 1) - 4, t) for i, t in enumerate(self.lines)]


@dataclass(frozen=True, slots=True)
class Picture:
    """The boxes, the lines between them from left to right, and the size of all of it."""

    boxes: list[Box]
    lines: list[tuple[int, int, int, int]]
    height: int
    width: int = _LEFT[2] + _WIDE


@dataclass(frozen=True, slots=True)
class Drawn:
    """One release: its own words, each of its provisions with its depth, and who sees what by it."""

    title: str
    provisions: list[tuple[int, bool, str]]
    recipients: list[tuple[str, list[str]]]


def provisions(consent: Json, covered: list[Parts], zone: ZoneInfo) -> list[tuple[int, bool, str]]:
    """Each provision in words: how deep it is, whether it permits, and what it covers of what is on file."""
    counts: dict[int, Counter[str]] = {}
    for parts in covered:
        found = counts.setdefault(parts["node"][0], Counter())
        found |= Counter({p["type"][0]: p["count"][0] for p in parts.get("covers", [])})
    told = []
    for node, (depth, provision) in enumerate(_walk(consent.get("provision", {}), 0)):
        permits = provision.get("type", "permit") == "permit"
        on_file = ", ".join(words.records(counts.get(node, Counter()))) or "nothing that is on file"
        told.append((depth, permits, f"{_words(provision, permits, zone)}. It covers {on_file}."))
    return told


def _walk(provision: Json, depth: int) -> Iterator[tuple[int, Json]]:
    """In the order in which they are numbered: a provision about other actions than reading is left out."""
    actions = set(values(provision, "action.coding.code"))
    if actions and not actions & READING_ACTIONS:
        return
    yield depth, provision
    for each in provision.get("provision", []):
        yield from _walk(each, depth + 1)


def _words(provision: Json, permits: bool, zone: ZoneInfo) -> str:
    texts = catalog(None).texts
    what = ", ".join(words.classes(provision)) or "every kind of record"
    labels = [texts.get(f"label.{code}", code) for code in values(provision, "securityLabel.code")]
    parts = [f"{'Opens' if permits else 'Does not open'} {what}"]
    parts += [f"marked: {', '.join(labels)}"] if labels else []
    parts += ["those that it names"] if values(provision, "data") else []
    parts += ["with certain codes"] if values(provision, "code") else []
    purposes = words.purposes(values(provision, "purpose.code"))
    parts += [f"for {purposes}"] if purposes else []
    end = words.date_of(first(provision, "period.end"), zone)
    return "; ".join(parts + ([f"until {end}"] if end else []))


def draw(releases: list[Drawn]) -> Picture:
    """Boxes from left to right: the release, its provisions, who sees what."""
    boxes: list[Box] = []
    lines: list[tuple[int, int, int, int]] = []
    top = 0
    for release in releases:
        middle = _column(1, top, [(d, t, "permits" if p else "denies") for d, p, t in release.provisions])
        texts = [f"{who}: {', '.join(what) or 'nothing now'}" for who, what in release.recipients]
        right = _column(2, top, [(0, t, "sees") for t in texts])
        height = max([b.y + b.height for b in (*middle, *right)], default=top) - top
        own = _box(0, top, release.title, "release")
        own = Box(own.x, top + max(0, (height - own.height) // 2), own.width, own.lines, own.kind)
        lines += [(own.x + own.width, own.middle, b.x, b.middle) for b in middle if b.x == _LEFT[1]]
        lines += [(b.x + b.width, b.middle, r.x, r.middle) for b in middle[:1] for r in right]
        boxes += [own, *middle, *right]
        top += max(height, own.height) + 2 * _GAP
    return Picture(boxes, lines, max(top - 2 * _GAP, 0))


def _column(number: int, top: int, told: list[tuple[int, str, str]]) -> list[Box]:
    boxes: list[Box] = []
    for depth, text, kind in told:
        boxes.append(_box(number, top, text, kind, depth))
        top += boxes[-1].height + _GAP
    return boxes


def _box(number: int, top: int, text: str, kind: str, depth: int = 0) -> Box:
    inset = min(depth, 4) * _STEP
    lines = textwrap.wrap(text, _CHARACTERS - 2 * min(depth, 4)) or [""]
    return Box(_LEFT[number] + inset, top, _WIDE - inset, tuple(lines), kind)
