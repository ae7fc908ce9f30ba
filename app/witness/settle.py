"""Settles a database that is older than its witness: what ended ends again, what was disclosed is on record again.

It runs as the owner of the tables while nothing leaves, and may be run again after an interruption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import login
from app.db.engine import owner_transaction
from app.errors import HallpassError, Kind
from app.exchange.expunging import expunge
from app.exchange.operator import Operator
from app.ledger.entries import Entry
from app.ledger.events import audit_event
from app.ledger.names import Names
from app.witness import marks
from app.witness.folder import Folder, Head, Line
from app.witness.marks import Standing

AT_ONCE = 1_000
RESTORED = UUID("7b0f2b0e-6f0c-4d0e-9a57-5d1f9a0c1a75")
"""The name space of the ids of entries that came back from a witness: the same entry has the same id each time."""
_RELEASES = text("SELECT consent FROM hallpass.release WHERE compartment = :student")
_CLIENT = text("""
    UPDATE hallpass.client SET jwks = CAST(:jwks AS jsonb), jwks_uri = :jwks_uri, scopes = :scopes,
        purposes = :purposes, emergency = :emergency, disabled = CAST(CAST(:disabled AS text) AS timestamptz)
    WHERE id = :id
""")
_DISCONNECT = text("""
    SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN hallpass.app_login l ON l.role = a.usename
    WHERE a.datname = current_database()
""")
_SIGN_INS = text("""
    WITH session AS (DELETE FROM hallpass.staff_session), link AS (DELETE FROM hallpass.staff_link)
    DELETE FROM hallpass.signing_key
""")
_THERE = text("""
    SELECT k.i FROM unnest(CAST(:numbers AS integer[]), CAST(:compartments AS uuid[]), CAST(:requests AS uuid[]),
                           CAST(:ids AS uuid[]), CAST(:versions AS integer[]), CAST(:moments AS timestamptz[]))
        AS k(i, compartment, request, id, version, at)
    JOIN hallpass.disclosure d ON d.compartment = k.compartment AND d.at = k.at AND d.request = k.request
        AND d.id = k.id AND d.version = k.version
""")
_ENTER = text("""
    INSERT INTO hallpass.outside_disclosure (compartment, id, at, entered, custodian, client, recipient, consent, body)
    VALUES (:compartment, :id, :at, hallpass.instant(), :custodian, 'operator', :recipient, :consent,
            CAST(:body AS jsonb))
    ON CONFLICT DO NOTHING
""")
_ENDED_BY = {
    "release": ("Consent", "consent"),
    "authority": ("RelatedPerson", "id"),
    "agreement": ("OrganizationAffiliation", "id"),
    "subscription": ("Subscription", "id"),
}
_KEYS = ("organization", "prefix", "id", "name", "issuer")
_REMOVED = {
    "endpoint": text(
        "DELETE FROM hallpass.endpoint"
        " WHERE organization = CAST(CAST(:organization AS text) AS uuid) AND prefix = :prefix"
    ),
    "transfer": text("DELETE FROM hallpass.transfer WHERE id = CAST(CAST(:id AS text) AS uuid)"),
    "sync_source": text("DELETE FROM hallpass.sync_source WHERE name = :name"),
    "provider": text("DELETE FROM hallpass.sign_in_provider WHERE name = :name AND issuer = :issuer"),
}


class Unsettled(Exception):
    """The database cannot be settled by its witness. The text says why and what to do."""


@dataclass(slots=True)
class Settled:
    """What was done."""

    since: datetime | None = None
    """The database's last mark; None: there was nothing to settle."""
    until: datetime | None = None
    """The witness's last mark."""
    ended: Counter[str] = field(default_factory=Counter)
    """How many, by kind."""
    given: dict[tuple[str, str], int] = field(default_factory=dict)
    """Versions that a recipient's client was given and no entry of the ledger told of, by organization and client."""
    lines: list[str] = field(default_factory=list)
    """For people: what was ended, each with its id."""


async def settle(operator: Operator, folder: Folder, keeps: timedelta) -> Settled:
    """End what ended, and let records out again. Raises Unsettled; then nothing leaves still."""
    owner = operator.owner
    head = folder.head()
    async with owner_transaction(owner) as connection:
        found, newest = await marks.standing(connection, head), await marks.newest(connection)
    if head is None or found in (Standing.NEW, Standing.LOST, Standing.OTHER):
        raise Unsettled(_ADVICE[found])
    if found is Standing.CURRENT:
        async with owner_transaction(owner) as connection:
            await marks.let_out(connection)
        return Settled()
    if newest is None or newest[1] < head.at - keeps:
        raise Unsettled(
            "the database is older than what the witness goes back to, so nobody knows all that ended since. Restore a "
            "younger backup, or end by hand what ended since and run `hallpass after-restore --without-witness`"
        )
    done = Settled(since=newest[1], until=head.at)
    await _end_again(operator, done, folder.since(newest[0]))
    await _enter_again(operator, done, folder.since(newest[0]))
    await _begin_again(operator, folder, head)
    return done


async def abandon(operator: Operator) -> None:
    """Go on without what a witness knew: old tokens and logins end, and a new witness can begin."""
    await _disconnect(operator)
    async with owner_transaction(operator.owner) as connection:
        await _retire(connection)
        await marks.give_up(connection)


async def _end_again(operator: Operator, done: Settled, lines: Iterable[Line]) -> None:
    clients: dict[str, dict[str, Any]] = {}
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        if line.kind == "client":
            clients[line.row["id"]] = line.row
        elif line.kind != "disclosure":
            last[line.kind, _name(line.kind, line.row)] = line.row
    for (kind, name), row in last.items():
        if await _close(operator, kind, name, row):
            done.ended[kind] += 1
            done.lines.append(f"{kind} {name}")
    async with owner_transaction(operator.owner) as connection:
        for row in clients.values():
            jwks = None if row["jwks"] is None else orjson.dumps(row["jwks"]).decode()
            values = {n: row[n] for n in ("id", "jwks_uri", "scopes", "purposes", "emergency", "disabled")}
            if (await connection.execute(_CLIENT, {**values, "jwks": jwks})).rowcount:
                done.ended["client"] += 1
                done.lines.append(f"client {row['id']}, {'disabled' if row['disabled'] else 'with its later keys'}")


def _name(kind: str, row: dict[str, Any]) -> str:
    """What tells one thing that ended from another of its kind."""
    if kind == "endpoint":
        return f"{row['organization']} {row['prefix']}"
    return str(row.get("consent") or row.get("id") or row.get("compartment") or row.get("name"))


async def _close(operator: Operator, kind: str, name: str, row: dict[str, Any]) -> bool:
    """End one thing again. Raises Unsettled where that cannot be done."""
    try:
        if kind in _ENDED_BY:
            type_name, column = _ENDED_BY[kind]
            return await operator.end(type_name, UUID(row[column]))
        if kind == "record":
            close = operator.end if row["type"] == "Subscription" else operator.restrict
            return await close(row["type"], UUID(row["id"]))
        if kind == "expunged":
            return bool((await expunge(operator, row["type"], UUID(row["id"]), row["authority"], row["by"])).records)
        if kind == "organization":
            above, classes = [UUID(a) for a in row["ancestors"][1:]], {UUID(k) for k in row["classes"]}
            return await operator.place_again(UUID(row["id"]), above, row["honor"], classes)
        async with owner_transaction(operator.owner) as connection:
            if kind in _REMOVED:
                values: dict[str, Any] = {
                    n: row[n] for n in ("organization", "prefix", "id", "name", "issuer") if n in row
                }
                return bool((await connection.execute(_REMOVED[kind], values)).rowcount)
            consents = list(await connection.scalars(_RELEASES, {"student": UUID(row["compartment"])}))
        return any([await operator.end("Consent", consent) for consent in consents])
    except HallpassError as e:
        if e.kind is Kind.UNAVAILABLE:
            raise
        if kind == "expunged" and e.kind is Kind.NOT_FOUND:  # it came after the backup
            return False
        raise Unsettled(
            f"the {kind} {name} cannot be ended again: {e.issues[0].text} End it by hand, then run this again"
        ) from e


async def _enter_again(operator: Operator, done: Settled, lines: Iterable[Line]) -> None:
    """Put the disclosures that the ledger lost on record, as told by the witness."""
    given = (line.row for line in lines if line.kind == "disclosure")
    counted: set[tuple[Any, ...]] = set()
    while several := list(islice(given, AT_ONCE)):
        rows = {_key(row): row for row in several if _key(row) not in counted}
        counted |= rows.keys()
        async with owner_transaction(operator.owner) as connection:
            columns = [[UUID(k[0]), UUID(k[1]), UUID(k[2]), k[3], datetime.fromisoformat(k[4])] for k in rows]
            names = ("compartments", "requests", "ids", "versions", "moments")
            values = dict(zip(names, map(list, zip(*columns, strict=True)), strict=True))
            there = set(await connection.scalars(_THERE, {"numbers": list(range(len(rows))), **values}))
            lost = [row for n, row in enumerate(rows.values()) if n not in there]
            for row in lost:
                client = (row["recipient"], row["client"])
                done.given[client] = done.given.get(client, 0) + 1
                if row["student"]:
                    await connection.execute(_ENTER, _outside(row))


def _key(row: dict[str, Any]) -> tuple[str, str, str, int, str]:
    return row["compartment"], row["request"], row["id"], row["version"], row["at"]


def _outside(row: dict[str, Any]) -> dict[str, Any]:
    """A lost entry as one that the custodian reads beside the ledger's."""
    entry = Entry(
        at=datetime.fromisoformat(row["at"]),
        request=UUID(row["request"]),
        interaction=row["interaction"],
        type=row["type"],
        id=UUID(row["id"]),
        version=row["version"],
        student=UUID(row["student"]),
        custodian=UUID(row["custodian"]),
        recipient=UUID(row["recipient"]),
        client=row["client"],
        purposes=tuple(row["purposes"]),
        basis=row["basis"],
        consent=UUID(row["consent"]) if row["consent"] else None,
        consent_version=row["consent_version"],
        reason="The database was restored to an earlier moment; this entry is the witness's.",
    )
    own_id = uuid5(RESTORED, "|".join(map(str, _key(row))))
    return {
        "compartment": entry.student,
        "id": own_id,
        "at": entry.at,
        "custodian": entry.custodian,
        "recipient": entry.recipient,
        "consent": entry.consent,
        "body": orjson.dumps({**audit_event(entry, Names()), "id": str(own_id)}).decode(),
    }


async def _begin_again(operator: Operator, folder: Folder, head: Head) -> None:
    """Retire what may be known to others, and mark the database again: from here on it is as new as its witness."""
    await _disconnect(operator)
    async with owner_transaction(operator.owner) as connection:
        await _retire(connection)
        made = await marks.mark(connection, head)
        await marks.let_out(connection)
        folder.add(made, ())  # before the commit: without it the database stays the older one


async def _disconnect(operator: Operator) -> None:
    """End the connections of servers that run, which log in again by the new login. A role without the right leaves
    them: those servers are restarted."""
    with suppress(DBAPIError):
        async with owner_transaction(operator.owner) as connection:
            await connection.execute(_DISCONNECT)


async def _retire(connection: AsyncConnection) -> None:
    """End what proves who somebody is: tokens, sessions and links of the office, and the app's logins."""
    await connection.execute(_SIGN_INS)
    for _ in range(2):  # the login before works until the next rotation
        await login.rotate(connection)


_ADVICE = {
    Standing.NEW: "neither the database nor the witness has a mark: no witness was kept: there is nothing to settle by",
    Standing.LOST: "the folder HALLPASS_WITNESS is empty, though the database has a witness. Mount it; if it is lost, "
    "run `hallpass after-restore --without-witness`",
    Standing.OTHER: "the witness is older than the database, or another database's. Correct HALLPASS_WITNESS; if it is "
    "lost, move the folder away and run `hallpass after-restore --without-witness`",
}
