"""A token bucket: a burst, then a steady rate, each key by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.limits import rates
from app.limits.rates import Rates


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_as_many_as_the_rate_allows() -> None:
    clock = Clock()
    found = Rates(2, 4, clock)
    assert [found.take("a") for _ in range(4)] == [0.0] * 4
    assert found.take("a") == 0.5
    assert found.take("b") == 0.0
    clock.now += 0.5
    assert found.take("a") == 0.0
    assert found.take("a") > 0


def test_what_costs_more_than_is_left_makes_the_next_one_wait() -> None:
    clock = Clock()
    found = Rates(1, 2, clock)
    assert found.take("a", 10) == 0.0
    assert found.take("a") == 9.0


def test_what_is_given_back_may_be_taken_again() -> None:
    found = Rates(1, 1, Clock())
    assert found.take("a") == 0.0
    found.give_back("a")
    assert found.take("a") == 0.0
    assert found.take("a") > 0


def test_no_number_of_keys_grows_it_without_end() -> None:
    found = Rates(1, 1, Clock())
    for n in range(rates.REMEMBERED + 10):
        found.take(str(n))
    assert len(found._full_at) == rates.REMEMBERED


@given(st.lists(st.floats(0, 3), max_size=200))
def test_over_any_time_no_more_than_burst_and_rate_come_through(pauses: list[float]) -> None:
    clock = Clock()
    found, let, begun = Rates(3, 5, clock), 0, clock.now
    for pause in pauses:
        clock.now += pause
        let += found.take("a") == 0.0
        assert let <= 5 + 3 * (clock.now - begun) + 1e-6
