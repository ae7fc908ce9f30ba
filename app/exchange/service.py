"""The access service: clinical data leaves through it alone, and nothing else may read or write the store.

`perform` runs an interaction in one transaction, enters what it discloses on the ledger in the same transaction,
commits, and only then mints what is released. What cannot be entered does not leave.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.consent.codes import widen
from app.db.caller import set_caller
from app.db.engine import RETRY, Database, sqlstate, unavailable
from app.db.rows import Stored
from app.errors import HallpassError, Kind
from app.exchange import reads
from app.exchange.accompanying import with_consents
from app.exchange.dry_run import DryRun
from app.exchange.read_batcher import ReadBatcher, ReadRequest
from app.exchange.release import PendingResult, PendingRow, Released, Result, release
from app.fhir.etags import Known
from app.ledger import disclose, security_log
from app.ledger.queries import Query, enter
from app.ledger.refusals import RefusalLog
from app.limits.limits import WAIT_SECONDS
from app.limits.shares import Shares
from app.limits.stored import StoredBytes
from app.resources import ResourceType
from app.resources.refs import as_uuid
from app.scopes import allows
from app.search.subset import Subset
from app.session import Session, require
from app.settings import Settings

UnitOfWork = Callable[[Session], Awaitable[list[PendingResult]]]
TRIES = 6
COSTLY_AT_ONCE = 1
"""Costly searches of one client at once in one process: what they take in the database nothing else divides."""

__all__ = ["AccessService", "PendingResult", "Released", "Result", "Session", "UnitOfWork"]


class _TryAgain(Exception):
    """What was found was no longer visible when the ledger judged it: find again."""


class AccessService:
    """Lets out what a caller may see, and lets in what it may write."""

    def __init__(
        self, db: Database, settings: Settings, connections: Shares, stored: StoredBytes | None = None
    ) -> None:
        self._db = db
        self._costly = Shares(COSTLY_AT_ONCE, settings.client_requests, WAIT_SECONDS)
        self._stored = stored or StoredBytes(settings.client_daily_bytes)
        self._settings = settings
        self._connections = connections
        self._read_batcher = ReadBatcher(db, settings)
        self._refusal_log = RefusalLog(db)

    async def perform(
        self, caller: Caller, interaction: str, unit_of_work: UnitOfWork, request: UUID | None = None
    ) -> list[Result]:
        """Run `work` in one transaction and release what it finds.

        Raises whatever the work raises, LOGIN when the token or client no longer stands, and UNAVAILABLE when the
        database or the ledger cannot be written: then nothing leaves.
        """
        request = request or uuid4()
        for attempt in range(TRIES):
            queries: list[Query] = []
            try:
                return await self._once(caller, interaction, unit_of_work, request, queries)
            except _TryAgain:
                pass
            except DryRun as e:
                await self._tell(caller, interaction, e.told, request, queries)
                raise
            except HallpassError as e:
                await self._tell(caller, interaction, e.told, request, queries)
                await self._refused(caller, e)
                raise
            except DBAPIError as e:
                if sqlstate(e) not in RETRY:
                    await self._tell(caller, interaction, (), request, queries)
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads out rivals
        raise unavailable()

    async def require(self, caller: Caller, type_name: str, letters: str) -> None:
        """Raise FORBIDDEN unless a scope allows one of the interactions on the type; so it is before a body is read."""
        if not any(allows(caller.scopes, type_name, letter) for letter in letters):
            try:
                require(caller, type_name, letters[0])
            except HallpassError as e:
                await self._refused(caller, e)
                raise

    async def read(
        self,
        caller: Caller,
        declared: ResourceType,
        resource_id: str,
        version: str | None,
        *,
        known: Known | None = None,
        part: Subset | None = None,
        request: UUID | None = None,
    ) -> Result:
        """A read of the current version, or a vread, through the read batcher. Raises as `perform` and `reads` do."""
        interaction = "read" if version is None else "vread"
        try:
            require(caller, declared.name, "r")
        except HallpassError as e:
            await self._refused(caller, e)
            raise
        found, number = as_uuid(resource_id), None if version is None else reads.version_number(version)
        request = request or uuid4()
        if found is not None and number != 0 and not self._settings.log_own_reads:
            result = await self._read_batcher.read(
                ReadRequest(caller, declared.name, found, number, interaction, request)
            )
            if result.out:
                await self._refused(caller, _login())
                raise _login()
            if not result.alone:
                own = frozenset({result.row.custodian}) if result.row and result.own else frozenset()
                return release(reads.shown(result.row, known, part), own, result.grounds, self._settings.fhir_base)

        async def alone(session: Session) -> list[PendingResult]:
            if version is None:
                return [await reads.read(session, declared, resource_id, known=known, part=part)]
            return [await reads.vread(session, declared, resource_id, version, known=known, part=part)]

        return (await self.perform(caller, interaction, alone, request))[0]

    async def _refused(self, caller: Caller, error: HallpassError) -> None:
        if error.kind is Kind.FORBIDDEN:
            await self._refusal_log.refusal("scope", caller.client, error.issues[0].text)
        if error.kind is Kind.LOGIN:
            await self._refusal_log.refusal("token", caller.client, "revoked, or of a client that does not stand")

    async def _once(
        self, caller: Caller, interaction: str, unit_of_work: UnitOfWork, request: UUID, queries: list[Query]
    ) -> list[Result]:
        """One try; `queries` is filled with what is asked of others' records."""
        async with self._connections.hold(caller.client), self._db.begin() as connection:
            session = await self._enter(connection, caller, interaction, request, queries)
            found = await unit_of_work(session)
            rows = [c.row for f in found for c in f.pending]
            entered = await self._entered(connection, caller, interaction, rows, request)
            if entered is None:
                raise _TryAgain
            found, consents = await with_consents(session, found, entered.grounds)
            if consents and await self._entered(connection, caller, interaction, consents, request) is None:
                raise _TryAgain
            if self._settings.log_own_reads:
                await _log_own(connection, caller, interaction, found, entered.own)
        return [release(f, *entered, self._settings.fhir_base) for f in found]

    async def _tell(
        self,
        caller: Caller,
        interaction: str,
        versions: tuple[Stored, ...],
        request: UUID,
        queries: list[Query],
    ) -> None:
        """Enter on the ledger what an error tells of others' records, before it is answered.

        Its own transaction was rolled back: the queries in it, by which it may have come to the error, are entered
        again. Raises NOT_FOUND where that is no longer visible, and UNAVAILABLE where it cannot be entered.
        """
        if not versions and not queries:
            return

        async def told(session: Session) -> list[PendingResult]:
            for query in queries:
                await enter(session.connection, query, caller, request=request, interaction=interaction)
            rows = [await reads.again(session, row) for row in versions]
            return [PendingResult(tuple(PendingRow(row) for row in rows))]

        for attempt in range(TRIES):
            try:
                await self._once(caller, interaction, told, request, [])
                return
            except _TryAgain:
                pass
            except DBAPIError as e:
                if sqlstate(e) not in RETRY:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads out rivals
        raise unavailable()

    async def _entered(
        self, connection: AsyncConnection, caller: Caller, interaction: str, rows: list[Stored], request: UUID
    ) -> disclose.Entered | None:
        """Which custodians are the caller's own, and under which Consents the rest leaves, once it is on the ledger.

        None where something is visible no more. Raises UNAVAILABLE when the ledger cannot be written.
        """
        try:
            return await disclose.disclose(connection, rows, caller, request=request, interaction=interaction)
        except DBAPIError as e:
            if sqlstate(e) in RETRY:
                raise
            raise unavailable() from e

    async def _enter(
        self, connection: AsyncConnection, caller: Caller, interaction: str, request: UUID, queries: list[Query]
    ) -> Session:
        standing = await set_caller(
            connection,
            client=caller.client,
            token=caller.token,
            organization=caller.organization,
            purposes=sorted(widen(caller.purposes)),
            emergency=caller.in_emergency,
            agreement_required=self._settings.require_agreement,
        )
        if standing is None:
            raise _login()
        return Session(
            connection,
            caller,
            self._settings,
            standing.ancestors,
            ZoneInfo(standing.zone),
            request=request,
            interaction=interaction,
            stored=self._stored,
            costly=self._costly,
            queries=queries,
        )


async def _log_own(
    connection: AsyncConnection,
    caller: Caller,
    interaction: str,
    found: list[PendingResult],
    own: frozenset[UUID],
) -> None:
    """Enter which students' records a client is given that its own organization holds: access, and no disclosure."""
    rows = [c.row for f in found for c in f.pending if c.row.student is not None and c.row.custodian in own]
    for student, kind in sorted({(r.student, r.type) for r in rows}, key=str):
        await security_log.record(
            connection, "access", caller.client, "0", f"{interaction} {kind} of Patient/{student}"
        )


def _login() -> HallpassError:
    return HallpassError(
        Kind.LOGIN,
        "The access token is not valid or has expired. Request a new one.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
