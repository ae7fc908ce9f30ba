"""A fair share of something that all clients use: so many at once for each, a short line behind them, no more.

https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.errors import HallpassError, Kind


@dataclass(slots=True)
class _Share:
    running: int = 0
    line: deque[asyncio.Future[None]] = field(default_factory=deque)


class Shares:
    """At most `running` holders at once for each key. Up to `waiting` more stand in line, `seconds` at the longest."""

    def __init__(self, running: int, waiting: int, seconds: float) -> None:
        self._running = running
        self.own: Mapping[str, int] = {}
        """How many at once for keys that have their own number."""
        self._waiting = waiting
        self._seconds = seconds
        self._shares: dict[str, _Share] = {}

    async def acquire(self, key: str) -> None:
        """Take a place. Raises TOO_MANY where the line is full, or does not move in time."""
        share = self._shares.setdefault(key, _Share())
        if share.running < self.own.get(key, self._running):  # a free place goes to the first in line, so nobody is
            share.running += 1
            return
        if len(share.line) >= self._waiting:
            raise too_many("This client has too many requests under way. Wait until some are answered.", 1)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        share.line.append(turn)
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except BaseException as e:
            if turn.done() and not turn.cancelled():  # the place came in the same moment
                self.release(key)
            elif turn in share.line:
                share.line.remove(turn)
            if isinstance(e, TimeoutError):
                text = "Too many requests of this client at once. Wait for the others to be answered."
                raise too_many(text, 2) from None
            raise

    def release(self, key: str) -> None:
        """Give a place back: to the first in line, if there is one."""
        share = self._shares[key]
        while share.line and share.running <= self.own.get(key, self._running):
            turn = share.line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        share.running -= 1
        if share.running == 0:
            del self._shares[key]

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """A place for the length of a block. Raises as `acquire`."""
        await self.acquire(key)
        try:
            yield
        finally:
            self.release(key)


def too_many(text: str, seconds: float) -> HallpassError:
    """The one 429: with the whole seconds after which another try makes sense."""
    return HallpassError(Kind.TOO_MANY, text, headers={"Retry-After": str(max(1, round(seconds + 0.5)))})
