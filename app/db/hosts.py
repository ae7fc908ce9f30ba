"""Of several hosts in DATABASE_URL the one that takes writes: all are asked at once, and none is waited for.

The driver asks one after the other within one time-out, so that a host which takes connections and says nothing keeps
it from the next. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg

PATIENCE = 5.0
"""Seconds that a transaction takes before its host is asked whether it answers at all."""
PROBE_SECONDS = 5.0
PROBES = 2
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors that say nothing of the host: this process has no more files, or no memory."""
_IN_TURN = "prefer-standby"
"""What the driver finds out by looking at all hosts."""


async def connect(arguments: Mapping[str, Any]) -> asyncpg.Connection:
    """A connection by the driver's arguments; of several hosts to the first that answers and is what is asked for.

    Raises what the driver does: of several errors a refused login, then a host that could not be reached.
    """
    places = _places(arguments)
    if len(places) == 1:
        return await asyncpg.connect(**arguments)
    tasks = [asyncio.create_task(asyncpg.connect(**{**arguments, **place})) for place in places]
    pending, failed = set(tasks), list[BaseException]()
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is None:
                    tasks.remove(task)
                    return task.result()
                failed.append(error)
    finally:
        for task in tasks:
            task.cancel()
            task.add_done_callback(_close)
    raise min(failed, key=_weight)


class Watch:
    """Looks after the connections of a pool: where a host no longer answers, what waits for it is told so."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[asyncpg.Connection, dict[str, Any]] = WeakKeyDictionary()
        self._asked: dict[tuple[Any, Any], asyncio.Task[None]] = {}

    def add(self, connection: asyncpg.Connection, arguments: Mapping[str, Any]) -> None:
        """Look after a connection from now on. `arguments`: it was made with them."""
        peer = {k: v for k, v in (("host", _host(connection)), ("port", _port(connection))) if v is not None}
        self._made[connection] = {**arguments, **peer, "timeout": PROBE_SECONDS}

    @contextmanager
    def over(self, connection: asyncpg.Connection) -> Iterator[None]:
        """While a transaction runs: its connection is closed where the host is found not to answer."""
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.TimerHandle] = []

        def look() -> None:
            self._look(connection)
            waiting[:] = [loop.call_later(PATIENCE, look)]

        waiting.append(loop.call_later(PATIENCE, look))
        try:
            yield
        finally:
            waiting[0].cancel()

    def _look(self, connection: asyncpg.Connection) -> None:
        arguments = self._made.get(connection)
        if arguments is None:
            return
        place = (arguments.get("host"), arguments.get("port"))
        if place not in self._asked:
            task = self._asked[place] = asyncio.create_task(self._ask(place, arguments))
            task.add_done_callback(lambda _: self._asked.pop(place, None))

    async def _ask(self, place: tuple[Any, Any], arguments: dict[str, Any]) -> None:
        """Whether a host takes a new connection, as what it is asked for. Any other answer shows that it lives.

        It is asked more than once: where all is slow, a host that lives is not given up, nor for what is missing here.
        """
        for _ in range(PROBES):
            try:
                found = await asyncpg.connect(**arguments)
            except asyncpg.exceptions.TargetServerAttributeNotMatched:
                break
            except OSError as e:  # a time-out is one
                if e.errno in _OURS or isinstance(e, socket.gaierror):
                    return
            except asyncpg.PostgresError:
                return
            else:
                found.terminate()
                return
        for other, made in list(self._made.items()):
            if (made.get("host"), made.get("port")) == place:
                _break_off(other)


def _places(arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    hosts, ports = arguments.get("host"), arguments.get("port")
    if not isinstance(hosts, list) or _IN_TURN in str(arguments.get("dsn")):
        return [{}]
    return [{"host": h, "port": p} for h, p in zip(hosts, ports or [5432] * len(hosts), strict=True)]


def _host(connection: asyncpg.Connection) -> str | None:
    place = connection._addr
    return place[0] if isinstance(place, tuple) else None


def _port(connection: asyncpg.Connection) -> int | None:
    place = connection._addr
    return place[1] if isinstance(place, tuple) else None


def _break_off(connection: asyncpg.Connection) -> None:
    """As if the host had: whoever uses it is told so by the driver. One that is terminated answers with faults."""
    transport = connection._transport
    if transport is not None:
        transport.abort()


def _close(task: asyncio.Task[asyncpg.Connection]) -> None:
    """Close what nobody needs."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def _weight(error: BaseException) -> int:
    state = str(getattr(error, "sqlstate", None) or "")
    if state.startswith("28"):
        return 0
    if isinstance(error, OSError | TimeoutError) or state.startswith("57P"):
        return 1
    return 2 if state else 3
