"""The way through for reads by id: many at once go through in one statement, and share one commit of the ledger.

What comes while a statement is under way waits for the next one, so that a lone read waits for nobody. The rule, the
order of the locks and the ledger are those of every other way (hallpass.read and hallpass.disclose).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.exc import SQLAlchemyError

from app.caller import Caller
from app.consent.codes import widen
from app.db.driver import FAULTS, on_driver
from app.db.engine import Database
from app.db.rows import Ground, Grounds, Stored
from app.ledger.disclose import agent
from app.settings import Settings
from app.telemetry.stages import stage

CONCURRENT_STATEMENTS = 2
"""Statements under way at once: while one waits for its commit, the next one is judged."""
MOST = 64
"""Reads in one statement."""
_READ = "SELECT * FROM hallpass.read($1, $2, $3, $4, $5, $6, $7, $8)"


_GROUND = 3 + len(Stored._fields)
"""Where the columns begin that tell under which Consent a row leaves."""


class ReadRequest:
    """One read by id that waits for its answer; `version` None: the current one."""

    __slots__ = ("answer", "caller", "id", "interaction", "request", "type", "version")

    def __init__(
        self, caller: Caller, type_name: str, resource_id: UUID, version: int | None, interaction: str, request: UUID
    ) -> None:
        self.caller = caller
        self.type = type_name
        self.id = resource_id
        self.version = version
        self.interaction = interaction
        self.request = request
        self.answer: asyncio.Future[ReadResult] = asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What came of a read: `row` None: nothing there that the caller sees. `own`: in the caller's custody.

    `out`: the caller does not stand. `alone`: it was not answered, and goes the long way by itself.
    """

    row: Stored | None = None
    own: bool = False
    ground: Ground | None = None
    out: bool = False
    alone: bool = False

    @property
    def grounds(self) -> Grounds:
        """Under which Consent it leaves, if a release opens it."""
        return {(self.row.id, self.row.version): self.ground} if self.row and self.ground else {}


ABSENT = ReadResult()
ALONE = ReadResult(alone=True)
OUT = ReadResult(out=True)


@dataclass(slots=True)
class ReadBatcher:
    """The reads of one process."""

    db: Database
    settings: Settings
    _waiting: list[ReadRequest] = field(default_factory=list)
    _draining: int = 0
    """Turns that will look at `_waiting` again."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """The loop itself holds no task."""

    async def read(self, read_request: ReadRequest) -> ReadResult:
        """Go through with whoever else is there. A statement that failed answers `alone` to each of its asks."""
        self._waiting.append(read_request)
        if self._draining < CONCURRENT_STATEMENTS:
            self._draining += 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await read_request.answer

    async def _drain(self) -> None:
        """Let through what waits, until nobody does."""
        try:
            while read_requests := self._waiting[:MOST]:
                del self._waiting[:MOST]
                found = [ALONE] * len(read_requests)
                try:
                    async with self._connection() as connection:
                        found = await _read_together(
                            connection, read_requests, agreement=self.settings.require_agreement
                        )
                except (*FAULTS, SQLAlchemyError, OSError, TimeoutError):
                    pass  # each goes the long way, where it is told what is wrong
                finally:
                    _answer(read_requests, found)
        finally:
            self._draining -= 1  # in the same step in which nobody was seen to wait: whoever comes now begins a turn

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """The driver's own connection, on which a statement is a transaction by itself."""
        async with self.db.engine.connect() as connection:
            yield on_driver(connection)


def _answer(read_requests: list[ReadRequest], found: list[ReadResult]) -> None:
    for read_request, passed in zip(read_requests, found, strict=True):
        if not read_request.answer.done():  # whoever has gone away meanwhile is on the ledger all the same
            read_request.answer.set_result(passed)


async def _read_together(connection: Any, read_requests: list[ReadRequest], *, agreement: bool) -> list[ReadResult]:
    """One statement for all. It has committed when the driver gives the rows."""
    callers = list(dict.fromkeys(a.caller for a in read_requests))
    numbers = {caller: n for n, caller in enumerate(callers, 1)}
    with stage("judge"):
        rows = await connection.fetch(
            _READ,
            orjson.dumps([_told(c) for c in callers]).decode(),
            agreement,
            [numbers[a.caller] for a in read_requests],
            [a.request for a in read_requests],
            [a.interaction for a in read_requests],
            [a.type for a in read_requests],
            [a.id for a in read_requests],
            [a.version for a in read_requests],
        )
    found = [ABSENT] * len(read_requests)
    for row in rows:
        match row["state"]:
            case "seen":
                ground = _ground(row) if row["ground"] else None
                found[row["ask"] - 1] = ReadResult(Stored(*tuple(row)[3:_GROUND]), row["own"], ground)
            case "out":
                found[row["ask"] - 1] = OUT
            case _:
                found[row["ask"] - 1] = ALONE
    return found


def _ground(row: Any) -> Ground:
    return Ground(row["ground"], row["ground_version"], row["scope"], row["redisclosable"])


def _told(caller: Caller) -> dict[str, Any]:
    return {
        "client": caller.client,
        "token": caller.token,
        "organization": str(caller.organization),
        "purposes": sorted(caller.purposes),
        "widened": sorted(widen(caller.purposes)),
        "emergency": caller.in_emergency,
        "agent": agent(caller),
    }
