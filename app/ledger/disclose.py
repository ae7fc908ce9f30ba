"""The disclosure ledger: what was released to whom, durable before its bytes leave.

One statement judges each version once more, under the locks that order it against the write that would end its
release, and enters it: what is no longer visible is not entered, and the caller of `disclose` sees that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.db.caller import lock_disclosure
from app.db.driver import PreparedQuery, fetch
from app.db.rows import Ground, Grounds, Stored
from app.telemetry.stages import stage

_DISCLOSE = PreparedQuery(
    text("""
        SELECT * FROM hallpass.disclose(
            :agent, :purposes, :requests, :interactions, :compartments, :ids, :versions, :custodians,
            :locked_compartments,
            :locked_custodians)
    """).bindparams(bindparam("agent", type_=JSONB(none_as_null=True)))
)


class Entered(NamedTuple):
    """What is on the ledger: which custodians are the caller's own, and on what the versions of others leave."""

    own: frozenset[UUID]
    grounds: Grounds


_WRITING = -2
"""What `disclose` answers where a write holds a lock."""


async def disclose(
    connection: AsyncConnection, rows: Sequence[Stored], caller: Caller, *, request: UUID, interaction: str
) -> Entered | None:
    """Enter each version of others' once, for the caller of this transaction; return which custodians are its own, and
    under which Consent each version leaves.

    None when one of them is visible no more, or the caller itself no longer stands: then nothing may leave.
    """
    found = {(r.compartment, r.id, r.version): r for r in rows if r.custodian != caller.organization}
    if not found:
        return Entered(frozenset({caller.organization}), {})
    keys = sorted(found)
    locked = sorted({(r.compartment, r.custodian) for r in found.values() if not r.directory})
    values = {
        "agent": agent(caller),
        "purposes": sorted(caller.purposes),
        "requests": [request],
        "interactions": [interaction],
        "compartments": [k[0] for k in keys],
        "ids": [k[1] for k in keys],
        "versions": [k[2] for k in keys],
        "custodians": [found[k].custodian for k in keys],
        "locked_compartments": [compartment for compartment, _ in locked],
        "locked_custodians": [custodian for _, custodian in locked],
    }
    with stage("judge"):
        (result,) = await fetch(connection, _DISCLOSE, values)
        if result.entered == _WRITING:  # waited for in a statement of its own: what is in time is judged after the wait
            await lock_disclosure(connection, locked)
            (result,) = await fetch(connection, _DISCLOSE, values)
    own = frozenset(result.own) | {caller.organization}
    disclosed = [k for k in keys if found[k].custodian not in own]
    if result.entered != len(disclosed):
        return None
    columns = (
        result.ground_ids,
        result.ground_versions,
        result.grounds,
        result.grounds_versions,
        result.scopes,
        result.redisclosable,
    )
    rows_of = zip(*(c or () for c in columns), strict=True)
    return Entered(own, {(i, v): Ground(*ground) for i, v, *ground in rows_of})


def agent(caller: Caller) -> dict[str, Any] | None:
    """Who is behind the client, as the ledger keeps it; None where its assertion did not say."""
    return dict(caller.agent) or None
