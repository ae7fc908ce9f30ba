"""`hallpass verify`: recomputes from the resources what was computed from them, and reports every difference.

The access index, the search index, the small tables that releases are judged against, the compiled releases, and
the ledger: that each entry points at a version that exists and is the one that was entered. The links of its batches
are computed again, so that a change, a gap or a missing end is found. It runs as the owner of the tables and releases
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
from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.consent.attributes import resource_attributes
from app.consent.parse import ParsedConsent
from app.db import policies as stored_rules
from app.db import read, write
from app.db.address import open_engine
from app.db.caller import set_operator
from app.db.engine import Database
from app.db.rows import Stored
from app.db.tables import resource
from app.db.terms_tables import TERM_TABLES, term_rows
from app.exchange import verify_index
from app.fhir.json import parse
from app.ledger import batches
from app.projections.projection import Change
from app.projections.steps import PROJECTIONS
from app.resources import TYPES
from app.search.terms import terms
from app.session import Session
from app.settings import Settings

_COMPARTMENTS = text(
    "SELECT compartment FROM hallpass.resource WHERE current UNION SELECT compartment FROM hallpass.access"
    " UNION SELECT compartment FROM hallpass.release"
    " UNION SELECT compartment FROM hallpass.disclosure WHERE student IS NOT NULL"
)
_ORPHANS = text("""
    SELECT e.consent FROM hallpass.release e WHERE e.compartment = :compartment AND NOT EXISTS (
        SELECT 1 FROM hallpass.resource r
        WHERE r.compartment = e.compartment AND r.id = e.consent AND r.version = e.version
            AND r.current AND NOT r.deleted)
""")
_LEDGER = text("""
    SELECT d.id, d.version FROM hallpass.disclosure d
    WHERE d.compartment = :compartment AND d.basis <> 'query' AND (
        NOT EXISTS (SELECT 1 FROM hallpass.resource r
                    WHERE r.compartment = d.compartment AND r.id = d.id AND r.version = d.version)
        OR (d.consent IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM hallpass.resource c
            WHERE c.compartment = d.compartment AND c.id = d.consent AND c.version = d.consent_version)))
""")
_EXPUNGED = text("""
    SELECT DISTINCT coalesce(r.type, x.type) AS type, coalesce(r.id, x.id) AS id
    FROM (SELECT * FROM hallpass.expunged WHERE compartment = :compartment) x
    FULL JOIN (SELECT * FROM hallpass.resource WHERE compartment = :compartment) r USING (compartment, id)
    WHERE (x.id IS NOT NULL) <> coalesce(r.deleted AND r.body = '{}', false)
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what it would be if it were computed now. It holds no value of a record."""

    what: str
    where: str


class Verifier:
    """Checks each compartment in a transaction of its own under its lock, and then the ledger day by day."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._owner = db.owner
        self._settings = settings

    async def run(
        self, *, repair: bool = False, progress: Callable[[int, int], None] | None = None
    ) -> AsyncIterator[Difference]:
        """Yield each difference; with `repair`, what can be computed again is. The ledger is never touched."""
        engine = open_engine(self._owner)
        try:
            async with engine.connect() as connection:
                compartments = sorted(await connection.scalars(_COMPARTMENTS))
                days = await batches.days(connection)
            steps: list[Callable[[AsyncConnection], Awaitable[list[Difference]]]] = [
                *(partial(self._compartment, compartment=compartment, repair=repair) for compartment in compartments),
                *(partial(_batches, day=day) for day in days),
                _ends,
                partial(_network, repair=repair),
            ]
            for n, projection in enumerate(steps):
                async with engine.begin() as connection:
                    found = await projection(connection)
                for difference in found:
                    yield difference
                if progress:
                    progress(n + 1, len(steps))
        finally:
            await engine.dispose()

    async def _compartment(self, connection: AsyncConnection, *, compartment: UUID, repair: bool) -> list[Difference]:
        custodians = await verify_index.locked_custodians(connection, compartment)
        found: list[Difference] = []
        current = (
            select(*read.COLUMNS)
            .where(resource.c.compartment == compartment, resource.c.current)
            .order_by(resource.c.id)
        )
        for row in await read.rows(connection, current):
            found += await self._resource(connection, row, repair=repair)
        for consent in list(await connection.scalars(_ORPHANS, {"compartment": compartment})):
            found.append(Difference("a release without its Consent", f"Consent/{consent}"))
            if repair:
                await write.put_release(connection, compartment, consent, None)
        for what in await verify_index.differing(connection, compartment, custodians, repair=repair):
            found.append(Difference(what, f"compartment {compartment}"))
        for entry in await connection.execute(_LEDGER, {"compartment": compartment}):
            found.append(Difference("a ledger entry that cites what is not there", f"{entry.id}/{entry.version}"))
        for other in await connection.execute(_EXPUNGED, {"compartment": compartment}):
            found.append(Difference("what was expunged and has content, or the reverse", f"{other.type}/{other.id}"))
        return found

    async def _resource(self, connection: AsyncConnection, row: Stored, *, repair: bool) -> list[Difference]:
        session = await self._session(connection, row.custodian)
        content = await _content(connection, row)
        at = f"{row.type}/{row.id}"
        found = []
        before = content if row.deleted else await _superseded(connection, row)
        own = resource_attributes(TYPES[row.type], content, row.id, row.custodian, session.zone, before)
        if not row.expunged and own != await stored_rules.attributes_of(connection, row.compartment, row.id):
            found.append(Difference("the facts of the current version", at))
        expected = None if row.deleted else terms(row.type, content, session.zone, session.settings.fhir_base)
        wanted = _rows(term_rows(expected, row.compartment, row.id, row.custodian, row.type)) if expected else set()
        if await _stored_terms(connection, row) != wanted:
            found.append(Difference("the search index", at))
            if repair:
                await write.put_terms(connection, row, expected)
        projection = PROJECTIONS.get(row.type)
        if projection:
            should, does = (
                await projection.compute(session, row, content, session.zone),
                await projection.current(session, row),
            )
            if not _agree(should, does):
                found.append(Difference("what releases are judged by", at))
                if repair:
                    await projection.store(session, [Change(row, _without_missing(should))])
        return found

    async def _session(self, connection: AsyncConnection, custodian: UUID) -> Session:
        zone = await read.zone(connection, custodian)
        standing = await set_operator(connection, custodian, str(zone))
        caller = Caller("operator", custodian, frozenset(), frozenset(), "")
        return Session(
            connection, caller, self._settings, standing.ancestors, ZoneInfo(standing.zone),
            operator=True,
        )  # fmt: skip


async def _network(connection: AsyncConnection, *, repair: bool) -> list[Difference]:
    return [Difference(*found) for found in await verify_index.network(connection, repair=repair)]


async def _batches(connection: AsyncConnection, *, day: datetime) -> list[Difference]:
    return [Difference(*found) for found in await batches.differing(connection, day)]


async def _ends(connection: AsyncConnection) -> list[Difference]:
    return [Difference(*found) for found in await batches.ends(connection)]


async def _superseded(connection: AsyncConnection, row: Stored) -> dict[str, Any]:
    """The content of the version before; nothing before the first."""
    before = await read.version(connection, row.type, row.id, row.version - 1)
    return parse(before.body) if before and before.body else {}


async def _content(connection: AsyncConnection, row: Stored) -> dict[str, Any]:
    """The content of a version; for a deletion that of the version before, by which it is judged."""
    if not row.deleted:
        return parse(row.body)
    before = await read.version(connection, row.type, row.id, row.version - 1)
    return parse(before.body) if before else {}


_HEAD = ("compartment", "id", "n", "type")


async def _stored_terms(connection: AsyncConnection, row: Stored) -> set[Any]:
    found: set[Any] = set()
    for table in TERM_TABLES:
        columns = [column for column in table.c if column.name not in _HEAD]
        rows = await connection.execute(
            select(*columns).where(table.c.compartment == row.compartment, table.c.id == row.id)
        )
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
    if not isinstance(should, ParsedConsent):
        return bool(should == does)
    wanted = should.release
    if wanted is None and should.draft is not None and does is not None:
        wanted = replace(should.draft, signer=does.signer, age=does.age, cosigned=does.cosigned)
    if wanted is not None and does is not None:  # what others hold counts as it was at the writing
        wanted = replace(wanted, born=does.born, authority=does.authority)
    return bool(wanted == does)


def _without_missing(should: Any) -> Any:
    return ParsedConsent(should.release, (), should.draft) if isinstance(should, ParsedConsent) else should
