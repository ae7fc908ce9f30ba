"""What is kept of the measurements, and what is shown."""

from __future__ import annotations

import pytest

from bench.figures import Figure
from bench.report import fallen, merged, put, table

READ = Figure("read", "a read", 0.7, 0.8, 0.1)
TAIL = Figure("tail", "the tail", 5, 3, 1, at_most=True)


def test_what_was_not_measured_keeps_its_last_result() -> None:
    before = merged({}, [READ, TAIL], 0.5, 100)
    after = merged(before, [Figure("read", "a read", 0.7, 0.4, 0.1)], 6.0, 100)
    assert after["tail"] == before["tail"]
    assert (after["read"]["found"], after["read"]["met"], after["read"]["load"]) == (0.4, False, 6.0)


def test_a_missed_figure_stays_in_the_table_with_what_shows_why() -> None:
    shown = table(merged({}, [Figure("read", "a read", 0.7, 0.4, 0.1), TAIL], 0.5, 100))
    assert "| a read | at least 0.7 | 0.40 | 0.10 |  | missed, [why](profile.md#read-under-a-release) | 0.5 |" in shown
    assert "| the tail | at most 5 | 3.00 | 1.00 |  | met | 0.5 |" in shown


@pytest.mark.parametrize(("found", "fell"), [(0.8, 0), (0.69, 0), (0.67, 1), (2.0, 0)])
def test_what_should_be_high_fell_when_it_is_15_percent_lower(found: float, fell: int) -> None:
    assert len(fallen(merged({}, [READ], 0, 100), [Figure("read", "a read", 0.7, found, 0.1)])) == fell


@pytest.mark.parametrize(("found", "fell"), [(3, 0), (3.5, 0), (3.6, 1), (1, 0)])
def test_what_should_be_low_fell_when_it_is_15_percent_higher(found: float, fell: int) -> None:
    assert len(fallen(merged({}, [TAIL], 0, 100), [Figure("tail", "the tail", 5, found, 1, at_most=True)])) == fell


def test_what_was_never_measured_before_has_not_fallen() -> None:
    assert fallen({}, [READ]) == []


def test_a_section_is_put_between_its_marks_and_nothing_else_is_touched() -> None:
    page = "# Head\n<!-- make bench: one -->\nold\n<!-- end: one -->\n<!-- make bench: two -->\n<!-- end: two -->\ntail"
    once = put(page, "one", "new\n")
    assert once == page.replace("old\n", "new\n")
    assert put(once, "one", "old\n") == page
    assert put(page, "two", "x\n").endswith("<!-- make bench: two -->\nx\n<!-- end: two -->\ntail")


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks of three"):
        put("# Head\n<!-- make bench: three -->\n", "three", "new\n")
