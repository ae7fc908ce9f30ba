"""What was lost does not come back by itself: app/consent/lapses.py."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consent.lapses import State, held, joined, lapsed_at, unbroken
from app.consent.model import Window
from app.fhir.dates import BEGINNING, END

ALWAYS = (BEGINNING, END)
DAYS = [datetime(2026, 10, d, tzinfo=UTC) for d in range(1, 9)]
ONE, TWO, THREE, FOUR, FIVE = DAYS[:5]
windows = st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))


@pytest.mark.parametrize(
    ("states", "window"),
    [
        ([], None),
        ([(ONE, ALWAYS)], ALWAYS),
        ([(ONE, ALWAYS), (TWO, None)], None),
        ([(ONE, ALWAYS), (TWO, None), (THREE, ALWAYS)], (THREE, END)),
        ([(ONE, ALWAYS), (TWO, None), (THREE, (FIVE, END))], (FIVE, END)),
        ([(ONE, ALWAYS), (TWO, None), (THREE, ALWAYS), (FOUR, (ONE, FIVE))], (THREE, FIVE)),
        ([(ONE, (BEGINNING, TWO)), (THREE, ALWAYS)], (THREE, END)),
        ([(ONE, (BEGINNING, TWO)), (TWO, ALWAYS)], ALWAYS),
        ([(ONE, (BEGINNING, THREE)), (TWO, (FOUR, END))], (FOUR, END)),
        ([(ONE, ALWAYS), (TWO, (ONE, END))], (ONE, END)),
        ([(ONE, None), (TWO, ALWAYS)], ALWAYS),
    ],
)
def test_a_signature_counts_from_the_last_break_on(states: list[State], window: Window | None) -> None:
    """The first version also speaks of the time before it."""
    assert unbroken(states) == window


def test_what_was_on_record_at_the_time_is_what_was_so() -> None:
    """A later version says nothing of the time before it."""
    assert held([(ONE, ALWAYS), (TWO, None), (THREE, ALWAYS)]) == ((ONE, TWO), (THREE, END))


@pytest.mark.parametrize(
    ("spans", "since"),
    [
        ([], None),
        ([(ONE, TWO)], None),
        ([(FOUR, FIVE)], None),
        ([(ONE, FOUR)], BEGINNING),
        ([(ONE, TWO), (TWO, FOUR)], BEGINNING),
        ([(ONE, TWO), (THREE, FOUR)], TWO),
        ([(ONE, TWO), (ONE, FOUR)], BEGINNING),
    ],
)
def test_the_last_break_before_now_is_where_the_time_before_it_ended(
    spans: list[Window], since: datetime | None
) -> None:
    """Asked at the start of the third day."""
    assert lapsed_at(spans, THREE) == since


@given(spans=st.lists(windows, max_size=5), moment=st.sampled_from(DAYS))
def test_joined_windows_cover_what_each_covers(spans: list[Window], moment: datetime) -> None:
    """And no two of them touch."""
    found = joined(spans)
    assert any(a <= moment < b for a, b in found) == any(a <= moment < b for a, b in spans)
    assert all(one[1] < other[0] for one, other in pairwise(found))
