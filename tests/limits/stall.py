"""How long the event loop stood still: measured by a task that wants to run each millisecond.

In processor time of this process, since a machine that has other things to do stops every loop now and then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Stall:
    """The most processor time between two runs, in seconds."""

    longest = 0.0


@asynccontextmanager
async def watching() -> AsyncIterator[Stall]:
    """Measure for the length of a block."""
    found, over = Stall(), asyncio.Event()

    async def tick() -> None:
        last = time.process_time()
        while not over.is_set():
            await asyncio.sleep(0.001)
            now = time.process_time()
            found.longest = max(found.longest, now - last)
            last = now

    task = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    yield found
    await asyncio.sleep(0.01)
    over.set()
    await task
