"""How many bytes one client may store in a day, so that no client fills the disk, with it the ledger, for everybody.

Each process counts by itself. What was rolled back counts too. https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

from app.limits.rates import Rates
from app.limits.shares import too_many

_DAY = 1_000_000.0
"""What a client may store in a day, in the parts that are counted."""
_STORED = Rates(_DAY / 86_400, _DAY)


def count_stored(client: str, size: int, daily_bytes: int) -> None:
    """Count a version that a client is about to store. Raises TOO_MANY where it has stored a day's part."""
    if wait := _STORED.take(client, 0):
        text = f"This client has stored {daily_bytes} bytes within a day, all that it may. Store the rest later."
        raise too_many(text, wait)
    _STORED.charge(client, size / daily_bytes * _DAY)
