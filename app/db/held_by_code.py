"""The resources in the caller's custody that conditions name by one code each: `identifier=system|value` above all.

https://hl7.org/fhir/R4/http.html#cond-update

All conditions on a type and parameter are one statement, which begins at the code: whatever plan PostgreSQL makes of
it, it reads what the code names and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.driver import PreparedQuery, fetch
from app.db.read import COLUMNS, stored
from app.db.rows import Stored
from app.search.normal import key
from app.search.parameters import ParamKind
from app.search.query import Clause, Criterion, TokenValue

_HELD = PreparedQuery(
    text(f"""
    SELECT {", ".join(f"r.{c.name}" for c in COLUMNS)}, asked.n
    FROM unnest(CAST(:systems AS text[]), CAST(:codes AS text[])) WITH ORDINALITY asked(system, code, n)
    CROSS JOIN LATERAL (
        SELECT r.* FROM (
            SELECT t.compartment, t.id FROM hallpass.term_token t
            WHERE t.type = :type AND t.param = :param AND t.code = asked.code
              AND (asked.system IS NULL OR t.system = asked.system)
            OFFSET 0) t
        CROSS JOIN LATERAL (
            SELECT * FROM hallpass.resource r
            WHERE r.compartment = t.compartment AND r.id = t.id AND r.current AND NOT r.deleted
              AND EXISTS (SELECT 1 FROM hallpass.tree h WHERE h.ancestor = :org AND h.id = r.custodian)
            LIMIT 1) r
        LIMIT :most) r
    ORDER BY asked.n
    """)  # noqa: S608 - the names of columns
)


class Code(NamedTuple):
    """What a condition asks for: a parameter, and a code of a system or of any (None), as the index has them."""

    parameter: str
    system: str | None
    code: str


def code_of(criteria: Sequence[Clause]) -> Code | None:
    """The one code that the criteria ask for; None where they ask for anything else."""
    match criteria:
        case (Criterion(kind=ParamKind.TOKEN, modifier=None, values=(TokenValue(code=str() as code) as value,)) as c,):
            system = key(value.system) if value.system is not None else None
            return Code(c.parameter, system, key(code)) if c.parameter != "_id" else None
    return None


async def held_by_code(
    connection: AsyncConnection, org: UUID, type_name: str, codes: Sequence[Code], most: int
) -> list[list[Stored]]:
    """For each code, of one parameter, the current resources of the type that the organization and its parts hold."""
    values = {
        "systems": [c.system for c in codes],
        "codes": [c.code for c in codes],
        "type": type_name,
        "param": codes[0].parameter,
        "org": org,
        "most": most,
    }
    found: list[list[Stored]] = [[] for _ in codes]
    for row in await fetch(connection, _HELD, values):
        found[row.n - 1].append(stored(row))
    return found
