"""What is published gives back no small count, whatever is subtracted from whatever."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from fhir.resources.R4B.measurereport import MeasureReport
from hypothesis import given
from hypothesis import strategies as st

from app.report.community import SMALL, STEP, Cell, Place, counted, publish, read, report, rounded, together

LARGEST = 48
HERE = Place("food", "73334")
CELLS = st.builds(
    lambda referrals, needs, unmet: Cell(min(needs, referrals), referrals, min(unmet, referrals)),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 300),
)
TABLES = st.dictionaries(st.builds(Place, st.sampled_from("abc"), st.sampled_from("xyz")), CELLS, max_size=9)
DERIVED = {
    "needs": lambda c: c.needs,
    "referrals": lambda c: c.referrals,
    "unmet": lambda c: c.unmet,
    "reached": lambda c: c.referrals - c.unmet,
    "repeats": lambda c: c.referrals - c.needs,
}


def possible() -> dict[tuple[tuple[str, int], ...], list[Cell]]:
    """Every small table's cell, by what is published of it."""
    found: dict[tuple[tuple[str, int], ...], list[Cell]] = defaultdict(list)
    for referrals in range(LARGEST):
        for needs, unmet in product(range(min(1, referrals), referrals + 1), range(referrals + 1)):
            cell = Cell(needs, referrals, unmet)
            found[tuple(publish({HERE: cell}).get(HERE, {}).items())].append(cell)
    return found


POSSIBLE = possible()
SMALL_CELLS = st.sampled_from([c for cells in POSSIBLE.values() for c in cells if c.referrals <= LARGEST - 2 * STEP])


def test_no_subtraction_gives_back_a_small_count() -> None:
    """The attacker knows the rule and all that is published of a cell, and tries every table that it could come from.

    Of each count, and each difference of two, that is small and not nothing, several values stay possible.
    """
    for told, cells in POSSIBLE.items():
        if max(c.referrals for c in cells) > LARGEST - 2 * STEP:
            continue  # beside the largest that were tried, some of what is possible is missing
        for name, of in DERIVED.items():
            values = {of(c) for c in cells}
            if any(0 < v < SMALL for v in values):
                assert len(values) >= STEP, (told, name, sorted(values))


@given(st.dictionaries(st.builds(Place, st.sampled_from("ab"), st.sampled_from("xy")), SMALL_CELLS, min_size=1))
def test_no_subtraction_of_rows_and_totals_gives_back_a_small_count(table: dict[Place, Cell]) -> None:
    """The attacker has the whole report, its rows and totals, and knows every other cell: the report stays the same
    for several values of each small count.
    """
    about = ("Organization/x", "2026-09", ("2026-09-01", "2026-09-30"), "2026-11-01T00:00:00Z")
    told = report(publish(table), *about)
    for place, cell in table.items():
        others = POSSIBLE[tuple(publish({HERE: cell}).get(HERE, {}).items())]
        for name, of in DERIVED.items():
            if not 0 < of(cell) < SMALL:
                continue
            by_value = {of(o): o for o in others}
            alike = [v for v, o in by_value.items() if report(publish({**table, place: o}), *about) == told]
            assert len(alike) >= STEP, (name, cell, alike)


@given(TABLES)
def test_totals_are_the_sums_of_what_is_published(table: dict[Place, Cell]) -> None:
    published = publish(table)
    document = report(published, "Organization/x", "2026-09", ("2026-09-01", "2026-09-30"), "2026-11-01T00:00:00Z")
    MeasureReport.model_validate(document)
    assert read(document) == published
    for group in document["group"]:
        name = group["code"]["coding"][0]["code"]
        assert group["measureScore"]["value"] == sum(c.get(name, 0) for c in published.values())
    for counts in published.values():
        assert all(n % STEP == 0 and n >= rounded(SMALL) for n in counts.values())


@given(st.lists(TABLES, max_size=4))
def test_a_county_is_the_sum_of_its_districts(tables: list[dict[Place, Cell]]) -> None:
    parts = [publish(t) for t in tables]
    county = together(parts)
    assert county.keys() == {p for part in parts for p in part}
    for place, counts in county.items():
        for name, n in counts.items():
            assert n == sum(part.get(place, {}).get(name, 0) for part in parts)


def test_what_is_counted_goes_by_category_and_area() -> None:
    food = [{"coding": [{"system": "https://hallpass.example/fhir/CodeSystem/service-category", "code": "food"}]}]
    one = {"status": "active", "subject": {"reference": "Patient/1"}, "category": food}
    requests = [(one, True), (one, False), ({**one, "status": "draft"}, False), ({**one, "category": []}, False)]
    assert counted(requests, {"Patient/1": "73334"}) == {
        Place("food", "73334"): Cell(1, 2, 1),
        Place("(not said)", "73334"): Cell(1, 1, 1),
    }


def test_small_counts_stay_at_home() -> None:
    assert publish({HERE: Cell(10, 10, 0)}) == {}
    assert publish({HERE: Cell(40, 40, 20)}) == {HERE: {"needs": 40, "referrals": 40, "unmet": 20}}
    assert publish({HERE: Cell(30, 40, 35)}) == {HERE: {"referrals": 40}}, (
        "35 unmet of 40 would tell of 5 that were met"
    )
