"""How many bytes one client may store in a day, so that no client fills the disk, with it the ledger, for everybody.

Each process counts what it stores, adds it to the database every few seconds, and learns what the others added: so it
is one number for all of them, and outlasts them. What was rolled back counts too.
https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

from collections.abc import Mapping

from app.limits.shares import too_many

_HOUR = 3600.0


class StoredBytes:
    """What clients stored within a day, as one process knows it."""

    def __init__(self, daily_bytes: int) -> None:
        self._daily = daily_bytes
        self._shared: Mapping[str, int] = {}
        self._own: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def count(self, client: str, size: int) -> None:
        """Count a version that a client is about to store. Raises TOO_MANY where it has stored a day's part."""
        stored = self._shared.get(client, 0) + self._told.get(client, 0) + self._own.get(client, 0)
        if stored >= self._daily:
            text = f"This client has stored {self._daily} bytes within a day, all that it may. Store the rest later."
            raise too_many(text, _HOUR)
        self._own[client] = self._own.get(client, 0) + size

    def telling(self) -> dict[str, int]:
        """What is to be added for each client. It counts here until `told` or `untold`."""
        self._told, self._own = self._own, {}
        return self._told

    def told(self, shared: Mapping[str, int]) -> None:
        """It was added; `shared` is what each client has stored in all."""
        self._shared, self._told = shared, {}

    def untold(self) -> None:
        """It could not be added: it is told again next time."""
        for client, size in self._told.items():
            self._own[client] = self._own.get(client, 0) + size
        self._told = {}
