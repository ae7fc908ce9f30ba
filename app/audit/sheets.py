"""The sheets of the ledger: whether the entries are those that were chained when they were entered.

What one call enters is a sheet. Each sheet holds the hash of the link of the one before it in its lane and of all that
its entries say; `hallpass.chain` holds where each lane ends. Read as the owner of the tables, for `hallpass verify`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

Found = tuple[str, str]
"""What differs, and the lane and sheet. It holds no value of a record."""
_DAYS = text("""
    SELECT DISTINCT date_trunc('day', at, 'UTC') FROM (
        SELECT at FROM hallpass.sheet UNION ALL SELECT at FROM hallpass.disclosure) moments ORDER BY 1
""")
_SHEETS = text("""
    WITH made AS (
        SELECT d.lane, d.sheet, count(*) AS entries, string_agg(hallpass.entry_bytes(
                   d.shard, d.at, d.request, d.id, d.version, d.type, d.interaction, d.student, d.custodian,
                   d.recipient, d.client, d.agent, d.purposes, d.basis, d.consent, d.consent_version, d.reason), ''
                   ORDER BY d.shard, d.request, d.id, d.version) AS bytes
        FROM hallpass.disclosure d WHERE d.at >= :day AND d.at < :day + interval '1 day' GROUP BY d.lane, d.sheet
    ), kept AS (
        SELECT s.*, b.link AS before, b.n IS NOT NULL OR s.n = 1 AS begun,
               EXISTS (SELECT 1 FROM hallpass.ledger_drop x WHERE x.since <= s.at AND s.at < x.until) AS dropped
        FROM hallpass.sheet s LEFT JOIN hallpass.sheet b ON b.lane = s.lane AND b.n = s.n - 1
        WHERE s.at >= :day AND s.at < :day + interval '1 day'
    ), judged AS (
        SELECT coalesce(k.lane, m.lane) AS lane, coalesce(k.n, m.sheet) AS n, CASE
            WHEN k.n IS NULL THEN 'a ledger entry on no sheet'
            WHEN NOT k.begun THEN 'a gap in the ledger'
            WHEN m.sheet IS NULL AND k.dropped THEN NULL
            WHEN coalesce(m.entries, 0) < k.entries THEN 'a gap in the ledger'
            WHEN k.link <> hallpass.next_link(k.before, m.bytes) THEN 'a ledger entry that was changed'
        END AS what
        FROM kept k FULL JOIN made m ON m.lane = k.lane AND m.sheet = k.n
    )
    SELECT what, lane, n FROM judged WHERE what IS NOT NULL ORDER BY lane, n
""")
_ENDS = text("""
    SELECT 'the end of the ledger is missing' AS what, c.lane, c.n FROM hallpass.chain c
    WHERE NOT EXISTS (SELECT 1 FROM hallpass.sheet s WHERE s.lane = c.lane AND s.n = c.n AND s.link = c.link)
    UNION ALL
    SELECT 'a ledger entry past the end of the chain', s.lane, s.n
    FROM hallpass.sheet s LEFT JOIN hallpass.chain c ON c.lane = s.lane WHERE s.n > coalesce(c.n, 0)
    ORDER BY lane, n
""")


async def days(connection: AsyncConnection) -> list[datetime]:
    """The days, in UTC, on which anything was entered."""
    return list(await connection.scalars(_DAYS))


async def differing(connection: AsyncConnection, day: datetime) -> list[Found]:
    """Sheets of a day that are not what its entries make, or have none before them; entries that are on no sheet."""
    return await _found(connection, _SHEETS, day=day)


async def ends(connection: AsyncConnection) -> list[Found]:
    """Sheets that are missing at the end of a lane, or are past it."""
    return await _found(connection, _ENDS)


async def _found(connection: AsyncConnection, statement: TextClause, **values: datetime) -> list[Found]:
    return [(row.what, f"lane {row.lane}, sheet {row.n}") for row in await connection.execute(statement, values)]
