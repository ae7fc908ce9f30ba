"""The database's side of the witness: marks, endings that it does not have yet, and the check that lets anything out.

Everything runs as the owner of the tables: the app's role cannot say that a database is as new as its witness.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.witness.folder import Head

MOST_BATCHES = 5_000
"""Of the ledger, that one mark brings."""


class Standing(Enum):
    """How the database stands to the witness; the value says it to a person."""

    NEW = "no witness was kept until now"
    CURRENT = "the database is as new as its witness"
    BEHIND = "the database is older than its witness"
    LOST = "the witness is empty, though the database has one"
    OTHER = "the witness is older than the database, or another database's"


@dataclass(frozen=True, slots=True)
class Due:
    """What the witness does not have yet: endings by number, and batches of the ledger by chain."""

    endings: tuple[int, ...]
    chains: dict[int, int]
    lines: tuple[tuple[str, dict[str, Any]], ...]


NOTHING = Due((), {}, ())
_STANDING = text("""
    SELECT (SELECT max(n) FROM hallpass.mark) AS newest, (SELECT token FROM hallpass.mark WHERE n = :n) AS token
""")
_ENDINGS = text("""
    SELECT e.n, e.at, e.kind, e.was, CASE e.kind  -- what is there as before was only written again
        WHEN 'release' THEN EXISTS (
            SELECT 1 FROM hallpass.release r, jsonb_populate_record(NULL::hallpass.release, e.was) w
            WHERE r.compartment = w.compartment AND r.consent = w.consent AND r.version = w.version)
        WHEN 'authority' THEN EXISTS (
            SELECT 1 FROM hallpass.authority a, jsonb_populate_record(NULL::hallpass.authority, e.was) w
            WHERE a.compartment = w.compartment AND a.id = w.id AND a.opens <= w.opens AND a.closes >= w.closes)
        WHEN 'agreement' THEN EXISTS (
            SELECT 1 FROM hallpass.agreement a, jsonb_populate_record(NULL::hallpass.agreement, e.was) w
            WHERE a.id = w.id AND a.discloser = w.discloser AND a.recipient = w.recipient
              AND a.opens <= w.opens AND a.closes >= w.closes)
        WHEN 'student' THEN EXISTS (
            SELECT 1 FROM hallpass.student s, jsonb_populate_record(NULL::hallpass.student, e.was) w
            WHERE s.compartment = w.compartment AND s IS NOT DISTINCT FROM w)
        WHEN 'provider' THEN EXISTS (
            SELECT 1 FROM hallpass.sign_in_provider p, jsonb_populate_record(NULL::hallpass.sign_in_provider, e.was) w
            WHERE (p.name, p.organization, p.issuer, p.client_id) = (w.name, w.organization, w.issuer, w.client_id))
        ELSE false END AS stands
    FROM hallpass.ending e ORDER BY e.n LIMIT 5000
""")
_BATCHES = text("""
    SELECT b.chain, b.n, b.at FROM hallpass.chain_end c
    LEFT JOIN hallpass.witnessed_chain w ON w.chain = c.chain
    JOIN hallpass.batch b ON b.chain = c.chain AND b.n > coalesce(w.n, 0)
    WHERE c.n > coalesce(w.n, 0) ORDER BY b.chain, b.n LIMIT :most
""")
_DISCLOSURES = text("""
    SELECT to_jsonb(d) - '{agent,reason,parameters}'::text[] AS row FROM hallpass.disclosure d
    JOIN unnest(CAST(:chains AS smallint[]), CAST(:batches AS bigint[])) k(chain, batch)
      ON k.chain = d.chain AND k.batch = d.batch
    WHERE d.at BETWEEN :first AND :last
""")
_TOLD = text("DELETE FROM hallpass.ending WHERE n = ANY (:endings)")
_CHAINS = text("""
    INSERT INTO hallpass.witnessed_chain SELECT * FROM unnest(CAST(:chains AS smallint[]), CAST(:batches AS bigint[]))
    ON CONFLICT (chain) DO UPDATE SET n = EXCLUDED.n
""")
_ALL_CHAINS = text(
    "INSERT INTO hallpass.witnessed_chain SELECT chain, n FROM hallpass.chain_end ON CONFLICT DO NOTHING"
)
_MARK = text("""
    INSERT INTO hallpass.mark (n, token) SELECT greatest(CAST(:n AS bigint), max(n)) + 1, :token FROM hallpass.mark
    RETURNING n, at
""")
_FORGET = text("DELETE FROM hallpass.mark WHERE n < :n")
_LET = text("""
    INSERT INTO hallpass.witness_check AS c (started, place)
    VALUES (pg_postmaster_start_time(), pg_relation_filepath('hallpass.witness_check'))
    ON CONFLICT (single) DO UPDATE SET started = EXCLUDED.started, place = EXCLUDED.place
    WHERE (c.started, c.place) IS DISTINCT FROM (EXCLUDED.started, EXCLUDED.place)
""")
_STOP = text("""
    INSERT INTO hallpass.witness_check AS c (started, place) VALUES (NULL, NULL)
    ON CONFLICT (single) DO UPDATE SET started = NULL WHERE c.started IS NOT NULL
""")
_FREE = text("DELETE FROM hallpass.witness_check")
_NEWEST = text("SELECT n, at FROM hallpass.mark ORDER BY n DESC LIMIT 1")


async def standing(connection: AsyncConnection, head: Head | None) -> Standing:
    """How the database stands to a witness with this last mark."""
    row = (await connection.execute(_STANDING, {"n": head.n if head else -1})).one()
    if head is None:
        return Standing.NEW if row.newest is None else Standing.LOST
    if row.token == head.token:
        return Standing.CURRENT
    return Standing.BEHIND if row.newest is None or row.newest <= head.n else Standing.OTHER


async def due(connection: AsyncConnection) -> Due:
    """What the witness does not have yet, as much as one mark brings."""
    endings = (await connection.execute(_ENDINGS)).all()
    batches = (await connection.execute(_BATCHES, {"most": MOST_BATCHES})).all()
    lines = [(e.kind, {"ended": e.at, **e.was}) for e in endings if not e.stands]
    if batches:
        values = {"chains": [b.chain for b in batches], "batches": [b.n for b in batches]}
        bounds = {"first": min(b.at for b in batches), "last": max(b.at for b in batches)}
        found = await connection.execute(_DISCLOSURES, {**values, **bounds})
        lines += [("disclosure", dict(row)) for row in found.scalars()]
    return Due(tuple(e.n for e in endings), {b.chain: b.n for b in batches}, tuple(lines))


async def told(connection: AsyncConnection, what: Due, head: Head) -> None:
    """Forget what the witness has by now."""
    await connection.execute(_FORGET, {"n": head.n})
    if what.endings:
        await connection.execute(_TOLD, {"endings": list(what.endings)})
    if what.chains:
        values: dict[str, Sequence[int]] = {"chains": list(what.chains), "batches": list(what.chains.values())}
        await connection.execute(_CHAINS, values)


async def mark(connection: AsyncConnection, head: Head | None) -> Head:
    """Make the mark after the last one, also where the witness did not get that."""
    token = secrets.token_hex(16)
    row = (await connection.execute(_MARK, {"n": head.n if head else 0, "token": token})).one()
    return Head(row.n, token, row.at)


async def begin(connection: AsyncConnection) -> None:
    """What the ledger holds before a witness is kept is not copied into it."""
    await connection.execute(_ALL_CHAINS)


async def let_out(connection: AsyncConnection) -> None:
    """This start of this server is as new as its witness: records may leave."""
    await connection.execute(_LET)


async def stop(connection: AsyncConnection) -> None:
    """The database is older than its witness: nothing leaves."""
    await connection.execute(_STOP)


async def give_up(connection: AsyncConnection) -> None:
    """No witness is kept any more."""
    await connection.execute(_FREE)
    await connection.execute(text("DELETE FROM hallpass.mark"))


async def newest(connection: AsyncConnection) -> tuple[int, datetime] | None:
    """The number of the last mark that the database has, and when it was made."""
    row = (await connection.execute(_NEWEST)).one_or_none()
    return (row.n, row.at) if row else None
