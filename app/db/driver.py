"""What every request does runs on the driver itself; SQLAlchemy writes its statements, once each, and keeps the pool.

Through SQLAlchemy a statement costs three times what it costs the driver. The transaction is the driver's too, so that
both ways of running a statement are within the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import asyncpg
from sqlalchemy import Select, TextClause
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises: PostgreSQL's errors, and its own, the last of them on a connection that has broken off."""

_asyncpg: Any = dialects.dialect
_DIALECT = _asyncpg(dbapi=_asyncpg.import_dbapi())

_BLANK = "\0"
"""Begins no text that PostgreSQL could hold."""


def placeholder(name: str) -> str:
    """A text in the place of a value that is not known when a statement is made; the value goes by this name."""
    return _BLANK + name


def is_placeholder(value: str) -> bool:
    """Whether a text stands for a value that is not known yet."""
    return value.startswith(_BLANK)


class PreparedQuery:
    """A statement that has been written out for the driver once, to be run with values by name."""

    __slots__ = ("_blanks", "_fixed", "_sent", "_statement", "sql")

    def __init__(self, statement: Select[Any] | TextClause) -> None:
        written: Any = statement.compile(dialect=_DIALECT)
        self._statement = statement
        self.sql = str(written)
        order: tuple[str, ...] = tuple(written.positiontup or ())
        made: dict[str, Any] = {n: v for n, v in written.params.items() if not written.binds[n].required}
        self._blanks = {n: v for n, v in made.items() if isinstance(v, str) and is_placeholder(v)}
        self._fixed = {n: v for n, v in made.items() if n not in self._blanks}
        sent = (written.binds[n].type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for n in order)
        self._sent = [(self._blanks.get(n, n), process) for n, process in zip(order, sent, strict=True)]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the text, each as the driver takes it."""
        given = {**self._fixed, **values}
        return [given[name] if process is None else process(given[name]) for name, process in self._sent]

    def for_sqlalchemy(self, values: Mapping[str, Any]) -> tuple[Select[Any] | TextClause, dict[str, Any]]:
        """The statement and its values as `connection.execute` takes them."""
        return self._statement, {**values, **{n: values[name] for n, name in self._blanks.items()}}


Statement = PreparedQuery | Select[Any]


class _Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns have names, as SQLAlchemy's have."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


async def fetch(
    connection: AsyncConnection, statement: Statement, values: Mapping[str, Any] | None = None
) -> Sequence[Any]:
    """The rows that a statement finds in the transaction under way, by position and name.

    Raises DBAPIError either way, and RuntimeError outside of a transaction.
    """
    driver = on_driver(connection)
    if not isinstance(statement, PreparedQuery) or not driver.is_in_transaction():
        return await _by_sqlalchemy(connection, statement, values)
    with alike(statement.sql):
        found: list[Any] = await driver.fetch(statement.sql, *statement.arguments(values or {}), record_class=_Row)
    return found


async def _by_sqlalchemy(
    connection: AsyncConnection, statement: Statement, values: Mapping[str, Any] | None
) -> Sequence[Any]:
    """What is written again each time; and what comes first in a transaction of SQLAlchemy's, which begins with it."""
    if _pooled(connection).dbapi_connection.autocommit and not on_driver(connection).is_in_transaction():
        raise RuntimeError("a statement outside of a transaction would commit by itself")
    if isinstance(statement, PreparedQuery):
        return (await connection.execute(*statement.for_sqlalchemy(values or {}))).all()
    return (await connection.execute(statement, values)).all()


async def scalar(connection: AsyncConnection, statement: Statement, values: Mapping[str, Any] | None = None) -> Any:
    """The first column of the first row, as `fetch`; None where there is no row."""
    found = await fetch(connection, statement, values)
    return found[0][0] if found else None


COMMIT_SECONDS = 10.0


class Unconfirmed(Exception):
    """What was committed is not known to have reached the standby that should have it too."""


class Unwitnessed(Exception):
    """What was committed ended something, and is not known to be in the witness that is kept elsewhere."""


_warned: WeakSet[Any] = WeakSet()
"""Connections on which PostgreSQL has warned of something since their transaction began."""
_ENDING = "00W01"
"""The SQLSTATE by which schema/functions/note_ending.sql says that this transaction ends something."""
_ends: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""Connections whose transaction ends something, with its number."""
_LOOK_SECONDS = 0.05
_begins: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""How a transaction begins on connections whose pooler does not pass settings on when it connects."""


def watch(connection: Any) -> None:
    """Have a connection of the driver notice PostgreSQL's warnings: a wait for a standby called off is one."""
    connection.add_log_listener(_noticed)


async def require_settings(connection: Any, settings: Mapping[str, str], probe: str) -> None:
    """Have a connection run with settings that a pooler has not passed on: then each transaction sets them for itself.

    `probe` is the setting that is looked at, a number of milliseconds. https://www.pgbouncer.org/config.html
    """
    shown = await connection.fetchval("SELECT setting FROM pg_settings WHERE name = $1", probe)
    if shown != settings[probe]:
        local = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings.items())
        _begins[connection] = f"BEGIN{local}"


def _noticed(connection: Any, message: Any) -> None:
    if message.severity_en == "WARNING":
        _warned.add(connection)
    elif message.sqlstate == _ENDING:
        _ends[connection] = message.message


@asynccontextmanager
async def transaction(connection: AsyncConnection, commit_seconds: float = COMMIT_SECONDS) -> AsyncIterator[None]:
    """A transaction of the driver's, which ends before the connection goes back to the pool, or the connection does.

    Raises DBAPIError where the commit fails, RuntimeError where a failure of a statement was passed over,
    Unconfirmed where the commit takes too long, or PostgreSQL warns that it did not wait for the standby, and
    Unwitnessed where what it ended does not reach the witness in as long.
    https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
    """
    driver = on_driver(connection)
    _ends.pop(driver, None)
    try:
        with alike("BEGIN"):
            await driver.execute(_begins.get(driver, "BEGIN"))
        yield
        done = await _commit(driver, commit_seconds)
        if done != "COMMIT":  # PostgreSQL's answer where a statement has failed, and whoever asked it went on
            raise RuntimeError("the transaction had failed, and has been rolled back")
    except Unconfirmed:  # it waits still, or is being called off
        await connection.invalidate()
        raise
    except Exception:
        await _roll_back(connection)
        raise
    except BaseException:  # canceled, and maybe in the middle of a statement: where it stands cannot be known
        await connection.invalidate()
        raise
    if driver in _ends:
        await _await_witness(driver, _ends.pop(driver), commit_seconds)


async def _await_witness(driver: Any, transaction: str, seconds: float) -> None:
    """Wait until a worker has written into the witness what a transaction ended."""
    statement = "SELECT hallpass.witnessed($1)"
    try:
        with alike(statement):
            async with asyncio.timeout(seconds):
                while not await driver.fetchval(statement, transaction):  # noqa: ASYNC110 - a worker elsewhere does it
                    await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError as e:
        raise Unwitnessed from e


async def _commit(driver: Any, seconds: float) -> str:
    """PostgreSQL's answer to COMMIT. Its own time-outs do not reach a wait for a standby."""
    _warned.discard(driver)
    try:
        with alike("COMMIT"):
            done: str = await driver.execute("COMMIT", timeout=seconds)
    except TimeoutError as e:
        raise Unconfirmed from e
    if driver in _warned:
        raise Unconfirmed
    return done


async def _roll_back(connection: AsyncConnection) -> None:
    """By SQLAlchemy, which throws a connection away that has broken off, with the pool's others."""
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except BaseException as e:
        await connection.invalidate()
        if not isinstance(e, Exception):
            raise


def on_driver(connection: AsyncConnection) -> Any:
    """The driver's own connection."""
    return _pooled(connection).driver_connection


def _pooled(connection: AsyncConnection) -> Any:
    found: Any = connection.sync_connection
    return found.connection


@contextmanager
def alike(sql: str) -> Iterator[None]:
    """Raises the driver's errors as SQLAlchemy does, without values and without the DETAIL, which may quote a row."""
    try:
        yield
    except FAULTS as e:
        told = _DIALECT.dbapi.Error(e.args[0], e)
        told.__cause__ = e
        raise DBAPIError(sql, None, told) from told
