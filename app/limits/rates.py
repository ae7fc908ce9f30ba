"""How often somebody may ask: a token bucket for each key. https://en.wikipedia.org/wiki/Token_bucket"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

REMEMBERED = 50_000
"""Keys that are known at once. Whoever is forgotten begins with a full bucket."""


class Rates:
    """`rate` a second over time for each key, and `burst` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst_seconds = burst / rate
        self.own: Mapping[str, float] = {}
        """The rates of keys that have their own; the burst goes with the rate."""
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each bucket will be full again: one number says both what is in it and since when."""

    def take(self, key: str, cost: float = 1.0) -> float:
        """Take from a bucket; answer 0, or, where it holds nothing, the seconds until it does. Then nothing is taken.

        What costs more than is left is let through and makes the next one wait: one request is never too large.
        """
        now = self._clock()
        rate = self.own.get(key, self._rate)
        full_at = max(self._full_at.pop(key, now), now)
        lacking = (full_at - now) * rate
        wait = (lacking + 1 - max(rate * self._burst_seconds, 1.0)) / rate
        self._full_at[key] = full_at if wait > 0 else full_at + cost / rate
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
        return max(0.0, wait)

    def charge(self, key: str, cost: float) -> None:
        """Take what has been used already, whether or not there was so much."""
        now = self._clock()
        self._full_at[key] = max(self._full_at.pop(key, now), now) + cost / self.own.get(key, self._rate)

    def give_back(self, key: str, cost: float = 1.0) -> None:
        """Undo a `take`."""
        if key in self._full_at:
            self._full_at[key] -= cost / self.own.get(key, self._rate)
