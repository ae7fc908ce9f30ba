"""What a plan says came of it: measures, from before it began to now. https://hl7.org/fhir/R4/composition.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.plan.document import MEASURES
from tests.plan.telling import OUTCOMES, Json, attendance, made, section, table, told


def care_plan(**more: Any) -> Json:
    """A plan that goes on."""
    return {"resourceType": "CarePlan", "id": str(more), "status": "active", **more}


POINTS = [
    attendance(v, d) for v, d in ((93.5, "2026-11-20"), (90, "2026-11-01"), (82, "2026-09-01"), (85, "2026-08-20"))
]


@pytest.mark.parametrize(
    ("plans", "first", "change"),
    [
        ([], "85 % (2026-08-20)", "+8.5"),
        ([care_plan()], "85 % (2026-08-20)", "+8.5"),
        ([care_plan(period={"end": "2026-09-14"})], "85 % (2026-08-20)", "+8.5"),
        ([care_plan(period={"start": "2026-09-14"})], "82 % (2026-09-01)", "+11.5"),
        ([care_plan(period={"start": "2026-09-01T08:00:00Z"})], "82 % (2026-09-01)", "+11.5"),
        ([care_plan(period={"start": "2026-08-01"})], "85 % (2026-08-20)", "+8.5"),
        ([care_plan(period={"start": "2026-11-27"})], "90 % (2026-11-01)", "+3.5"),
        ([care_plan(period={"start": d}) for d in ("2026-11-27", "2026-09-14")], "82 % (2026-09-01)", "+11.5"),
    ],
)
def test_a_measure_is_compared_with_the_last_before_the_plan_began_or_the_first(
    plans: list[Json], first: str, change: str
) -> None:
    document = made(*plans, *POINTS)
    outcomes = section(document, OUTCOMES)
    assert table(outcomes["text"]) == [("Attendance", first, "93.5 % (2026-11-20)", change)]
    assert outcomes["entry"] == [{"reference": "Observation/2026-11-20"}]


@pytest.mark.parametrize(
    ("points", "change"),
    [
        ([attendance(90, "2026-11-01")], ""),
        ([attendance(90, "2026-11-01"), attendance(85, "2026-11-02")], "-5"),
        ([attendance(90, "2026-11-01"), attendance(90, "2026-11-02")], "+0"),
        ([attendance(None, "2026-11-01"), attendance(85, "2026-11-02")], ""),
        ([attendance(90, "2026-11-01"), attendance(None, "2026-11-02")], ""),
    ],
)
def test_a_change_is_told_with_its_sign_where_two_values_are_numbers(points: list[Json], change: str) -> None:
    assert [row[-1] for row in told(OUTCOMES, *points)] == [change]


def test_measures_are_told_by_name_each_on_its_own_whatever_says_when() -> None:
    reading = {"coding": [{"system": MEASURES, "code": "x", "display": "A grade"}], "text": "A grade"}
    old = {**attendance(2, "o"), "code": reading, "effectivePeriod": {"start": "2026-01-01", "end": "2026-09-30"}}
    new = {**attendance(3, "n"), "code": reading, "issued": "2026-10-31T08:00:00Z"}
    del old["effectiveDateTime"], new["effectiveDateTime"]
    assert told(OUTCOMES, attendance(90, "2026-11-01"), new, old) == [
        ("A grade", "2 % (2026-09-30)", "3 % (2026-10-31)", "+1"),
        ("Attendance", "90 % (2026-11-01)", "90 % (2026-11-01)", ""),
    ]
