"""`hallpass verify`, of the access index: its rows, when releases have effect, the counts, and the tree.

What an ended release left in the index is put off until there is time (hallpass.index_backlog): it is brought up to
date first, and is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import write
from app.db.caller import Write, lock_writes

_CUSTODIANS = text("""
    SELECT custodian FROM hallpass.resource WHERE compartment = :compartment
    UNION SELECT custodian FROM hallpass.access WHERE compartment = :compartment
    UNION SELECT custodian FROM hallpass.release WHERE compartment = :compartment
    UNION SELECT custodian FROM hallpass.validity WHERE compartment = :compartment
    UNION SELECT custodian FROM hallpass.index_backlog WHERE compartment = :compartment
""")
_BACKLOG = text("""
    DELETE FROM hallpass.index_backlog WHERE compartment = :compartment AND custodian = :custodian RETURNING 1
""")
_EXACT = text("""
    UPDATE hallpass.validity SET exact = true
    WHERE compartment = :compartment AND custodian = :custodian AND NOT exact
""")
_ACCESS = text("""
    WITH have AS (SELECT * FROM hallpass.access WHERE compartment = :compartment),
         want AS (SELECT * FROM hallpass.expected_student_access(:compartment))
    SELECT count(*) FROM ((TABLE have EXCEPT TABLE want) UNION ALL (TABLE want EXCEPT TABLE have)) d
""")
_VALIDITY = text("""
    WITH have AS (
        SELECT org, consent, compartment, version, custodian, since, until, majority, purposes, root_since, root_until,
               types
        FROM hallpass.validity WHERE compartment = :compartment),
         want AS (SELECT * FROM hallpass.expected_validity(:compartment))
    SELECT count(*) FROM ((TABLE have EXCEPT TABLE want) UNION ALL (TABLE want EXCEPT TABLE have)) d
""")
_NO_VALIDITY = text("DELETE FROM hallpass.validity WHERE compartment = :compartment")
_COUNTS = text("""
    SELECT custodian, type FROM (
        SELECT custodian, type, sum(records) AS records FROM hallpass.custody_count GROUP BY 1, 2) have
    FULL JOIN (
        SELECT custodian, type, count(*) AS records FROM hallpass.resource
        WHERE current AND NOT deleted AND NOT directory GROUP BY 1, 2) want USING (custodian, type)
    WHERE coalesce(have.records, 0) <> coalesce(want.records, 0)
""")
_RECOUNT = (
    text("DELETE FROM hallpass.custody_count"),
    text("""
        INSERT INTO hallpass.custody_count SELECT custodian, type, count(*) FROM hallpass.resource
        WHERE current AND NOT deleted AND NOT directory GROUP BY 1, 2
    """),
)
_STILL = text("LOCK TABLE hallpass.custody_count, hallpass.tree IN SHARE ROW EXCLUSIVE MODE")
_TREE = text("""
    WITH want AS (SELECT unnest(o.ancestors) AS ancestor, o.id FROM hallpass.organization o)
    SELECT DISTINCT d.id FROM (
        (TABLE hallpass.tree EXCEPT TABLE want) UNION ALL (TABLE want EXCEPT TABLE hallpass.tree)) d ORDER BY 1
""")
_REPLANT = (
    text("DELETE FROM hallpass.tree"),
    text("INSERT INTO hallpass.tree SELECT unnest(o.ancestors), o.id FROM hallpass.organization o"),
)
Found = tuple[str, str]
"""What differs, and where. It holds no value of a record."""


async def locked_custodians(connection: AsyncConnection, compartment: UUID) -> list[UUID]:
    """Who holds anything about a student, under the locks to index it."""
    custodians = sorted(await connection.scalars(_CUSTODIANS, {"compartment": compartment}))
    await lock_writes(connection, [Write(compartment, custodian, compartment, "index") for custodian in custodians])
    return custodians


async def differing(
    connection: AsyncConnection, compartment: UUID, custodians: Iterable[UUID], *, repair: bool
) -> list[str]:
    """What of the index is not as if it were computed now; with `repair` it is. What was put off is done first."""
    for custodian in custodians:
        values = {"compartment": compartment, "custodian": custodian}
        if await connection.scalar(_BACKLOG, values):
            await write.index_student(connection, compartment, custodian)
            await connection.execute(_EXACT, values)
    found = []
    if await connection.scalar(_ACCESS, {"compartment": compartment}):
        found.append("the access index")
        if repair:
            await write.index_student(connection, compartment, None)
    if await connection.scalar(_VALIDITY, {"compartment": compartment}):
        found.append("when releases have effect")
        if repair:
            await connection.execute(_NO_VALIDITY, {"compartment": compartment})
            for custodian in custodians:
                await write.refresh_validity(connection, compartment, custodian)
    return found


async def network(connection: AsyncConnection, *, repair: bool) -> list[Found]:
    """Who is said to hold more or fewer records than there are, or to be a part of what it is not."""
    if repair:
        await connection.execute(_STILL)
    counts = [("a count of records", f"{r.type} of {r.custodian}") for r in await connection.execute(_COUNTS)]
    places = [("the tree of organizations", f"Organization/{i}") for i in await connection.scalars(_TREE)]
    for statement in (*(_RECOUNT if counts else ()), *(_REPLANT if places else ())) if repair else ():
        await connection.execute(statement)
    return [*counts, *places]
