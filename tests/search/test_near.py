"""Places by distance: cells of grids that cover a circle. https://hl7.org/fhir/R4/location.html#positional-searching"""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.near import FINEST, MOST_KM, TOLERANCE, asked, cells, distance

LATITUDES, LONGITUDES = st.floats(-70, 70), st.floats(-180, 180)
CELL_KM = 0.25
"""More than the half of the smallest cell's diagonal: below ten of these the edge is that wide."""


@settings(max_examples=60, deadline=None)
@given(
    latitude=LATITUDES,
    longitude=LONGITUDES,
    kilometers=st.floats(0.1, MOST_KM),
    share=st.floats(0, 2),
    bearing=st.floats(0, 2 * math.pi),
)
def test_a_place_is_found_where_it_is_within_the_distance_but_for_a_tenth_of_it(
    latitude: float, longitude: float, kilometers: float, share: float, bearing: float
) -> None:
    off = share * kilometers / 111.2
    place = (
        latitude + off * math.cos(bearing),
        (longitude + off * math.sin(bearing) / math.cos(math.radians(latitude)) + 540) % 360 - 180,
    )
    covered = asked(f"{latitude}|{longitude}|{kilometers}|km")
    found = bool(set(covered) & set(cells({"latitude": place[0], "longitude": place[1]})))
    away, edge = distance((latitude, longitude), place), max(kilometers * TOLERANCE, CELL_KM)
    if away < kilometers - edge:
        assert found
    if away > kilometers + edge:
        assert not found


@settings(max_examples=30, deadline=None)
@given(latitude=LATITUDES, longitude=LONGITUDES, kilometers=st.floats(0.01, MOST_KM))
def test_a_circle_is_covered_by_few_cells_and_its_middle_is_one(
    latitude: float, longitude: float, kilometers: float
) -> None:
    covered = asked(f"{latitude}|{longitude}|{kilometers}|km")
    assert len(covered) < 900
    assert set(covered) & set(cells({"latitude": latitude, "longitude": longitude}))


def test_a_position_has_a_cell_of_each_grid_and_one_off_the_globe_has_none() -> None:
    assert len(list(cells({"latitude": 42.33, "longitude": -83.05}))) == FINEST - 2
    assert list(cells({"latitude": 142.33, "longitude": -83.05})) == []
    assert list(cells({})) == []
