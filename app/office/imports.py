"""Imports with conflicts: what the roster's last import did not take, and what to do about it.

docs/whose-word-counts.md. It reads what an import keeps of itself in the member's own custody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.exchange import reads
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.fhir.json import parse
from app.intake.roster.told import SEARCH, Conflicts, told
from app.office import words
from app.office.guard import get
from app.office.visit import Visit, search_of

MOST = 20
MOST_LINES = 300
"""Lines of one page."""
KINDS = {
    "refused": (
        "Not taken",
        "The source says something that the exchange cannot take. Mend it in the student information system; the next "
        "import takes it. Until then the exchange has what it had before, or nothing.",
    ),
    "kept": (
        "Left as a person decided",
        "The source says something else than what a person at the exchange decided. What the person decided stands. "
        "Find out which is right. If it is the person, mend the source. If it is the source, change the record.",
    ),
}
"""By code, what it is called, and what to do."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What was not taken, of one kind: the lines may be fewer than it counts."""

    title: str
    advice: str
    count: int
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Import:
    """One import with conflicts."""

    at: str
    conflicts: list[Conflict]


@dataclass(frozen=True, slots=True)
class Source:
    """A roster: when its import last wrote, whether one runs now, whether it took everything, and those before."""

    name: str
    at: str
    running: bool
    clean: bool
    imports: list[Import]


def add(router: APIRouter) -> None:
    """The route."""
    get(router, "/office/imports", _show)


async def _show(_request: Request, visit: Visit) -> Response:
    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        return [await reads.search(transaction, search_of(transaction, "Group", SEARCH, MOST), None)]

    answer = await visit.perform("search", unit_of_work, "imports with conflicts")
    groups = [parse(r.body) for r in answer.results[0].released]
    return visit.page("imports.html", sources=sources(groups, answer.zone))


def sources(groups: list[Json], zone: ZoneInfo) -> list[Source]:
    """The rosters in words, with MOST_LINES lines at the most. Pure."""
    left, listed = MOST_LINES, []
    for group, found in ((g, f) for g in groups if (f := told(g))):
        imports = []
        for one in found.imports:
            imports.append(Import(words.moment(one.at, zone), _conflicts(one, left)))
            left -= sum(len(c.lines) for c in imports[-1].conflicts)
        at = words.moment(datetime.fromisoformat(group["meta"]["lastUpdated"]), zone)
        listed.append(Source(found.source, at, found.running, found.clean, imports))
    return listed


def _conflicts(one: Conflicts, most: int) -> list[Conflict]:
    found = []
    for kind, (title, advice) in KINDS.items():
        if one.counts.get(kind):
            lines = [line.partition(": ")[2] for line in one.lines.get(kind, [])][:most]
            most -= len(lines)
            found.append(Conflict(title, advice, one.counts[kind], lines))
    return found
