"""Records whose content is destroyed under law; the ledger goes on saying that they were, and who received them.

docs/decisions/0110-expunging.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import read
from app.db.caller import Write, lock_writes
from app.db.engine import owner_transaction
from app.db.rows import Stored
from app.errors import HallpassError, Kind
from app.exchange import writes
from app.exchange.operator import Operator
from app.fhir.dates import BEGINNING
from app.fhir.json import parse
from app.ledger import security_log
from app.objects import Objects
from app.resources import TYPES, Visibility
from app.resources.paths import values

_UNDER_WAY = timedelta(minutes=10)
"""Longer than a request takes whose text is not in the log yet."""
SHORTEST = 3
"""Of a name or number that is looked for in the texts of queries."""
_IDS = bindparam("ids", type_=ARRAY(Uuid()))
_CHOSEN = text("""
    SELECT r.type, r.id, r.custodian, r.deleted, r.body = '{}' AND r.deleted AS expunged FROM hallpass.resource r
    WHERE r.compartment = :compartment AND r.current AND (r.id = :id OR CAST(:whole AS boolean) AND r.custodian IN (
        SELECT t.id FROM hallpass.tree t WHERE t.ancestor = :custodian))
    ORDER BY r.type = 'Patient', r.type <> 'Consent', r.type, r.id
""")
"""Releases first, the student last: nothing rests any more on what goes."""
_REFERRERS = text("""
    SELECT DISTINCT r.type || '/' || r.id FROM hallpass.term_reference t
    JOIN hallpass.resource r ON r.compartment = t.compartment AND r.id = t.id AND r.current AND NOT r.deleted
    WHERE t.target = ANY (:ids) AND NOT t.id = ANY (:ids)
      AND r.custodian IN (SELECT k.id FROM hallpass.tree k WHERE k.ancestor = :custodian) ORDER BY 1 LIMIT 100
""").bindparams(_IDS)
_BODIES = text("""
    SELECT r.body FROM hallpass.resource r
    WHERE r.compartment = :compartment AND r.id = ANY (:ids) AND NOT r.deleted
      AND r.type IN ('Patient', 'RelatedPerson')
""").bindparams(_IDS)
_EXPUNGE = text("SELECT hallpass.expunge(:compartment, :ids, :authority, :by)").bindparams(_IDS)
_EXPORTS = text("""
    WITH e AS (SELECT DISTINCT i.export FROM hallpass.export_item i WHERE i.id = ANY (:ids)),
         b AS (DELETE FROM hallpass.export_block b USING e WHERE b.export = e.export)
    SELECT export FROM e
""").bindparams(_IDS)
_TEXTS = text("""
    SELECT e.id, e.detail FROM hallpass.event e WHERE e.kind = 'query' AND e.minute >= :since AND EXISTS (
        SELECT 1 FROM unnest(CAST(:spelled AS text[])) s WHERE strpos(lower(e.detail), lower(s)) > 0)
""").bindparams(bindparam("spelled", type_=ARRAY(Text())), bindparam("since", type_=DateTime(timezone=True)))
_FORGET_TEXTS = text("""
    UPDATE hallpass.event SET detail = split_part(detail, ' ', 1) || ' expunged ' || id WHERE id = ANY (:ids)
""").bindparams(_IDS)
_WITNESS = text("""
    INSERT INTO hallpass.ending (kind, was)
    SELECT 'expunged', CAST(:was AS jsonb) WHERE EXISTS (SELECT 1 FROM hallpass.witness_check)
""").bindparams(bindparam("was", type_=JSONB()))
_OUTSIDE = text("SELECT id, body FROM hallpass.outside_disclosure WHERE compartment = :compartment")
_PUT_OUTSIDE = text("UPDATE hallpass.outside_disclosure SET body = :body WHERE id = :id").bindparams(
    bindparam("body", type_=JSONB())
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be expunged: a record, or with a student all that their custodian and its parts hold about them."""

    compartment: UUID
    custodian: UUID
    records: tuple[tuple[str, UUID, UUID], ...]
    """Type, id and custodian of each that still has content."""
    referrers: tuple[str, ...]
    """Other records of the custodian that name one of them, and may hold a name beside the reference."""

    @property
    def ids(self) -> list[UUID]:
        """The ids of the records."""
        return [own_id for _, own_id, _ in self.records]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Names that the security log says no more, but in what was being asked at that moment or was asked since."""

    names: frozenset[str]
    at: datetime


async def survey(connection: AsyncConnection, type_name: str, own_id: UUID) -> Chosen:
    """What would be expunged. Raises NOT_FOUND, and UNPROCESSABLE for what is in no student's compartment."""
    declared, row = TYPES.get(type_name), None
    if declared is not None:
        row = await read.current(connection, type_name, own_id)
    if declared is None or row is None:
        raise HallpassError(Kind.NOT_FOUND, f"There is no {type_name} with this id.")
    if declared.visibility is not Visibility.COMPARTMENT:
        raise HallpassError(Kind.UNPROCESSABLE, f"A {type_name} is no student's record. Delete it.")
    asked = {"compartment": row.compartment, "custodian": row.custodian, "id": own_id}
    found = await connection.execute(_CHOSEN, {**asked, "whole": type_name == "Patient"})
    records = tuple((r.type, r.id, r.custodian) for r in found if not r.expunged)
    others = await connection.scalars(_REFERRERS, {"ids": [r[1] for r in records], "custodian": row.custodian})
    return Chosen(row.compartment, row.custodian, records, tuple(others))


async def expunge(
    operator: Operator, type_name: str, own_id: UUID, authority: str, by: str, objects: Objects | None = None
) -> Chosen:
    """Destroy the content for good; answer what was destroyed. Where it is broken off, the same again does the rest.

    The security log is read first, while nobody waits. Then releases end, each at once: what was being given under them
    is waited for. `objects`: the export store.
    Raises as `survey`, and StoreFails where the export store cannot be cleared.
    """
    async with owner_transaction(operator.owner) as connection:
        found = await survey(connection, type_name, own_id)
        consents = await read.currents(connection, [i for name, i, _ in found.records if name == "Consent"])
        forgotten = Forgotten(await _names(connection, found), await read.moment(connection) - _UNDER_WAY)
        await _forget_texts(connection, forgotten.names, BEGINNING)
    for consent in consents.values():
        if not consent.deleted and parse(consent.body).get("status") == "active":
            await operator.end("Consent", consent.id, "ended: it is expunged")
    async with owner_transaction(operator.owner) as connection:
        found = await _destroy(operator, connection, found, type_name, own_id, (authority, by), forgotten)
        exports = list(await connection.scalars(_EXPORTS, {"ids": [own_id, *found.ids]}))
    for export in exports if objects else ():
        assert objects is not None
        await objects.remove(str(export))
    return found


async def _destroy(
    operator: Operator,
    connection: AsyncConnection,
    seen: Chosen,
    type_name: str,
    own_id: UUID,
    why: tuple[str, str],
    forgotten: Forgotten,
) -> Chosen:
    """All of it in one transaction, under the locks of all of it, and of what came since."""
    session = await operator.session(connection, seen.custodian)
    at = await _locked(connection, seen)
    found = await survey(connection, type_name, own_id)
    if set(found.records) - set(seen.records):
        at = await _locked(connection, found)
    if not found.records:
        return found
    await _forget_texts(connection, forgotten.names, forgotten.at)
    await _forget_texts(connection, await _names(connection, found) - forgotten.names, BEGINNING)
    for row in await _current(connection, found):
        if not row.deleted:
            await writes.store_deletion(session, TYPES[row.type], row, at)
    asked = {"compartment": found.compartment, "ids": found.ids, "authority": why[0], "by": why[1]}
    await connection.execute(_EXPUNGE, asked)
    if found.compartment in found.ids:
        for outside in (await connection.execute(_OUTSIDE, {"compartment": found.compartment})).all():
            await connection.execute(_PUT_OUTSIDE, {"id": outside.id, "body": _without_names(outside.body)})
    was = {"type": type_name, "id": str(own_id), "authority": why[0], "by": why[1]}
    await connection.execute(_WITNESS, {"was": was})  # a backup from before has the content still
    told = f"{type_name}/{own_id} expunged, {len(found.records)} records: {why[0]} ({why[1]})"
    await security_log.record_command(connection, found.custodian, told)
    return found


async def _locked(connection: AsyncConnection, chosen: Chosen) -> datetime:
    """Keep out who writes or discloses what these custodians hold about the student; the time after the wait."""
    held = {chosen.custodian, *(custodian for _, _, custodian in chosen.records)}
    whole = [Write(chosen.compartment, custodian, chosen.compartment, "index") for custodian in held]
    return await lock_writes(
        connection, [*whole, Write(chosen.compartment, chosen.custodian, chosen.compartment, "policy")]
    )


async def _current(connection: AsyncConnection, chosen: Chosen) -> list[Stored]:
    rows = await read.currents(connection, chosen.ids)
    return [rows[own_id] for own_id in chosen.ids]


def _telling(content: dict[str, Any]) -> Iterator[str]:
    """What tells who a person is: family names, identifiers, telephone numbers and addresses of mail."""
    for path in ("name.family", "name.text", "identifier.value", "telecom.value"):
        yield from (value for value in values(content, path) if isinstance(value, str) and len(value) >= SHORTEST)


async def _names(connection: AsyncConnection, chosen: Chosen) -> frozenset[str]:
    """What tells who the persons among these records are, by any version of them."""
    bodies = await connection.scalars(_BODIES, {"compartment": chosen.compartment, "ids": chosen.ids})
    return frozenset(each for body in bodies for each in _telling(parse(body)))


async def _forget_texts(connection: AsyncConnection, names: frozenset[str], since: datetime) -> None:
    """Take the texts since then that ask for one of these names out of the security log, whoever asked."""
    if not names:
        return
    spelled = {s for name in names for s in (name, quote(name), quote_plus(name))}
    named = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(names))) + r")(?!\w)", re.IGNORECASE)
    rows = (await connection.execute(_TEXTS, {"spelled": sorted(spelled), "since": since})).all()
    ids = [row.id for row in rows if named.search(unquote_plus(row.detail)) or named.search(row.detail)]
    await connection.execute(_FORGET_TEXTS, {"ids": ids})


def _without_names(event: dict[str, Any]) -> dict[str, Any]:
    """A disclosure outside the exchange with who received it, and no word of what it was about but the ids."""
    entities = [
        {k: v for k, v in entity.items() if k not in ("name", "description", "query", "detail")}
        | ({"what": {k: v for k, v in entity["what"].items() if k == "reference"}} if "what" in entity else {})
        for entity in event.get("entity", [])
    ]
    kept = {k: v for k, v in event.items() if k not in ("text", "entity")}
    return {**kept, "entity": entities} if entities else kept
