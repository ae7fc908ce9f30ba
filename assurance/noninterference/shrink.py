"""The smallest part of a sequence that still shows a difference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def shrunk(fails: Callable[[list[T]], Awaitable[object]], items: list[T]) -> list[T]:
    """Items that still fail, from which none can be left out: delta debugging, ever smaller parts.

    https://www.st.cs.uni-saarland.de/papers/tse2002/
    """
    size = len(items) // 2
    while size > 0:
        at = 0
        while at < len(items):
            fewer = items[:at] + items[at + size :]
            if fewer and await fails(fewer):
                items = fewer
            else:
                at += size
        size //= 2
    return items
