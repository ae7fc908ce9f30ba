"""The connection to PostgreSQL as the app's role, which owns no table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import URL, Engine, Pool, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.db import driver
from app.db.address import driver_arguments, open_engine
from app.db.hosts import Watch, connect
from app.db.login import Login, read
from app.errors import HallpassError, Kind
from app.telemetry import measures, traces

POOL_SECONDS = 10
"""How long a request waits for a connection."""
RESERVE_SECONDS = 5
UNREACHABLE = ("08", "53", "55P03", "57P", "58", "25006")
"""SQLSTATE classes of a database that cannot serve now: connection, resources, a lock that was long in coming,
shutdown, I/O, read-only."""
CANCELED = "57014"
"""A statement that ran longer than it may."""
BEHIND = "58W01"
"""The database is not known to be as new as its witness (schema/functions/client_is_active.sql)."""
RETRY = ("40001", "40P01")
"""Serialization failure and deadlock: run the transaction again."""


def sqlstate(error: DBAPIError) -> str:
    """The SQLSTATE of a driver's error, or an empty string."""
    return str(getattr(error.orig, "sqlstate", None) or "")


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life: whether the standbys are there for which a commit waits, and a worker.

    `current`: the database is known to be as new as its witness, or has none.
    """

    standbys: bool
    worker: bool
    current: bool = True


class Database:
    """A pool of connections as the app's role, each outside of a transaction but within `begin`."""

    def __init__(self, owner: URL, *, pool_size: int = 10, statement_timeout_ms: int = 10_000) -> None:
        self.owner = owner
        self.pool_size = pool_size
        self.commit_seconds = statement_timeout_ms / 1000
        self._watch = Watch()
        logins = _Logins(owner, self._watch)
        self.engine = _pool(logins, pool_size, POOL_SECONDS, statement_timeout_ms)
        self._reserve = _pool(logins, 1, RESERVE_SECONDS, RESERVE_SECONDS * 1000)
        """One connection that no request of a client can hold."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of the pool that all requests share. Raises as `_transaction`."""
        async with _transaction(self.engine, self.commit_seconds, self._watch) as connection:
            yield connection

    async def alive(self) -> Signs:
        """Ask the database for a sign of life on a connection of its own. Raises as `_transaction`."""
        async with _transaction(self._reserve, RESERVE_SECONDS, self._watch) as connection:
            found = await connection.exec_driver_sql(
                "SELECT hallpass.standbys_follow(), hallpass.worker_lives(), hallpass.database_is_current()"
            )
            signs: Any = found.one()
            return Signs(bool(signs[0]), bool(signs[1]), bool(signs[2]))

    async def dispose(self) -> None:
        """Close the pools."""
        await self.engine.dispose()
        await self._reserve.dispose()


@asynccontextmanager
async def owner_transaction(
    owner: URL, commit_seconds: float = driver.COMMIT_SECONDS
) -> AsyncIterator[AsyncConnection]:
    """A transaction of the owner of the tables, for a command. Raises UNAVAILABLE as `unconfirmed`."""
    engine = open_engine(owner, isolation_level="AUTOCOMMIT")
    event.listen(engine.sync_engine, "connect", _connected)
    try:
        async with engine.connect() as connection, driver.transaction(connection, commit_seconds):
            yield connection
    except driver.Unconfirmed as e:
        raise unconfirmed() from e
    except driver.Unwitnessed as e:
        raise unwitnessed() from e
    finally:
        await engine.dispose()


@asynccontextmanager
async def _transaction(engine: AsyncEngine, commit_seconds: float, watch: Watch) -> AsyncIterator[AsyncConnection]:
    """A transaction.

    Raises HallpassError: UNAVAILABLE when the database cannot be reached, or what was committed is not known to have
    reached its standby; TOO_COSTLY when a statement ran too long.
    """
    try:
        async with _connection(engine, watch) as connection, driver.transaction(connection, commit_seconds):
            yield connection
    except driver.Unconfirmed as e:
        raise unconfirmed() from e
    except driver.Unwitnessed as e:
        raise unwitnessed() from e
    except DBAPIError as e:
        if sqlstate(e) == CANCELED:
            raise too_long() from e
        if sqlstate(e) == BEHIND:
            raise behind() from e
        if _unreachable(e.orig):
            raise unavailable() from e
        raise
    except (OSError, TimeoutError, NoneFree) as e:
        raise unavailable() from e


@asynccontextmanager
async def _connection(engine: AsyncEngine, watch: Watch) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool: what waiting for it, and what is done on it, takes is measured."""
    connection = engine.connect()
    with measures.POOL_WAIT_SECONDS.time(), traces.part("wait for a connection"):
        await connection.start()
    measures.POOL_IN_USE.inc()
    try:
        with measures.TRANSACTION_SECONDS.time(), traces.part("transaction"), watch.over(driver.on_driver(connection)):
            yield connection
    finally:
        measures.POOL_IN_USE.dec()
        await asyncio.shield(asyncio.create_task(connection.close()))  # who is canceled gives it back too


class _Logins:
    """Connects as the app's role. After a rotation the login is read again."""

    def __init__(self, owner: URL, watch: Watch) -> None:
        self.owner = owner
        self._watch = watch
        self._known: Login | None = None

    async def connect(self, **settings: str) -> asyncpg.Connection:
        """A connection of the driver's, with these settings of the server's."""
        if self._known is not None:
            with suppress(asyncpg.InvalidAuthorizationSpecificationError):  # the password's is below it
                return await self._connect(self._known, settings)
        self._known = await read(self.owner)
        return await self._connect(self._known, settings)

    async def _connect(self, login: Login, settings: dict[str, str]) -> asyncpg.Connection:
        whole = {**driver_arguments(self.owner), "user": login.role, "password": login.password}
        # a plan made once stands as long as its connection
        connection = await connect({**whole, "server_settings": settings, "max_cached_statement_lifetime": 0})
        self._watch.add(connection, whole)
        try:
            await driver.require_settings(connection, settings, "statement_timeout")
        except BaseException:  # also who is canceled: nobody else has the connection by now
            connection.terminate()
            raise
        return connection


def _pool(logins: _Logins, size: int, seconds: int, statement_timeout_ms: int) -> AsyncEngine:
    """Connections as the app's role: `size` at the most, each waited for as long as `seconds`."""
    pools: WeakKeyDictionary[asyncpg.Connection, Pool] = WeakKeyDictionary()
    connect = partial(
        logins.connect,
        application_name="hallpass",
        statement_timeout=str(statement_timeout_ms),
        idle_in_transaction_session_timeout="30000",
        lock_timeout=str(statement_timeout_ms),
        timezone="UTC",
        jit="off",
        enable_seqscan="off",  # such a plan is made while a table is small, and kept when it no longer is
        plan_cache_mode="force_generic_plan",  # but where a search asks for another (app/db/search_queries.py, plans)
    )

    async def create() -> asyncpg.Connection:
        pool = engine.pool  # which asks for it; it may be closed before the connection is made
        connection = await connect()
        pools[connection] = pool
        return connection

    engine = open_engine(
        logins.owner,
        async_creator=create,
        isolation_level="AUTOCOMMIT",  # it is the driver that begins and commits
        pool_size=size,
        max_overflow=0,
        pool_timeout=seconds,
        pool_use_lifo=True,  # a connection that was just used has its plans and caches at hand
    )
    event.listen(engine.sync_engine, "handle_error", _lost)
    _throw_away(engine.sync_engine, pools)
    return engine


def unavailable() -> HallpassError:
    """The one 503: nothing was read, nothing leaves."""
    return HallpassError(Kind.UNAVAILABLE, "The database cannot be reached. Try again.", headers={"Retry-After": "2"})


def unconfirmed() -> HallpassError:
    """The one 503 of a commit that the standby has not confirmed: it may stand, and nothing leaves because of it."""
    return HallpassError(
        Kind.UNAVAILABLE,
        "What was written is not known to have reached the standby. It may stand: read before you write it again.",
        headers={"Retry-After": "10"},
    )


def unwitnessed() -> HallpassError:
    """The one 503 of an ending that no worker has written into the witness: it stands, and a restore could lose it."""
    return HallpassError(
        Kind.UNAVAILABLE,
        "It is ended, but the witness that outlives a restore does not have it yet. Try again to be sure.",
        headers={"Retry-After": "10"},
    )


def behind() -> HallpassError:
    """The one 503 of a database that may be older than what was seen of it: nothing leaves."""
    return HallpassError(
        Kind.UNAVAILABLE,
        "The database was restored or restarted and is not yet known to be complete. Try again later.",
        headers={"Retry-After": "5"},
    )


def too_long() -> HallpassError:
    """The one 422 of a statement that was stopped: the same words whatever it was that took the time."""
    return HallpassError(
        Kind.TOO_COSTLY,
        "The request takes too long. Ask for less: add criteria, or drop chains or includes.",
    )


def _unreachable(error: BaseException | None) -> bool:
    """Whether a driver's error says that the server cannot serve now.

    One without a SQLSTATE is the driver's own finding that the connection broke off, but for a ValueError: that is an
    argument which it cannot send.
    """
    state = str(getattr(error, "sqlstate", None) or "")
    return state.startswith(UNREACHABLE) if state else not isinstance(getattr(error, "__cause__", None), ValueError)


def _lost(context: Any) -> None:
    """A connection that broke off, or whose server shut down, is thrown away with the pool's others."""
    state = str(getattr(context.original_exception, "sqlstate", None) or "")
    if state.startswith("57P") or (not state and _unreachable(context.original_exception)):
        context.is_disconnect = True


def _connected(connection: Any, _record: Any) -> None:
    driver.watch(connection.driver_connection)


def _throw_away(engine: Engine, pools: Mapping[asyncpg.Connection, Pool]) -> None:
    """Have a connection closed that comes back in the middle of a transaction, or to a pool that was closed meanwhile.

    A closed pool keeps what comes back to it, and nobody closes that any more. `pools`: by connection.
    """

    def returned(connection: Any, record: Any) -> None:
        if connection is None:
            return
        own = connection.driver_connection
        if own.is_in_transaction() or pools.get(own) is not engine.pool:
            record.invalidate()

    event.listen(engine, "connect", _connected)
    event.listen(engine, "checkin", returned)
