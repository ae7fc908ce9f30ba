"""Where a place is, as codes that can be searched: the cells of ever finer grids over the earth. Pure.

https://hl7.org/fhir/R4/location.html#positional-searching — a circle is covered by cells, large ones in its middle and
small ones at its edge, so that what is found is right to within a tenth of the distance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

COARSEST, FINEST = 3, 18
"""Grids of 2^n by 2^n cells: from a thousand kilometers to a hundred meters."""
EARTH_KM = 6371.0
USUAL_KM, MOST_KM = 40.0, 500.0
"""Where no distance is asked, and the longest."""
UNITS = {"km": 1.0, "m": 0.001, "[mi_us]": 1.609347, "mi": 1.609344}
TOLERANCE = 0.1
"""By which share of the distance the edge may be off."""
_HOW = "takes latitude|longitude|distance|units: 42.33|-83.05|10|km; units are km, m or [mi_us]"


def cells(position: dict[str, Any]) -> Iterator[str]:
    """The cells that a Location.position lies in, one of each grid; none for a position off the globe."""
    at = float(position.get("latitude", math.nan)), float(position.get("longitude", math.nan))
    if abs(at[0]) <= 90 and abs(at[1]) <= 180:
        for level in range(COARSEST, FINEST + 1):
            yield _name(level, *_cell(level, *at))


def asked(text: str) -> tuple[str, ...]:
    """The cells that cover what a search asks for. Raises ValueError with what it takes."""
    parts = text.split("|")
    try:
        latitude, longitude = float(parts[0]), float(parts[1])
        unit = UNITS[parts[3]] if len(parts) > 3 and parts[3] else 1.0
        kilometers = float(parts[2]) * unit if len(parts) > 2 and parts[2] else USUAL_KM
    except (IndexError, KeyError, ValueError):
        raise ValueError(_HOW) from None
    if len(parts) > 4 or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(_HOW)
    if not 0 < kilometers <= MOST_KM:
        raise ValueError(f"takes a distance of more than 0 and at most {MOST_KM:g} km")
    return tuple(_cover(latitude, longitude, kilometers))


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Kilometers between two positions. https://en.wikipedia.org/wiki/Haversine_formula"""
    a, b = math.radians(one[0]), math.radians(other[0])
    across = math.radians(other[1] - one[1])
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def _cover(latitude: float, longitude: float, kilometers: float) -> Iterator[str]:
    """Cells whose points are within the distance, but for its edge."""
    center = latitude, longitude
    side = 1 << COARSEST
    waiting = [(COARSEST, x, y) for x in range(side) for y in range(side)]
    while waiting:
        level, x, y = waiting.pop()
        middle, corner = _middle(level, x, y), _reach(level, x, y)
        away = distance(center, middle)
        if away - corner > kilometers:
            continue
        fine = corner <= kilometers * TOLERANCE or level == FINEST
        if away + corner <= kilometers or (fine and away <= kilometers):
            yield _name(level, x, y)
        elif not fine:
            waiting += [(level + 1, 2 * x + i, 2 * y + j) for i in (0, 1) for j in (0, 1)]
        elif level == FINEST and away <= corner:  # the circle is smaller than the cell that it is in
            yield _name(level, x, y)


def _cell(level: int, latitude: float, longitude: float) -> tuple[int, int]:
    side = 1 << level
    return min(int((longitude + 180) / 360 * side), side - 1), min(int((latitude + 90) / 180 * side), side - 1)


def _middle(level: int, x: int, y: int) -> tuple[float, float]:
    side = 1 << level
    return (y + 0.5) / side * 180 - 90, (x + 0.5) / side * 360 - 180


def _reach(level: int, x: int, y: int) -> float:
    """The kilometers from the middle of a cell to its farthest point."""
    side = 1 << level
    middle = _middle(level, x, y)
    corners = [((y + j) / side * 180 - 90, x / side * 360 - 180) for j in (0, 0.5, 1)]
    return max(distance(middle, c) for c in corners)


def _name(level: int, x: int, y: int) -> str:
    return f"{level}-{x}-{y}"
