"""`hallpass verify`: recomputes from the resources what was computed from them, and reports every difference.

The access index, the search index, the small tables that releases are judged against, the compiled releases, and
the ledger: that each entry points at a version that exists and is the one that was entered. The links of its sheets
are computed anew, so that a change, a gap or a missing end is found. It runs as the owner of the tables and releases
nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.audit import sheets
from app.auth.caller import Caller
from app.consent.compile import Reading
from app.consent.facts import facts
from app.consent.gate.door import Door
from app.consent.gate.follow import STEPS
from app.fhir.json import parse
from app.resources import TYPES
from app.search.terms import terms
from app.settings import Settings
from app.store import read, write
from app.store import rules as stored_rules
from app.store.engine import Database
from app.store.enter import Write, enter_as_operator, lock_writes
from app.store.rows import Stored
from app.store.tables import resource
from app.store.terms_tables import TERM_TABLES, term_rows

_SHARDS = text(
    "SELECT shard FROM hallpass.resource WHERE current UNION SELECT shard FROM hallpass.access"
    " UNION SELECT shard FROM hallpass.release UNION SELECT shard FROM hallpass.disclosure WHERE student IS NOT NULL"
)
_CUSTODIANS = text(
    "SELECT custodian FROM hallpass.resource WHERE shard = :shard UNION"
    " SELECT custodian FROM hallpass.access WHERE shard = :shard UNION"
    " SELECT custodian FROM hallpass.release WHERE shard = :shard UNION"
    " SELECT custodian FROM hallpass.validity WHERE shard = :shard"
)
_BACKLOG = text("DELETE FROM hallpass.index_backlog WHERE shard = :shard AND custodian = :custodian RETURNING 1")
_EXACT = text("UPDATE hallpass.validity SET exact = true WHERE shard = :shard AND custodian = :custodian AND NOT exact")
_ACCESS = text("""
    WITH have AS (SELECT * FROM hallpass.access WHERE shard = :shard),
         want AS (SELECT * FROM hallpass.candidates(:shard, NULL, NULL))
    SELECT count(*) FROM ((TABLE have EXCEPT TABLE want) UNION ALL (TABLE want EXCEPT TABLE have)) d
""")
_VALIDITY = text("""
    WITH have AS (SELECT org, consent, shard, version, custodian, since, until, majority, purposes, root_since, root_until
                  FROM hallpass.validity WHERE shard = :shard),
         want AS (SELECT * FROM hallpass.expected_validity(:shard))
    SELECT count(*) FROM ((TABLE have EXCEPT TABLE want) UNION ALL (TABLE want EXCEPT TABLE have)) d
""")
_COUNTS = text("""
    SELECT custodian, type FROM (
        SELECT custodian, type, sum(records) AS records FROM hallpass.custody_count GROUP BY 1, 2) have
    FULL JOIN (
        SELECT custodian, type, count(*) AS records FROM hallpass.resource
        WHERE current AND NOT deleted AND NOT directory GROUP BY 1, 2) want USING (custodian, type)
    WHERE coalesce(have.records, 0) <> coalesce(want.records, 0)
""")
_RECOUNT = (
    text("LOCK TABLE hallpass.custody_count IN SHARE ROW EXCLUSIVE MODE"),
    text("DELETE FROM hallpass.custody_count"),
    text(
        "INSERT INTO hallpass.custody_count SELECT custodian, type, count(*) FROM hallpass.resource"
        " WHERE current AND NOT deleted AND NOT directory GROUP BY 1, 2"
    ),
)
_ORPHANS = text("""
    SELECT e.consent FROM hallpass.release e WHERE e.shard = :shard AND NOT EXISTS (
        SELECT 1 FROM hallpass.resource r WHERE r.shard = e.shard AND r.id = e.consent AND r.version = e.version
            AND r.current AND NOT r.deleted)
""")
_LEDGER = text("""
    SELECT d.id, d.version FROM hallpass.disclosure d
    WHERE d.shard = :shard AND (
        NOT EXISTS (SELECT 1 FROM hallpass.resource r
                    WHERE r.shard = d.shard AND r.id = d.id AND r.version = d.version)
        OR (d.consent IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM hallpass.resource c
            WHERE c.shard = d.shard AND c.id = d.consent AND c.version = d.consent_version)))
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what it would be if it were computed now. It holds no value of a record."""

    what: str
    where: str


class Verifier:
    """Walks all shards, each in a transaction of its own under the shard's lock, and then the ledger day by day."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._owner = db.owner
        self._settings = settings

    async def run(
        self, *, repair: bool = False, progress: Callable[[int, int], None] | None = None
    ) -> AsyncIterator[Difference]:
        """Yield each difference; with `repair`, what can be computed anew is. The ledger is never touched."""
        engine = create_async_engine(self._owner, hide_parameters=True)
        try:
            async with engine.connect() as connection:
                shards = sorted(await connection.scalars(_SHARDS))
                days = await sheets.days(connection)
            steps: list[Callable[[AsyncConnection], Awaitable[list[Difference]]]] = [
                *(partial(self._shard, shard=shard, repair=repair) for shard in shards),
                *(partial(_sheets, day=day) for day in days),
                _ends,
                partial(_counts, repair=repair),
            ]
            for n, step in enumerate(steps):
                async with engine.begin() as connection:
                    found = await step(connection)
                for difference in found:
                    yield difference
                if progress:
                    progress(n + 1, len(steps))
        finally:
            await engine.dispose()

    async def _shard(self, connection: AsyncConnection, *, shard: UUID, repair: bool) -> list[Difference]:
        custodians = sorted(await connection.scalars(_CUSTODIANS, {"shard": shard}))
        await lock_writes(connection, [Write(shard, custodian, shard, "index") for custodian in custodians])
        for custodian in custodians:
            await _catch_up(connection, shard, custodian)
        found: list[Difference] = []
        current = select(*read.COLUMNS).where(resource.c.shard == shard, resource.c.current).order_by(resource.c.id)
        for row in await read.rows(connection, current):
            found += await self._resource(connection, row, repair=repair)
        for consent in list(await connection.scalars(_ORPHANS, {"shard": shard})):
            found.append(Difference("a release without its Consent", f"Consent/{consent}"))
            if repair:
                await write.put_release(connection, shard, consent, None)
        if await connection.scalar(_ACCESS, {"shard": shard}):
            found.append(Difference("the access index", f"shard {shard}"))
            if repair:
                await write.index_student(connection, shard, None)
        if await connection.scalar(_VALIDITY, {"shard": shard}):
            found.append(Difference("when releases have effect", f"shard {shard}"))
            if repair:
                for custodian in custodians:
                    await write.refresh_validity(connection, shard, custodian)
        for entry in await connection.execute(_LEDGER, {"shard": shard}):
            found.append(Difference("a ledger entry that cites what is not there", f"{entry.id}/{entry.version}"))
        return found

    async def _resource(self, connection: AsyncConnection, row: Stored, *, repair: bool) -> list[Difference]:
        door = await self._door(connection, row.custodian)
        content = await _content(connection, row)
        at = f"{row.type}/{row.id}"
        found = []
        own = facts(TYPES[row.type], content, row.id, row.custodian, door.zone)
        if own != await stored_rules.facts_of(connection, row.shard, row.id):
            found.append(Difference("the facts of the current version", at))
        expected = None if row.deleted else terms(row.type, content, door.zone, door.settings.fhir_base)
        wanted = _rows(term_rows(expected, row.shard, row.id, row.custodian, row.type)) if expected else set()
        if await _stored_terms(connection, row) != wanted:
            found.append(Difference("the search index", at))
            if repair:
                await write.put_terms(connection, row, expected)
        step = STEPS.get(row.type)
        if step:
            should, does = await step.expect(door, row, content, door.zone), await step.load(door, row)
            if not _agree(should, does):
                found.append(Difference("what releases are judged by", at))
                if repair:
                    await step.save(door, row, content, _without_gaps(should))
        return found

    async def _door(self, connection: AsyncConnection, custodian: UUID) -> Door:
        zone = await read.zone(connection, custodian)
        standing = await enter_as_operator(connection, custodian, str(zone))
        caller = Caller("operator", custodian, frozenset(), frozenset(), "")
        return Door(
            connection, caller, self._settings, standing.above, ZoneInfo(standing.zone),
            operator=True,
        )  # fmt: skip


async def _catch_up(connection: AsyncConnection, shard: UUID, custodian: UUID) -> None:
    """Bring the index up to date where an ended release left something in it: that is put off, and no difference."""
    values = {"shard": shard, "custodian": custodian}
    if await connection.scalar(_BACKLOG, values):
        await write.index_student(connection, shard, custodian)
        await connection.execute(_EXACT, values)


async def _counts(connection: AsyncConnection, *, repair: bool) -> list[Difference]:
    """Who is said to hold more or fewer records of a type than there are."""
    if repair:
        await connection.execute(_RECOUNT[0])
    found = [Difference("a count of records", f"{r.type} of {r.custodian}") for r in await connection.execute(_COUNTS)]
    if repair and found:
        for statement in _RECOUNT[1:]:
            await connection.execute(statement)
    return found


async def _sheets(connection: AsyncConnection, *, day: datetime) -> list[Difference]:
    return [Difference(*found) for found in await sheets.differing(connection, day)]


async def _ends(connection: AsyncConnection) -> list[Difference]:
    return [Difference(*found) for found in await sheets.ends(connection)]


async def _content(connection: AsyncConnection, row: Stored) -> dict[str, Any]:
    """The content of a version; for a deletion that of the version before, by which it is judged."""
    if not row.deleted:
        return parse(row.body)
    before = await read.version(connection, row.type, row.id, row.version - 1)
    return parse(before.body) if before else {}


_HEAD = ("shard", "id", "n", "type")


async def _stored_terms(connection: AsyncConnection, row: Stored) -> set[Any]:
    found: set[Any] = set()
    for table in TERM_TABLES:
        columns = [column for column in table.c if column.name not in _HEAD]
        rows = await connection.execute(select(*columns).where(table.c.shard == row.shard, table.c.id == row.id))
        found |= {(table.name, *r) for r in rows}
    return found


def _rows(wanted: list[tuple[Table, list[dict[str, Any]]]]) -> set[Any]:
    return {
        (table.name, *(row[column.name] for column in table.c if column.name not in _HEAD))
        for table, rows in wanted
        for row in rows
    }


def _agree(should: Any, does: Any) -> bool:
    """Whether the tables hold what they should. A release whose signer has lost authority since may still stand in
    them, without effect: then all but the signature is compared."""
    if not isinstance(should, Reading):
        return bool(should == does)
    wanted = should.release
    if wanted is None and should.draft is not None and does is not None:
        wanted = replace(should.draft, signer=does.signer, age=does.age)
    if wanted is not None and does is not None:  # what others hold counts as it was at the writing
        wanted = replace(wanted, born=does.born, authority=does.authority)
    return bool(wanted == does)


def _without_gaps(should: Any) -> Any:
    return Reading(should.release, (), should.draft) if isinstance(should, Reading) else should
