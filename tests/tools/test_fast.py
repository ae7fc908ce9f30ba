"""`make test-fast` leaves out what starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SLOW

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("place", SLOW)
def test_a_place_that_is_left_out_is_there(place: str) -> None:
    assert list(ROOT.glob(f"{place}*")), "A file was moved: name its new place, or its tests slow everybody down."
