"""The disclosure ledger: what was released to whom, durable before its bytes leave.

One statement judges each version once more, under the locks that order it against the write that would end its
release, and enters it: what is no longer visible is not entered, and the caller of `disclose` sees that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.caller import Caller
from app.store.driver import Hot, scalar
from app.store.enter import hold
from app.store.rows import Stored

_DISCLOSE = Hot(
    text("""
        SELECT hallpass.disclose(:agent, :purposes, :requests, :interactions, :shards, :ids, :versions, :hold)
    """).bindparams(bindparam("agent", type_=JSONB(none_as_null=True)))
)
_WRITING = -2
"""What `disclose` answers where a write holds a lock."""


async def disclose(
    connection: AsyncConnection, rows: Sequence[Stored], caller: Caller, *, request: UUID, interaction: str
) -> bool:
    """Enter each version once, for the caller of this transaction.

    False when one of them is visible no more, or the caller itself no longer stands: then nothing may leave.
    """
    found = {(r.shard, r.id, r.version): r for r in rows}
    if not found:
        return True
    keys, shards = sorted(found), {r.shard for r in rows if not r.directory}
    values = {
        "agent": agent(caller),
        "purposes": sorted(caller.purposes),
        "requests": [request],
        "interactions": [interaction],
        "shards": [k[0] for k in keys],
        "ids": [k[1] for k in keys],
        "versions": [k[2] for k in keys],
        "hold": sorted(shards),
    }
    entered = await scalar(connection, _DISCLOSE, values)
    if entered == _WRITING:  # waited for in a statement of its own: what is in time is judged after the wait
        await hold(connection, shards, exclusive=False)
        entered = await scalar(connection, _DISCLOSE, values)
    return bool(entered == len(keys))


def agent(caller: Caller) -> dict[str, Any] | None:
    """Who is behind the client, as the ledger keeps it; None where its assertion did not say."""
    return dict(caller.agent) or None
