"""A member leaves the network: what lets it in, and what lets others see its records, ends. Its records stay its own.

docs/guides/leaving.md
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth import clients
from app.db.engine import owner_transaction
from app.errors import HallpassError, Kind
from app.exchange.operator import Operator

_PARTS = bindparam("parts", type_=ARRAY(Uuid()))
_TREE = text("SELECT id FROM hallpass.tree WHERE ancestor = :organization ORDER BY id")
_CLIENTS = text(
    "SELECT id FROM hallpass.client WHERE organization = ANY (:parts) AND disabled IS NULL ORDER BY id"
).bindparams(_PARTS)
AT_ONCE = 200
"""Of what ends, that is looked up together: it is ended one by one, each in a transaction of its own."""
_OPEN = """
    SELECT type, id FROM (
        SELECT type, id, custodian, convert_from(body, 'UTF8')::jsonb AS body FROM hallpass.resource
        WHERE current AND NOT deleted AND type IN ('OrganizationAffiliation', 'Consent', 'Subscription', 'Organization')
    ) open
    WHERE (custodian = ANY (:parts) AND (body ->> 'status' IN ('active', 'requested', 'error')
           OR type IN ('OrganizationAffiliation', 'Organization') AND coalesce((body ->> 'active')::boolean, true)))
       OR (type = 'OrganizationAffiliation' AND coalesce((body ->> 'active')::boolean, true)
           AND split_part(body #>> '{participatingOrganization,reference}', '/', 2) = ANY (CAST(:parts AS text[])))
"""
_ENDING = text(f"SELECT type, count(*) AS records FROM ({_OPEN}) e GROUP BY type").bindparams(_PARTS)  # noqa: S608
_NEXT = text(f"""
    SELECT type, id FROM ({_OPEN}) e
    ORDER BY array_position(ARRAY['OrganizationAffiliation', 'Consent', 'Subscription', 'Organization'], type), id
    LIMIT :most
""").bindparams(_PARTS)  # noqa: S608 - pieces of this file, no value
_KEPT = text("""
    SELECT type, count(*) AS records FROM hallpass.resource
    WHERE current AND NOT deleted AND custodian = ANY (:parts) AND NOT directory GROUP BY type ORDER BY type
""").bindparams(_PARTS)
_WAYS_IN = (
    text("DELETE FROM hallpass.endpoint WHERE organization = ANY (:parts)").bindparams(_PARTS),
    text("DELETE FROM hallpass.sign_in_provider WHERE organization = ANY (:parts)").bindparams(_PARTS),
    text(
        "DELETE FROM hallpass.sync_source s USING hallpass.client c"
        " WHERE c.id = s.client AND c.organization = ANY (:parts)"
    ).bindparams(_PARTS),
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a member has that ends when it leaves, and what stays in its custody."""

    parts: tuple[UUID, ...]
    """The organization, and those that are a part of it."""
    clients: tuple[str, ...]
    ending: tuple[tuple[str, int], ...]
    """How many of each type end."""
    kept: tuple[tuple[str, int], ...]
    """How many records of each type."""

    def count(self, type_name: str) -> int:
        """How many of a type end."""
        return dict(self.ending).get(type_name, 0)


async def survey(connection: AsyncConnection, organization: UUID) -> Leaving:
    """What would end. Raises NOT_FOUND."""
    parts = tuple(await connection.scalars(_TREE, {"organization": organization}))
    if not parts:
        raise HallpassError(Kind.NOT_FOUND, "There is no Organization with this id.")
    asked = {"parts": list(parts)}
    return Leaving(
        parts,
        tuple(await connection.scalars(_CLIENTS, asked)),
        tuple((row.type, row.records) for row in await connection.execute(_ENDING, asked)),
        tuple((row.type, row.records) for row in await connection.execute(_KEPT, asked)),
    )


async def leave(
    operator: Operator, organization: UUID, progress: Callable[[int, int], None] = lambda done, whole: None
) -> Leaving:
    """End it all; answer what ended. Where it is broken off, the same again does the rest. Raises NOT_FOUND.

    Clients are shut out first, each at once; it waits for what was being given to them. Then what others see ends,
    agreements first, since nothing is seen without one. `progress` is told how much of it has ended, and of how much.
    """
    async with owner_transaction(operator.owner) as connection:
        found = await survey(connection, organization)
        for client in found.clients:
            await clients.disable(connection, client, datetime.now(UTC))
        for statement in _WAYS_IN:
            await connection.execute(statement, {"parts": list(found.parts)})
    async with owner_transaction(operator.owner) as connection:
        for client in found.clients:
            await clients.await_disclosures(connection, client)
    done, whole = 0, sum(n for _, n in found.ending)
    while several := await _next(operator, found.parts):
        for type_name, own_id in several:
            await operator.end(type_name, own_id, "ended: its organization leaves")
            done += 1
            progress(done, max(done, whole))
    return found


async def _next(operator: Operator, parts: tuple[UUID, ...]) -> list[tuple[str, UUID]]:
    """What ends next."""
    async with owner_transaction(operator.owner) as connection:
        rows = await connection.execute(_NEXT, {"parts": list(parts), "most": AT_ONCE})
        return [(row.type, row.id) for row in rows]
