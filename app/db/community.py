"""What organizations have published of their referrals, each month once. docs/guides/reports.md"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUBLISHED = text("""
    SELECT body FROM hallpass.community_report WHERE organization = :organization AND month = :month AND whole
""")
_SHARES = text("""
    SELECT organization, body FROM hallpass.community_report
    WHERE organization = ANY (:organizations) AND month = :month AND NOT whole
""").bindparams(bindparam("organizations", type_=ARRAY(Uuid())))
_AGREED = text("""
    SELECT EXISTS (
        SELECT 1 FROM hallpass.tree t JOIN hallpass.agreement a ON a.discloser = t.ancestor
        WHERE t.id = :organization AND a.opens <= hallpass.statement_time() AND hallpass.statement_time() < a.closes)
""")
_LOCK = text("""
    SELECT pg_advisory_xact_lock(uuid_hash_extended(k.ancestor, 11)) FROM (
        SELECT t.ancestor FROM hallpass.tree t WHERE t.id = :organization ORDER BY t.ancestor OFFSET 0) k
""")
_PUBLISH = text("""
    INSERT INTO hallpass.community_report (organization, month, whole, at, client, body)
    VALUES (:organization, :month, :whole, hallpass.instant(), :client, :body)
""")


async def published(connection: AsyncConnection, organization: UUID, month: str) -> bytes | None:
    """What an organization has published of a month, if the caller may read it."""
    found: bytes | None = await connection.scalar(_PUBLISHED, {"organization": organization, "month": month})
    return found


async def shares(connection: AsyncConnection, organizations: Collection[UUID], month: str) -> dict[UUID, bytes]:
    """What is published already of what these hold themselves, without their parts."""
    rows = await connection.execute(_SHARES, {"organizations": sorted(organizations), "month": month})
    return {row.organization: row.body for row in rows}


async def has_agreement(connection: AsyncConnection, organization: UUID) -> bool:
    """Whether an organization, or one above it, discloses to anybody by an agreement that is in effect."""
    return bool(await connection.scalar(_AGREED, {"organization": organization}))


async def lock(connection: AsyncConnection, organization: UUID) -> None:
    """Wait for what a part of the organization, or what it is a part of, is publishing."""
    await connection.execute(_LOCK, {"organization": organization})


async def publish(
    connection: AsyncConnection, organization: UUID, month: str, client: str, whole: bytes, new: Mapping[UUID, bytes]
) -> None:
    """Keep what an organization publishes of a month, and its shares that had not been published."""
    values = {"month": month, "client": client}
    await connection.execute(_PUBLISH, {**values, "organization": organization, "whole": True, "body": whole})
    for custodian, body in new.items():
        await connection.execute(_PUBLISH, {**values, "organization": custodian, "whole": False, "body": body})
