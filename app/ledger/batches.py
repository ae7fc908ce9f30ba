"""The batches of the ledger: whether the entries are those that were chained when they were entered.

What one call enters is a batch. Each batch holds the hash of the link of the one before it in its chain and of all that
its entries say; `hallpass.chain_end` holds where each chain ends. Read as the tables' owner, for `hallpass verify`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

Inconsistency = tuple[str, str]
"""What differs, and the chain and batch. It holds no value of a record."""
_DAYS = text("""
    SELECT DISTINCT date_trunc('day', at, 'UTC') FROM (
        SELECT at FROM hallpass.batch UNION ALL SELECT at FROM hallpass.disclosure) moments ORDER BY 1
""")
_BATCHES = text("""
    WITH made AS (
        SELECT d.chain, d.batch, count(*) AS entries, string_agg(hallpass.entry_bytes(
                   d.compartment, d.at, d.request, d.id, d.version, d.type, d.interaction, d.student, d.custodian,
                   d.recipient, d.client, d.agent, d.purposes, d.basis, d.consent, d.consent_version, d.reason,
                   d.parameters, d.students), ''
                   ORDER BY d.compartment, d.request, d.id, d.version) AS bytes
        FROM hallpass.disclosure d WHERE d.at >= :day AND d.at < :day + interval '1 day' GROUP BY d.chain, d.batch
    ), kept AS (
        SELECT s.*, b.link AS before, b.n IS NOT NULL OR s.n = 1 AS begun,
               EXISTS (SELECT 1 FROM hallpass.ledger_drop x WHERE x.since <= s.at AND s.at < x.until) AS dropped
        FROM hallpass.batch s LEFT JOIN hallpass.batch b ON b.chain = s.chain AND b.n = s.n - 1
        WHERE s.at >= :day AND s.at < :day + interval '1 day'
    ), judged AS (
        SELECT coalesce(k.chain, m.chain) AS chain, coalesce(k.n, m.batch) AS n, CASE
            WHEN k.n IS NULL THEN 'a ledger entry on no batch'
            WHEN NOT k.begun THEN 'a gap in the ledger'
            WHEN m.batch IS NULL AND k.dropped THEN NULL
            WHEN coalesce(m.entries, 0) < k.entries THEN 'a gap in the ledger'
            WHEN k.link <> hallpass.next_link(k.before, m.bytes) THEN 'a ledger entry that was changed'
        END AS what
        FROM kept k FULL JOIN made m ON m.chain = k.chain AND m.batch = k.n
    )
    SELECT what, chain, n FROM judged WHERE what IS NOT NULL ORDER BY chain, n
""")
_ENDS = text("""
    SELECT 'the end of the ledger is missing' AS what, c.chain, c.n FROM hallpass.chain_end c
    WHERE NOT EXISTS (SELECT 1 FROM hallpass.batch s WHERE s.chain = c.chain AND s.n = c.n AND s.link = c.link)
    UNION ALL
    SELECT 'a ledger entry past the end of the chain', s.chain, s.n
    FROM hallpass.batch s LEFT JOIN hallpass.chain_end c ON c.chain = s.chain WHERE s.n > coalesce(c.n, 0)
    ORDER BY chain, n
""")


async def days(connection: AsyncConnection) -> list[datetime]:
    """The days, in UTC, on which anything was entered."""
    return list(await connection.scalars(_DAYS))


async def differing(connection: AsyncConnection, day: datetime) -> list[Inconsistency]:
    """Batches of a day that are not what its entries make, or have none before them; entries that are on no batch."""
    return await _found(connection, _BATCHES, day=day)


async def ends(connection: AsyncConnection) -> list[Inconsistency]:
    """Batches that are missing at the end of a chain, or are past it."""
    return await _found(connection, _ENDS)


async def _found(connection: AsyncConnection, statement: TextClause, **values: datetime) -> list[Inconsistency]:
    return [(row.what, f"chain {row.chain}, batch {row.n}") for row in await connection.execute(statement, values)]
