"""A student's plan of support as a page: goals, services, team and reviews, of what the person may see.

The use case is that of `Patient/$support-plan`. A partner's intake sees what was released to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.errors import not_found
from app.exchange import planned
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.office import words
from app.office.access import by_reference
from app.office.guard import get
from app.office.visit import Visit, about
from app.plan.document import Section, sections

MOST = 100
"""Rows of one table."""
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_CODE = re.compile(r"[a-z]+(?:-[a-z]+)+")


@dataclass(frozen=True, slots=True)
class Table:
    """One section: `empty` is said where it has no row."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    empty: str
    more: bool


def add(router: APIRouter) -> None:
    """The route."""
    get(router, "/office/students/{id}/plan", _show)


async def _show(request: Request, visit: Visit) -> Response:
    student = request.path_params["id"]

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        transaction.require("CarePlan", "s")
        return await planned.of_student(transaction, student)

    answer = await visit.perform("support-plan", unit_of_work, about("plan of support", "Patient", student))
    found = by_reference(answer.results)
    patient = found.get(f"Patient/{student}")
    if patient is None:
        raise not_found()
    return visit.page(
        "plan.html",
        id=student,
        student=words.name(patient),
        born=words.date_of(patient.get("birthDate"), answer.zone),
        tables=[_table(s, answer.zone) for s in sections(list(found.values()))],
        cut=any(part.cursors for part in answer.results),
    )


def _table(section: Section, zone: ZoneInfo) -> Table:
    rows = [tuple(_told(cell, zone) for cell in row) for _, row in section.found]
    return Table(section.title, section.headings, rows[:MOST], section.empty, len(rows) > MOST)


def _told(cell: str, zone: ZoneInfo) -> str:
    """A cell in plain words: days as people write them, and no code with a hyphen."""
    if _CODE.fullmatch(cell):
        return cell.replace("-", " ")
    return _DAY.sub(lambda found: words.date_of(found[0], zone), cell)
