"""All that one client was given since a moment, for the operator: a key was stolen, and members must be told of what.

Read as the owner of the tables.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

AT_ONCE = 1_000
_FIRST = UUID(int=0)
_PAGE = text("""
    SELECT d.at, d.request, d.id, d.version, d.type, d.interaction, d.student, d.custodian, d.recipient, d.purposes,
           d.basis, d.consent, d.consent_version, d.parameters
    FROM hallpass.disclosure d WHERE d.client = :client AND d.at >= :at AND d.at < :until
      AND (d.at, d.request, d.id, d.version) > (:at, :request, :id, :version)
    ORDER BY d.at, d.request, d.id, d.version LIMIT :most
""")
_REFUSED = text("""
    SELECT kind, detail, sum(times) AS times FROM hallpass.event
    WHERE client = :client AND last >= :since AND first < :until AND outcome <> '0'
    GROUP BY kind, detail ORDER BY 3 DESC, 1, 2
""")


async def received(
    connection: AsyncConnection, client: str, since: datetime, until: datetime
) -> AsyncIterator[dict[str, Any]]:
    """The entries of the ledger for a client, oldest first, each as its columns."""
    place = {"at": since, "request": _FIRST, "id": _FIRST, "version": -1}
    while True:
        values = {**place, "client": client, "until": until, "most": AT_ONCE}
        rows = (await connection.execute(_PAGE, values)).mappings().all()
        for row in rows:
            yield dict(row)
        if len(rows) < AT_ONCE:
            return
        place = {name: rows[-1][name] for name in place}


async def refused(
    connection: AsyncConnection, client: str, since: datetime, until: datetime
) -> list[tuple[str, str, int]]:
    """What the client tried and was refused: the kind of event, what it was, and how often."""
    rows = await connection.execute(_REFUSED, {"client": client, "since": since, "until": until})
    return [(row.kind, row.detail, int(row.times)) for row in rows]
