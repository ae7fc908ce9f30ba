"""The connection to PostgreSQL as the app's role, which owns no table."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.errors import HallpassError, Kind
from app.store import driver
from app.store.address import open_engine

APP_ROLE = "hallpass_app"
UNREACHABLE = ("08", "53", "55P03", "57P", "58", "25006")
"""SQLSTATE classes of a database that cannot serve now: connection, resources, a lock that was long in coming,
shutdown, I/O, read-only."""
CANCELED = "57014"
"""A statement that ran longer than it may."""
RETRY = ("40001", "40P01")
"""Serialization failure and deadlock: run the transaction again."""


def app_url(owner: URL) -> URL:
    """The same database as the app's role, with the password that `app_password` derives."""
    return owner.set(username=APP_ROLE, password=app_password(owner))


def app_password(owner: URL) -> str:
    """A password for the app's role that each process derives from the owner's, so that none has to be kept."""
    key = f"{owner.username}:{owner.password or ''}".encode()
    return hmac.new(key, APP_ROLE.encode(), hashlib.sha256).hexdigest()


def sqlstate(error: DBAPIError) -> str:
    """The SQLSTATE of a driver's error, or an empty string."""
    return str(getattr(error.orig, "sqlstate", None) or "")


class Database:
    """A pool of connections as the app's role, each outside of a transaction but within `begin`."""

    def __init__(self, owner: URL, *, pool_size: int = 10, statement_timeout_ms: int = 10_000) -> None:
        self.owner = owner
        self.engine: AsyncEngine = open_engine(
            app_url(owner),
            isolation_level="AUTOCOMMIT",  # it is the driver that begins and commits
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,  # a connection that was just used has its plans and caches at hand
            connect_args={
                "max_cached_statement_lifetime": 0,  # a plan made once stands as long as its connection
                "server_settings": {
                    "application_name": "hallpass",
                    "statement_timeout": str(statement_timeout_ms),
                    "idle_in_transaction_session_timeout": "30000",
                    "lock_timeout": str(statement_timeout_ms),
                    "timezone": "UTC",
                    "jit": "off",
                },
            },
        )
        event.listen(self.engine.sync_engine, "handle_error", _lost)
        event.listen(self.engine.sync_engine, "checkin", _returned)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction.

        Raises HallpassError: UNAVAILABLE when the database cannot be reached, TOO_COSTLY when a statement ran too long.
        """
        try:
            async with self.engine.connect() as connection, driver.transaction(connection):
                yield connection
        except DBAPIError as e:
            if sqlstate(e) == CANCELED:
                raise too_long() from e
            if _unreachable(e.orig):
                raise unavailable() from e
            raise
        except (OSError, TimeoutError) as e:
            raise unavailable() from e

    async def dispose(self) -> None:
        """Close the pool."""
        await self.engine.dispose()


def unavailable() -> HallpassError:
    """The one 503: nothing was read, nothing leaves."""
    return HallpassError(
        Kind.UNAVAILABLE, "The record store cannot be reached. Try again.", headers={"Retry-After": "2"}
    )


def too_long() -> HallpassError:
    """The one 422 of a statement that was stopped: the same words whatever it was that took the time."""
    return HallpassError(
        Kind.TOO_COSTLY,
        "The request takes longer than is allowed. Ask for less: more criteria, fewer chains or includes.",
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


def _returned(connection: Any, record: Any) -> None:
    """A connection that comes back in the middle of a transaction is thrown away."""
    if connection is not None and connection.driver_connection.is_in_transaction():
        record.invalidate()
