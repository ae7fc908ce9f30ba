"""Every statement that an application sends to its database, through SQLAlchemy or past it, in the order of sending."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from app.db.engine import Database

_AT_ANY_TIME = ("share_usage", "client_limits", "hallpass.signing_key")
"""What a process adds up and looks up after some time, whoever asks meanwhile: usage, limits, the keys of tokens."""


class Statements:
    """What has been sent since `clear`. It hears the connections that are opened from now on."""

    def __init__(self, db: Database) -> None:
        self._sent: list[str] = []
        event.listen(db.engine.sync_engine, "connect", self._connected)
        event.listen(db.engine.sync_engine, "before_cursor_execute", self._executed)

    def clear(self) -> None:
        """Forget what was sent."""
        self._sent.clear()

    @property
    def sent(self) -> tuple[str, ...]:
        """The texts, without their values."""
        return tuple(self._sent)

    def _executed(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not any(name in statement for name in _AT_ANY_TIME):
            self._sent.append(statement)

    def _connected(self, connection: Any, _record: Any) -> None:
        # The driver tells of what is fetched by itself; of what SQLAlchemy prepares it tells nothing.
        connection.driver_connection.add_query_logger(self._fetched)

    def _fetched(self, query: Any) -> None:
        sent = query.query  # and not what the driver asks for itself, on a connection that is new
        if "hallpass." in sent and not any(name in sent for name in _AT_ANY_TIME):
            self._sent.append(sent)
