"""What a person is told when the database cannot be used: what PostgreSQL said, and what to do. Never a password."""

from __future__ import annotations

import socket
import ssl

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.driver import FAULTS

UNUSABLE = (OSError, UnicodeError, DBAPIError, PoolTimeout, *FAULTS)
"""The errors that `told` puts into words."""

ADVICE: dict[str, str] = {
    "28P01": "Correct the user or the password in DATABASE_URL.",
    "28000": "Correct the user in DATABASE_URL, or let it in by the server's pg_hba.conf.",
    "3D000": "Correct the database in DATABASE_URL, or create it with `hallpass migrate --create`.",
    "42501": "Name the owner of the database in DATABASE_URL: a role that may create roles and tables.",
    "25006": "This is a standby, or read-only: name the primary in DATABASE_URL, or all hosts, separated by commas.",
    "53100": "The database's disk is full: make room, then run the command again.",
    "53200": "The database's machine is out of memory: give it more, or lower shared_buffers or work_mem.",
    "53300": "The server takes no more connections: raise max_connections, or lower HALLPASS_POOL_SIZE.",
    "57P03": "The server is starting, stopping or recovering: wait, then run the command again.",
    "57P": "The server is stopping: start it, then run the command again.",
    "55P03": "Another command holds a lock: wait for it, then run this one again.",
    "57014": "The statement took too long: try when the server is less busy, or raise HALLPASS_STATEMENT_TIMEOUT_MS.",
    "58": "The database's disk or files are damaged or full: look into the server's log.",
    "08": "The connection broke off: look into the server's log, then run the command again.",
    "42": "The database's schema is not this program's: run `hallpass migrate`.",
    "3F000": "The database's schema is not this program's: run `hallpass migrate`.",
}
"""What to do, by SQLSTATE or by its beginning; the longest that fits."""


def told(error: BaseException, place: str) -> str:
    """One line about a database that cannot be used; `place` says which one."""
    return f"the database cannot be used ({place}): {_what(_cause(error))}"


def _cause(error: BaseException) -> BaseException:
    """The driver's own error."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _what(error: BaseException) -> str:
    state = str(getattr(error, "sqlstate", None) or "")
    if isinstance(error, asyncpg.PostgresError):
        said = str(error.args[0] if error.args else type(error).__name__).rstrip(".")
        advice = next((ADVICE[state[:n]] for n in (5, 3, 2) if state[:n] in ADVICE), "")
        return " ".join(filter(None, (f"PostgreSQL says: {said}.", advice or f"(SQLSTATE {state})")))
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host's name is not known. Correct it in DATABASE_URL."
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}. Correct sslmode or sslrootcert in DATABASE_URL."
    if isinstance(error, PoolTimeout):
        return "all connections are in use. Raise HALLPASS_POOL_SIZE."
    if isinstance(error, TimeoutError):
        return "it did not answer in time. Look whether it runs and can be reached, or raise connect_timeout."
    if isinstance(error, OSError):
        return f"{error.strerror or error}. Start PostgreSQL there, or correct DATABASE_URL."
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "none of the hosts takes writes. Promote a standby, or correct DATABASE_URL."
    return f"the driver says: {str(error).splitlines()[0].rstrip('.')}. Correct DATABASE_URL."
