"""Long work of the processor, off the event loop: one thread, its clients in turns, a bound on the time of each piece.

Python runs one thread at a time. What keeps the event loop going is that the thread has to let go of the interpreter
after SWITCH_SECONDS (docs/decisions/0025-long-work.md has the figures).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from app.errors import HallpassError, Kind
from app.limits.content import more_values
from app.limits.rates import Rates
from app.limits.shares import Shares, too_many

SECONDS = 2.0
"""Processor time that one piece of work may take: parsing, judging or patching one body."""
LARGE_BYTES = 8_192
"""A body below this is worked on at once: handing it over would cost more."""
LARGE_VALUES = 250
"""The same for content: how many values it has."""
SWITCH_SECONDS = 0.0002
SHARE = 0.5
"""Seconds of the thread's processor time that one client may use in a second, over time."""
BURST_SECONDS = 40
_WAIT = 30.0
"""How long a piece of work waits for its turn."""
_LOOK = 0.05
_raise_in_thread: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc

T = TypeVar("T")


class _OutOfTime(BaseException):
    """Raised in the thread whose work has used up its time. Not an Exception: no work may catch it."""


class _Piece:
    """One piece of work, and the thread that it runs in.

    The garbage collector walks what the whole process holds, and runs in whichever thread its turn comes: its time is
    not the work's, and nothing is raised within it, where it would be lost in a callback.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._clock = 0
        self._began = 0.0
        self._collecting: float | None = None
        self.used = 0.0
        """Seconds of processor time."""

    def run(self) -> Any:
        """Do it. Raises TOO_COSTLY where it was stopped."""
        try:
            try:
                with self._apart_from_collector():
                    self._begin()
                    try:
                        return self._work()
                    finally:
                        self._end()
            finally:
                _let_arrive()
        except _OutOfTime:
            ended = False
            while not ended:
                with suppress(_OutOfTime):
                    self._end()
                    _let_arrive()
                    ended = True
            raise _too_costly() from None

    def look(self, seconds: float) -> None:
        """Stop it if it has used more processor time than that."""
        with self._lock:
            if self._thread is None or self._collecting is not None:
                return
            if time.clock_gettime(self._clock) - self._began > seconds:
                _raise_in_thread(ctypes.c_ulong(self._thread), ctypes.py_object(_OutOfTime))

    @contextmanager
    def _apart_from_collector(self) -> Iterator[None]:
        gc.callbacks.append(self._collector)
        try:
            yield
        finally:
            gc.callbacks.remove(self._collector)

    def _collector(self, phase: str, _: dict[str, int]) -> None:
        """It takes no lock: the collector may come while this thread holds it."""
        if threading.get_ident() != self._thread:
            return
        now = time.clock_gettime(self._clock)
        if phase == "start":
            self._collecting = now
        elif self._collecting is not None:
            self._began += now - self._collecting
            self._collecting = None

    def _begin(self) -> None:
        with self._lock:
            thread = threading.get_ident()
            self._clock = time.pthread_getcpuclockid(thread)
            self._began = time.clock_gettime(self._clock)
            self._thread = thread

    def _end(self) -> None:
        """From here on nothing more is sent to the thread."""
        with self._lock:
            if self._thread is not None:
                self.used = time.clock_gettime(self._clock) - self._began
                self._thread = None


def _let_arrive() -> None:
    """Have what is on its way to this thread raised here.

    It is not taken back: before Python 3.13 that leaves every thread of the process looking for it, at each call, for
    good; and a function that is traced then never begins.
    """
    for _ in range(100):
        pass


class LongWork:
    """The thread of one process; each client has one piece of work in it at a time, so that they take turns."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="long-work")
        self._turns = Shares(1, 1_000_000, _WAIT)
        self._processor = Rates(SHARE, SHARE * BURST_SECONDS)

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """What the work comes to. Raises what it raises, and TOO_COSTLY where it takes longer than it may."""
        sys.setswitchinterval(SWITCH_SECONDS)
        if wait := self._processor.take(client, 0):
            raise too_many("This client's bodies take more processor time than its share. Send less, or slower.", wait)
        async with self._turns.hold(client):
            piece = _Piece(work)
            done: asyncio.Future[T] = asyncio.wrap_future(self._thread.submit(piece.run))
            try:
                while not (await asyncio.wait({done}, timeout=_LOOK))[0]:
                    piece.look(self._seconds)
            except asyncio.CancelledError:
                done.cancel()
                piece.look(-1.0)  # nobody waits for it any more
                raise
            finally:
                self._processor.charge(client, piece.used)
            return done.result()


LONG_WORK = LongWork()


async def off_loop(client: str, work: Callable[[], T], *, large: bool) -> T:
    """What the work comes to: at once where it is small, in its thread where it is large."""
    return await LONG_WORK.run(client, work) if large else work()


def is_large(content: Any) -> bool:
    """Whether content has more values than are worked on at once."""
    return more_values(content, LARGE_VALUES)


def _too_costly() -> HallpassError:
    text = f"The body takes more than {SECONDS:g} seconds of processor time to read, judge or patch. Send less at once."
    return HallpassError(Kind.TOO_COSTLY, text)
