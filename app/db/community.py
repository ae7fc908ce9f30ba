"""What organizations have published of their referrals, each month once. docs/guides/reports.md"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUBLISHED = text("SELECT body FROM hallpass.community_report WHERE organization = :organization AND month = :month")
_AGREED = text("""
    SELECT EXISTS (
        SELECT 1 FROM hallpass.tree t JOIN hallpass.agreement a ON a.discloser = t.ancestor
        WHERE t.id = :organization AND a.opens <= hallpass.statement_time() AND hallpass.statement_time() < a.closes)
""")
_LOCK = text("""
    SELECT pg_advisory_xact_lock(uuid_hash_extended(k.ancestor, 11)) FROM (
        SELECT t.ancestor FROM hallpass.tree t WHERE t.id = :organization ORDER BY t.ancestor OFFSET 0) k
""")
_OVERLAPS = text("""
    SELECT EXISTS (
        SELECT 1 FROM hallpass.community_report r JOIN hallpass.tree t
            ON (t.id, t.ancestor) IN ((r.organization, :organization), (:organization, r.organization))
        WHERE r.month = :month AND r.organization <> :organization)
""")
_PUBLISH = text("""
    INSERT INTO hallpass.community_report (organization, month, at, client, body)
    VALUES (:organization, :month, hallpass.instant(), :client, :body)
""")


async def published(connection: AsyncConnection, organization: UUID, month: str) -> bytes | None:
    """What an organization has published of a month, if the caller may read it."""
    found: bytes | None = await connection.scalar(_PUBLISHED, {"organization": organization, "month": month})
    return found


async def has_agreement(connection: AsyncConnection, organization: UUID) -> bool:
    """Whether an organization, or one above it, discloses to anybody by an agreement that is in effect."""
    return bool(await connection.scalar(_AGREED, {"organization": organization}))


async def publish(
    connection: AsyncConnection, organization: UUID, month: str, client: str, body: bytes
) -> bytes | None:
    """Keep what an organization publishes of a month, and answer what it has published: this, or what was there first.

    None where a part of it, or what it is a part of, has published that month.
    """
    values = {"organization": organization, "month": month}
    await connection.execute(_LOCK, {"organization": organization})
    if (there := await published(connection, organization, month)) is not None:
        return there
    if await connection.scalar(_OVERLAPS, values):
        return None
    await connection.execute(_PUBLISH, {**values, "client": client, "body": body})
    return body
