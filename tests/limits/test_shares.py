"""A client's share: so many at once, a short line, and nobody else's place. https://www.rfc-editor.org/rfc/rfc6585"""

from __future__ import annotations

import asyncio

import pytest

from app.errors import HallpassError, Kind
from app.limits.shares import Shares


async def held(shares: Shares, key: str, until: asyncio.Event, order: list[str] | None = None) -> None:
    async with shares.hold(key):
        if order is not None:
            order.append(asyncio.current_task().get_name())  # type: ignore[union-attr]
        await until.wait()


async def precomputed() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_each_key_has_its_own_places_and_a_full_line_is_refused_at_once() -> None:
    shares, until = Shares(2, 1, 5), asyncio.Event()
    tasks = [asyncio.create_task(held(shares, "a", until)) for _ in range(3)]
    await precomputed()
    with pytest.raises(HallpassError) as refused:
        await shares.acquire("a")
    assert (refused.value.kind, refused.value.headers) == (Kind.TOO_MANY, {"Retry-After": "2"})
    async with asyncio.timeout(1), shares.hold("b"):
        pass
    until.set()
    await asyncio.gather(*tasks)
    assert shares._shares == {}


async def test_who_waits_too_long_is_refused_and_leaves_the_line() -> None:
    shares, until = Shares(1, 5, 0.01), asyncio.Event()
    task = asyncio.create_task(held(shares, "a", until))
    await precomputed()
    with pytest.raises(HallpassError) as refused:
        await shares.acquire("a")
    assert refused.value.kind is Kind.TOO_MANY
    until.set()
    await task
    assert shares._shares == {}


async def test_places_go_in_the_order_of_the_line_and_past_those_that_left_it() -> None:
    shares, until, order = Shares(1, 5, 5), asyncio.Event(), list[str]()
    tasks = [asyncio.create_task(held(shares, "a", until, order), name=n) for n in ["first", "left", "second", "third"]]
    await precomputed()
    tasks[1].cancel()
    await precomputed()
    until.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["first", "second", "third"]
    assert shares._shares == {}


async def test_a_place_that_comes_as_its_waiter_is_canceled_is_not_lost() -> None:
    shares = Shares(1, 5, 5)
    await shares.acquire("a")
    waiter = asyncio.create_task(shares.acquire("a"))
    await precomputed()
    shares.release("a")
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert shares._shares == {}
