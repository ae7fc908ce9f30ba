"""Figures as a MeasureReport. Pure. https://hl7.org/fhir/R4/measurereport.html"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.fhir.dates import instant
from app.report.figures import DIMENSIONS, Figures, Times, by, figures
from app.report.referral import Referral

Json = dict[str, Any]
MEASURE = "https://hallpass.example/fhir/Measure/referrals|1.0.0"
CODES = "https://hallpass.example/fhir/CodeSystem/referral-measure"
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
INCREASE = {"system": "http://terminology.hl7.org/CodeSystem/measure-improvement-notation", "code": "increase"}
MEASURES: dict[str, str] = {
    "made": "Referrals made",
    "accepted": "Accepted by a provider",
    "declined": "Declined by all providers asked",
    "reached": "Reached a service",
    "closed": "Loop closed",
    "open": "Open",
    "overdue": "Overdue: open, not served, and longer than the priority has it",
    "days-from-referral": "Days from referral to first service",
    "days-from-need": "Days from need to first service",
}
"""Display by code, in order."""
STATISTICS: dict[str, str] = {
    "median": "Median of those served",
    "p90": "90th percentile of those served",
    "expected-median": "Median by Kaplan and Meier, with those who wait",
    "expected-p90": "90th percentile by Kaplan and Meier, with those who wait",
}
GROUPS: tuple[str, ...] = tuple(
    group
    for code in MEASURES
    for group in ([f"{code}-{s}" for s in STATISTICS] if code.startswith("days-") else [code])
)
"""The codes of the report's groups, in order."""


def measure_report(referrals: Sequence[Referral], reporter: str, period: tuple[str, str], now: datetime) -> Json:
    """The report of an organization on these referrals, whole and by each dimension."""
    whole = figures(referrals, now)
    strata = {d: {k: figures(rs, now) for k, rs in by(referrals, d).items()} for d in DIMENSIONS}
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": MEASURE,
        "date": instant(now),
        "reporter": {"reference": reporter},
        "period": {"start": period[0], "end": period[1]},
        "improvementNotation": {"coding": [INCREASE]},
        "group": [_group(code, whole, strata) for code in GROUPS],
    }


def _group(code: str, whole: Figures, strata: dict[str, dict[str, Figures]]) -> Json:
    found = {"code": {"coding": [{"system": CODES, "code": code, "display": display(code)}]}, **_counts(code, whole)}
    stratifiers = [
        {
            "code": [{"text": dimension}],
            "stratum": [{"value": {"text": value}, **_counts(code, f)} for value, f in parts.items()],
        }
        for dimension, parts in strata.items()
        if parts
    ]
    if code == "declined" and whole.declined:
        rows = [{"value": {"text": why}, **_share(n, whole.made)} for why, n in sorted(whole.declined.items())]
        stratifiers.append({"code": [{"text": "reason"}], "stratum": rows})
    return found | ({"stratifier": stratifiers} if stratifiers else {})


def display(code: str) -> str:
    """The display of a group's code."""
    for statistic, text in STATISTICS.items():
        stem = code.removesuffix(f"-{statistic}")
        if stem != code and stem in MEASURES:
            return f"{MEASURES[stem]}: {text}"
    return MEASURES[code]


def _counts(code: str, f: Figures) -> Json:
    if code.startswith("days-"):
        days = _statistic(code, f.from_need if code.startswith("days-from-need") else f.from_referral)
        unit = {"unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}
        return {"measureScore": {"value": days, **unit}} if days is not None else {}
    return _share(sum(f.declined.values()) if code == "declined" else int(getattr(f, code)), f.made)


def _statistic(code: str, times: Times) -> float | None:
    name = next(s for s in sorted(STATISTICS, key=len, reverse=True) if code.endswith(f"-{s}"))
    found: float | None = getattr(times, name.replace("-", "_"))
    return found


def _share(number: int, made: int) -> Json:
    populations = {"denominator": made, "numerator": number}
    found: Json = {
        "population": [
            {"code": {"coding": [{"system": POPULATION, "code": name}]}, "count": count}
            for name, count in populations.items()
        ]
    }
    return found | ({"measureScore": {"value": round(number / made, 4)}} if made else {})
