"""Plots as SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.svg import nice, plot

SVG = "{http://www.w3.org/2000/svg}"


def drawn(panels: dict[str, dict[str, list[tuple[float, float]]]]) -> ElementTree.Element:
    return ElementTree.fromstring(plot("Cost <of> all", "students", "ms", panels))  # noqa: S314 - our own


def test_each_line_of_each_panel_is_drawn_over_equal_steps_of_a_logarithmic_axis() -> None:
    found = drawn({"read": {"wait": [(10, 1), (100, 1), (1000, 2)], "work": [(10, 0), (100, 0), (1000, 1)]}})
    first, second = (line.attrib["points"].split() for line in found.iter(f"{SVG}polyline"))
    places = [tuple(map(float, p.split(","))) for p in first]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.2)
    assert places[0][1] == places[1][1] > places[2][1]  # more is higher up
    assert float(second[0].split(",")[1]) > places[0][1]


def test_names_are_escaped_and_each_stands_once_in_the_legend() -> None:
    found = drawn({name: {"wait": [(1, 1), (2, 1)]} for name in ("read & write", "search")})
    texts = [t.text for t in found.iter(f"{SVG}text")]
    assert {"Cost <of> all", "read & write, ms", "search, ms"} <= set(texts)
    assert texts.count("wait") == 1


def test_a_single_point_is_drawn() -> None:
    assert len(list(drawn({"read": {"wait": [(5, 0)]}}).iter(f"{SVG}circle"))) == 1


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_an_axis_ends_where_all_is_on_it_and_no_more_than_half_is_empty(value: float) -> None:
    assert value <= nice(value) * (1 + 1e-9)
    assert nice(value) <= 2 * value * (1 + 1e-9)
