"""The network as its operator sees it: members, agreements, the ages of keys. Read as the owner of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_MEMBERS = text("""
    WITH named AS (
        SELECT o.id, o.ancestors, convert_from(r.body, 'UTF8')::jsonb ->> 'name' AS name
        FROM hallpass.organization o JOIN hallpass.resource r ON r.compartment = o.id AND r.id = o.id AND r.current
    )
    SELECT n.id, cardinality(n.ancestors), n.name FROM named n
    ORDER BY (SELECT array_agg(a.name || ' ' || a.id ORDER BY cardinality(a.ancestors))
              FROM named a WHERE a.id = ANY (n.ancestors))
""")
_AGREEMENTS = text("""
    WITH named AS (
        SELECT r.id, convert_from(r.body, 'UTF8')::jsonb AS body FROM hallpass.resource r
        WHERE r.current AND NOT r.deleted AND r.type IN ('Organization', 'OrganizationAffiliation')
    ), sides AS (
        SELECT id, body, split_part(body #>> '{organization,reference}', '/', 2) AS one,
               split_part(body #>> '{participatingOrganization,reference}', '/', 2) AS other
        FROM named WHERE body ->> 'resourceType' = 'OrganizationAffiliation'
    )
    SELECT s.id,
        CASE WHEN EXISTS (SELECT 1 FROM hallpass.agreement a
                          WHERE a.id = s.id AND a.opens <= now() AND now() < a.closes) THEN 'active' ELSE 'ended' END,
        coalesce(d.body ->> 'name', s.one) || ' -> ' || coalesce(r.body ->> 'name', s.other),
        coalesce('until ' || (s.body #>> '{period,end}'), 'no end')
    FROM sides s LEFT JOIN named d ON d.id::text = s.one LEFT JOIN named r ON r.id::text = s.other ORDER BY 3, 1
""")
_SIGNING = text("SELECT kid, created, retires FROM hallpass.signing_key WHERE expires > now() ORDER BY created DESC")
_CLIENT_KEYS = text("""
    SELECT c.id, greatest(c.created, (
        SELECT max(e.last) FROM hallpass.event e WHERE e.organization = c.organization AND e.kind = 'command'
            AND e.detail = 'client ' || c.id || ' has new keys'))
    FROM hallpass.client c WHERE c.jwks IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Member:
    """An organization; `depth` counts those that it is a part of, and itself."""

    id: UUID
    depth: int
    name: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who may share with whom, whether it is in effect (active or ended), and until when."""

    id: UUID
    standing: str
    pair: str
    until: str


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs tokens, or verifies them still."""

    kid: str
    created: datetime
    retires: datetime | None


async def members(connection: AsyncConnection) -> list[Member]:
    """Each organization, those that are a part of it below it."""
    return [Member(*row) for row in await connection.execute(_MEMBERS)]


async def agreements(connection: AsyncConnection) -> list[Agreement]:
    """Each agreement, by the names of its sides."""
    return [Agreement(*row) for row in await connection.execute(_AGREEMENTS)]


async def signing_keys(connection: AsyncConnection) -> list[SigningKey]:
    """The keys of the server, the newest first."""
    return [SigningKey(*row) for row in await connection.execute(_SIGNING)]


async def client_keys(connection: AsyncConnection) -> dict[str, datetime]:
    """Since when each client has the keys that are kept here, by its id; a client's own address has no age here."""
    return {row[0]: row[1] for row in await connection.execute(_CLIENT_KEYS)}
