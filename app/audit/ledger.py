"""The disclosure ledger: what was released to whom, durable before its bytes leave.

One statement writes the entries and judges each version once more, under the locks that order it against the write
that would end its release: what is no longer visible is not entered, and the caller of `disclose` sees that.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.store.enter import hold
from app.store.rows import Stored

_DISCLOSE = text("""
    INSERT INTO hallpass.disclosure (shard, request, interaction, type, id, version, student, custodian, recipient,
                                     client, purposes, basis, consent, consent_version, reason)
    SELECT r.shard, :request, :interaction, r.type, r.id, r.version, r.student, r.custodian, hallpass.caller(),
           :client, :purposes, CASE WHEN o.party THEN 'party' WHEN r.directory THEN 'directory'
                                    WHEN o.consent IS NULL AND hallpass.glass_broken(r.shard) THEN 'emergency'
                                    ELSE 'release' END,
           o.consent, hallpass.release_version(r.shard, o.consent),
           CASE WHEN o.consent IS NULL THEN (
               SELECT e.reason FROM hallpass.emergency e
               WHERE e.shard = r.shard AND NOT o.party AND NOT r.directory ORDER BY e.opens DESC LIMIT 1) END
    FROM unnest(CAST(:shards AS uuid[]), CAST(:ids AS uuid[]), CAST(:versions AS integer[])) AS k(shard, id, version)
    JOIN hallpass.resource r ON r.shard = k.shard AND r.id = k.id AND r.version = k.version
    CROSS JOIN LATERAL (
        SELECT p.party, CASE WHEN NOT p.party AND NOT r.directory THEN hallpass.opened(
            r.shard, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs, r.authors,
            r.clinical) END AS consent
        FROM (SELECT r.parties && hallpass.above() AS party) p) o
""")


async def disclose(
    connection: AsyncConnection,
    rows: Sequence[Stored],
    *,
    request: UUID,
    interaction: str,
    client: str,
    purposes: list[str],
) -> bool:
    """Enter each version once; False when one of them is visible no more, and then nothing may leave."""
    found = {(r.shard, r.id, r.version): r for r in rows}
    if not found:
        return True
    await hold(connection, {r.shard for r in rows if not r.directory}, exclusive=False)
    keys = sorted(found)
    result = await connection.execute(
        _DISCLOSE,
        {
            "request": request,
            "interaction": interaction,
            "client": client,
            "purposes": purposes,
            "shards": [k[0] for k in keys],
            "ids": [k[1] for k in keys],
            "versions": [k[2] for k in keys],
        },
    )
    return result.rowcount == len(keys)
