"""Counts that may be published: of needs, referrals and unmet needs, by category and area, for a month. Pure.

What is small is left out, so that nobody is found: counts under 11, and what a subtraction would bring back of them.
Every other count is rounded to 5. Totals are the sums of what is published, and so tell nothing more; a county's is the
sum of its districts'. The rule of cells under 11 is that of the federal statistics on students and patients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.referral.judge import state
from app.report.referral import SERVICE_CATEGORY, UNSAID
from app.resources.paths import values

Json = dict[str, Any]
SMALL = 11
STEP = 5
MEASURE = "https://hallpass.example/fhir/Measure/community|1.0.0"
CODES = "https://hallpass.example/fhir/CodeSystem/community-measure"
MEASURES: dict[str, str] = {
    "needs": "Students with a need that led to a referral",
    "referrals": "Referrals made",
    "unmet": "Referrals that have reached no service",
}
"""Display by code."""


class Place(NamedTuple):
    """A cell of the table."""

    category: str
    area: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The true counts of a place. They never leave the district."""

    needs: int
    referrals: int
    unmet: int


Published = dict[Place, dict[str, int]]
"""What may be told of each place: none of its small counts, the others rounded."""


def counted(requests: Iterable[tuple[Json, bool]], areas: Mapping[str, str]) -> dict[Place, Cell]:
    """The true counts of referrals, each with whether it reached a service. `areas`: by the student's reference."""
    students: dict[Place, set[str]] = defaultdict(set)
    made: dict[Place, int] = defaultdict(int)
    unmet: dict[Place, int] = defaultdict(int)
    for request, reached in requests:
        if state("ServiceRequest", request) in ("draft", "entered-in-error"):
            continue
        student = str(request.get("subject", {}).get("reference"))
        codes = [x["code"] for x in values(request, "category.coding") if x.get("system") == SERVICE_CATEGORY]
        place = Place(str(codes[0]) if codes else UNSAID, areas.get(student, UNSAID))
        students[place].add(student)
        made[place] += 1
        unmet[place] += not reached
    return {place: Cell(len(students[place]), made[place], unmet[place]) for place in made}


def publish(cells: Mapping[Place, Cell]) -> Published:
    """What may be told of these counts."""
    return {place: told for place, cell in sorted(cells.items()) if (told := _told(cell))}


def _told(cell: Cell) -> dict[str, int]:
    """The counts of a place that are not small, without those whose difference to another would be."""
    if cell.referrals < SMALL:
        return {}
    told = {"referrals": cell.referrals}
    if cell.needs >= SMALL and not _is_small(cell.referrals - cell.needs):
        told["needs"] = cell.needs
    if cell.unmet >= SMALL and cell.referrals - cell.unmet >= SMALL:
        told["unmet"] = cell.unmet
    if len(told) == len(MEASURES) and _is_small(abs(cell.needs - cell.unmet)):
        del told["unmet"]
    return {name: rounded(n) for name, n in sorted(told.items())}


def _is_small(difference: int) -> bool:
    """Whether a difference would tell of few: of none it tells nothing that the counts do not."""
    return 0 < difference < SMALL


def rounded(n: int) -> int:
    """The nearest multiple of 5."""
    return (n + STEP // 2) // STEP * STEP


def together(published: Iterable[Published]) -> Published:
    """The counts of several, of a county or of a whole with its parts: the sums of what each of them may publish."""
    found: Published = {}
    for table in published:
        for place, counts in table.items():
            own = found.setdefault(place, {})
            for name, n in counts.items():
                own[name] = own.get(name, 0) + n
    return dict(sorted(found.items()))


def report(table: Published, reporter: str, month: str, period: tuple[str, str], at: str) -> Json:
    """The table as a MeasureReport. https://hl7.org/fhir/R4/measurereport.html"""
    return {
        "resourceType": "MeasureReport",
        "identifier": [{"system": CODES, "value": f"{reporter} {month}"}],
        "status": "complete",
        "type": "summary",
        "measure": MEASURE,
        "date": at,
        "reporter": {"reference": reporter},
        "period": {"start": period[0], "end": period[1]},
        "group": [_group(code, table) for code in MEASURES],
    }


def _group(code: str, table: Published) -> Json:
    total = sum(counts.get(code, 0) for counts in table.values())
    strata = [
        {
            "component": [
                {"code": {"text": "category"}, "value": {"text": place.category}},
                {"code": {"text": "area"}, "value": {"text": place.area}},
            ],
            "measureScore": {"value": counts[code]},
        }
        for place, counts in table.items()
        if code in counts
    ]
    found: Json = {
        "code": {"coding": [{"system": CODES, "code": code, "display": MEASURES[code]}]},
        "measureScore": {"value": total},
    }
    return found | ({"stratifier": [{"code": [{"text": "category and area"}], "stratum": strata}]} if strata else {})


def read(document: Json) -> Published:
    """The table of a report, as `report` wrote it."""
    found: Published = {}
    for group in document["group"]:
        code = group["code"]["coding"][0]["code"]
        for stratum in (x for s in group.get("stratifier", []) for x in s["stratum"]):
            category, area = (c["value"]["text"] for c in stratum["component"])
            found.setdefault(Place(category, area), {})[code] = int(stratum["measureScore"]["value"])
    return dict(sorted(found.items()))
