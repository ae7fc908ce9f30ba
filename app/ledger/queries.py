"""Queries on the ledger: each is entered once for each custodian whose records its criteria read, whatever it finds.

A custodian is told who asked, when, for what purpose, by which parameters and of how many of its students; no student's
record of disclosures has it. What was asked for is in the security log of the organization that asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.db.driver import PreparedQuery, fetch
from app.db.engine import RETRY, sqlstate, unavailable
from app.ledger.disclose import agent

LONGEST = 1000
"""Letters of a query's text that the security log keeps."""
_ENTER = """hallpass.enter_query(:agent, :purposes, :request, :interaction, :type, :types, :party_types, :students,
    :parameters, :text)"""
_AGENT = bindparam("agent", type_=JSONB(none_as_null=True))
_ENTERED = PreparedQuery(text(f"SELECT {_ENTER}").bindparams(_AGENT))
_PLANNED = PreparedQuery(text(f"SELECT set_config('plan_cache_mode', :mode, true), {_ENTER}").bindparams(_AGENT))


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it is entered: what it searched, what its criteria read, by which parameters."""

    type: str
    """The type searched; `*`: several."""
    types: tuple[str, ...]
    """The types of records that the criteria read."""
    party_types: tuple[str, ...]
    """Those of them that an organization sees since it is named in them."""
    students: tuple[UUID, ...] | None
    """The students whom it is about; None: any."""
    parameters: tuple[str, ...]
    """What it asks by, in order."""
    text: str
    """What it asks for."""


async def enter(
    connection: AsyncConnection,
    query: Query,
    caller: Caller,
    *,
    request: UUID,
    interaction: str,
    plan: str | None = None,
) -> None:
    """Enter a query for the caller of this transaction, and have what follows planned by a mode of PostgreSQL's.

    Raises UNAVAILABLE where the ledger cannot be written: then nothing is asked.
    """
    values = {
        "agent": agent(caller),
        "purposes": sorted(caller.purposes),
        "request": request,
        "interaction": interaction,
        "type": query.type,
        "types": list(query.types),
        "party_types": list(query.party_types),
        "students": None if query.students is None else list(query.students),
        "parameters": list(query.parameters),
        "text": f"{request} {query.text}"[:LONGEST],
    }
    try:
        if plan is None:
            await fetch(connection, _ENTERED, values)
        else:
            await fetch(connection, _PLANNED, values | {"mode": plan})
    except DBAPIError as e:
        if sqlstate(e) in RETRY:
            raise
        raise unavailable() from e
