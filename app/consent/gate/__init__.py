"""The gate: the one door through which clinical data leaves, and the only code that may read or write the store.

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

from app.audit import ledger
from app.audit.watch import Watch
from app.auth.caller import Caller
from app.consent.codes import widen
from app.consent.gate import reads
from app.consent.gate.door import Door, require
from app.consent.gate.released import Answer, Found, Released, mint
from app.consent.gate.turnstile import Ask, Turnstile
from app.errors import HallpassError, Kind
from app.fhir.etags import Known
from app.fhir.subset import Subset
from app.limits.shares import Shares
from app.resources import ResourceType
from app.resources.refs import as_uuid
from app.settings import Settings
from app.store.engine import RETRY, Database, sqlstate, unavailable
from app.store.enter import enter
from app.store.rows import Stored

Work = Callable[[Door], Awaitable[list[Found]]]
TRIES = 6

__all__ = ["Answer", "Door", "Found", "Gate", "Released", "Work"]


class _TryAgain(Exception):
    """What was found was no longer visible when the ledger judged it: find again."""


class Gate:
    """Lets out what a caller may see, and lets in what it may write."""

    def __init__(self, db: Database, settings: Settings, connections: Shares) -> None:
        self._db = db
        self._settings = settings
        self._connections = connections
        self._turnstile = Turnstile(db, settings)
        self._watch = Watch(db)

    async def perform(self, caller: Caller, interaction: str, work: Work, request: UUID | None = None) -> list[Answer]:
        """Run `work` in one transaction and release what it finds.

        Raises whatever the work raises, LOGIN when the token or client no longer stands, and UNAVAILABLE when the
        database or the ledger cannot be written: then nothing leaves.
        """
        request = request or uuid4()
        for attempt in range(TRIES):
            try:
                return await self._once(caller, interaction, work, request)
            except _TryAgain:
                pass
            except HallpassError as e:
                await self._refused(caller, e)
                raise
            except DBAPIError as e:
                if sqlstate(e) not in RETRY:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads out rivals
        raise unavailable()

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
    ) -> Answer:
        """A read of the current version, or a vread, through the turnstile. Raises as `perform` and `reads` do."""
        interaction = "read" if version is None else "vread"
        try:
            require(caller, declared.name, "r")
        except HallpassError as e:
            await self._refused(caller, e)
            raise
        found, number = as_uuid(resource_id), None if version is None else reads.version_number(version)
        request = request or uuid4()
        if found is not None and number != 0:
            passed = await self._turnstile.read(Ask(caller, declared.name, found, number, interaction, request))
            if passed.out:
                await self._refused(caller, _login())
                raise _login()
            if not passed.alone:
                own = frozenset({passed.row.custodian}) if passed.row and passed.own else frozenset()
                return mint(reads.shown(passed.row, known, part), own)

        async def alone(door: Door) -> list[Found]:
            if version is None:
                return [await reads.read(door, declared, resource_id, known=known, part=part)]
            return [await reads.vread(door, declared, resource_id, version, known=known, part=part)]

        return (await self.perform(caller, interaction, alone, request))[0]

    async def _refused(self, caller: Caller, error: HallpassError) -> None:
        if error.kind is Kind.FORBIDDEN:
            await self._watch.refusal("scope", caller.client, error.issues[0].text)
        if error.kind is Kind.LOGIN:
            await self._watch.refusal("token", caller.client, "revoked, or of a client that does not stand")

    async def _once(self, caller: Caller, interaction: str, work: Work, request: UUID) -> list[Answer]:
        async with self._connections.hold(caller.client), self._db.begin() as connection:
            door = await self._enter(connection, caller)
            found = await work(door)
            rows = [c.row for f in found for c in f.candidates]
            own = await self._entered(connection, caller, interaction, rows, request)
            if own is None:
                raise _TryAgain
        return [mint(f, own) for f in found]

    async def _entered(
        self, connection: AsyncConnection, caller: Caller, interaction: str, rows: list[Stored], request: UUID
    ) -> frozenset[UUID] | None:
        """The custodians of these rows that are the caller's own, once all that discloses is on the ledger.

        None where something is visible no more. Raises UNAVAILABLE when the ledger cannot be written.
        """
        try:
            return await ledger.disclose(connection, rows, caller, request=request, interaction=interaction)
        except DBAPIError as e:
            if sqlstate(e) in RETRY:
                raise
            raise unavailable() from e

    async def _enter(self, connection: AsyncConnection, caller: Caller) -> Door:
        standing = await enter(
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
        return Door(connection, caller, self._settings, standing.above, ZoneInfo(standing.zone))


def _login() -> HallpassError:
    return HallpassError(
        Kind.LOGIN, "The token does not hold.", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )
