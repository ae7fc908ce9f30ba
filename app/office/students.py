"""Finding a student: by name, number or birth date, among those that the person may see."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError, Kind
from app.exchange import reads
from app.exchange.service import PendingResult, Result
from app.exchange.service import Session as Transaction
from app.fhir.json import parse
from app.office import words
from app.office.guard import get, post
from app.office.roles import OPERATOR
from app.office.visit import Visit, search_of
from app.web import see_other

MOST = 50
_SPECIAL = re.compile(r"([\\,$|])")
"""What separates values in a search parameter. https://hl7.org/fhir/R4/search.html#escaping"""


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, "/office", _ask)
    post(router, "/office", _find)


async def _ask(_request: Request, visit: Visit) -> Response:
    if visit.staff.role is OPERATOR:
        return see_other("/office/operator")
    return visit.page("find.html", asked={"name": "", "born": ""}, found=None, more=False, wrong="")


async def _find(_request: Request, visit: Visit) -> Response:
    """By a form, so that no name stands in an address."""
    asked = {"name": visit.form.get("name", ""), "born": visit.form.get("born", "")}

    async def unit_of_work(transaction: Transaction) -> list[PendingResult]:
        wanted = search_of(transaction, "Patient", [*_pairs(asked), ("_sort", "family"), ("_total", "none")], MOST)
        return [await reads.search(transaction, wanted, None)]

    try:
        answer = await visit.perform("search", unit_of_work, "students, by name or number")
    except HallpassError as e:
        if e.kind is not Kind.INVALID:
            raise
        text = "Type at least the beginning of a name, or a number; a date of birth as year, month and day."
        return visit.page("find.html", 400, asked=asked, found=None, more=False, wrong=text)
    result = answer.results[0]
    found = _students(result, answer.zone)
    return visit.page("find.html", asked=asked, found=found, more="next" in result.cursors, wrong="")


def _pairs(asked: dict[str, str]) -> list[tuple[str, str]]:
    """As parameters of a search: each word is the beginning of a name; what has a digit is a number."""
    text = asked["name"].strip()
    if any(c.isdigit() for c in text):
        pairs = [("identifier", _SPECIAL.sub(r"\\\1", text))]
    else:
        pairs = [("name", _SPECIAL.sub(r"\\\1", word)) for word in text.split()[:5]]
    return pairs + ([("birthdate", asked["born"])] if asked["born"] else [])


def _students(result: Result, zone: ZoneInfo) -> list[dict[str, Any]]:
    found = [parse(r.body) for r in result.released]
    return [{"id": s["id"], "name": words.name(s), "born": words.date_of(s.get("birthDate"), zone)} for s in found]
