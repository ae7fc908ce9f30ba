"""A bulk export from its kick-off to its end: started, chosen by a worker, fetched line by line, forgotten.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.caller import Caller
from app.db import exports
from app.db.engine import Database
from app.db.exports import Export as Export
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange.bulk import choosing
from app.exchange.bulk.asked import Asked
from app.exchange.bulk.callers import packed, unpacked
from app.exchange.bulk.kept import Block, Keeper, Kept
from app.exchange.release import PendingResult, PendingRow
from app.exchange.service import AccessService
from app.limits.shares import too_many
from app.objects import Objects
from app.queue.enqueue import enqueue
from app.resources import TYPES
from app.resources.refs import as_uuid
from app.session import Session

JOB = "export"
FILE_LINES = 20_000
"""Lines of one file."""
PAGE_LINES = 500
PAGE_BYTES = 64_000
"""Of a file, what is read, judged and entered on the ledger at a time: what the system takes at once, so that nothing
that was judged waits for a client that reads slowly."""
RETRY_SECONDS = 5
KEPT = 10
"""Exports of one client that take room at once: those under way, complete, and canceled but not yet swept."""
SWEPT = 10_000
"""Rows that are forgotten in one transaction."""
SWEEP_SECONDS = 300
"""How often what is over is swept (app/jobs/kinds/sweep_exports.py)."""


CITED = 1000
"""Consents that a manifest names, and that are listed at a time."""
Release = tuple[UUID, int]
"""A Consent and its version."""
Place = tuple[int, str]
"""Which `_typeFilter`, and where its next page begins."""


@dataclass(frozen=True, slots=True)
class File:
    """A part of a series: its lines behind `after`, up to `last`."""

    series: str
    number: int
    after: int
    last: int
    continues: bool = False
    """Whether the block of its last student goes on in the next one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An export as its client may know it, with its files once it is complete, and the first Consents that open it."""

    export: Export
    asked: Asked
    files: tuple[File, ...] = ()
    releases: tuple[Release, ...] = ()


async def start(session: Session, asked: Asked, request: str, most: int) -> UUID:
    """Keep what was asked, and have a worker choose. Raises TOO_MANY while one of the client's is under way.

    Raises what a search does for a `_typeFilter`, and NOT_FOUND for a Group that the caller does not see.
    """
    for name in asked.types:
        session.require(name, "s")
    for filter_ in asked.filters:
        choosing.understood(session, filter_)
    if asked.group is not None:
        await choosing.members_of(session, asked.group)
    if await exports.running(session.connection) >= most:
        raise too_many("As many exports as may are under way. Ask again later.", RETRY_SECONDS * 6)
    if await exports.kept(session.connection) >= KEPT:
        text = f"This client has {KEPT} exports that can be fetched. Cancel those that it has (DELETE), or wait."
        raise too_many(text, SWEEP_SECONDS)
    id = uuid4()
    client = session.caller.client
    if not await exports.create(session.connection, id, client, request, asked.as_json(), asked.feed):
        raise too_many("This client has an export under way. Wait for its end, or cancel it.", RETRY_SECONDS)
    await enqueue(session.connection, JOB, {"export": str(id), "caller": packed(session.caller)})
    return id


async def standing(session: Session, id: str) -> Standing:
    """How an export of the caller's stands. Raises NOT_FOUND for any other's."""
    found = await _load(session, id)
    asked = Asked.of_json(found.asked)
    if found.status != "complete":
        return Standing(found, asked)
    series = await exports.series(session.connection, found.id)
    files = [f for s, last in series.items() for f in await _files(session, found, s, last)]
    cited = await exports.releases(session.connection, found.id, UUID(int=0), CITED)
    return Standing(found, asked, tuple(files), tuple(cited))


async def releases(session: Session, id: UUID, after: UUID) -> list[Release]:
    """The next Consents that open a line of the export to the caller now, by their ids."""
    return await exports.releases(session.connection, id, after, CITED)


async def cancel(session: Session, id: str) -> None:
    """Forget an export of the caller's; who chooses for it stops. Raises NOT_FOUND for any other's."""
    await exports.cancel(session.connection, (await _load(session, id)).id)


async def file(session: Session, id: str, series: str, number: int) -> tuple[Asked, File]:
    """One file of the caller's own export. Raises NOT_FOUND for another, and FORBIDDEN where no scope covers it."""
    found = await _load(session, id)
    asked = Asked.of_json(found.asked)
    last = (await exports.series(session.connection, found.id)).get(series, 0)
    after = (number - 1) * FILE_LINES
    if found.status != "complete" or number < 1 or after >= last:
        raise not_found()
    for name in [series] if series in TYPES else asked.types:
        session.require(name, "s")
    return asked, File(series, number, after, min(last, after + FILE_LINES))


async def behind(session: Session, id: str, part: File, after: str) -> File:
    """What is left of a file behind a record's line. Raises INVALID where the record is not in the file."""
    known, own = as_uuid(after), as_uuid(id)
    place = await exports.place(session.connection, own, part.series, known) if known and own else None
    if place is None or not part.after < place <= part.last:
        raise HallpassError(Kind.INVALID, Issue("The parameter '_after' is the id of a record in this file."))
    return replace(part, after=place)


async def blocks(session: Session, id: str, part: File) -> list[Block]:
    """Which lines of a file the export store holds."""
    own = as_uuid(id)
    return [] if own is None else await exports.blocks(session.connection, own, part.series, part.after, part.last)


async def page(
    session: Session, id: UUID, part: File, after: int, most: int, kept: Kept | None = None
) -> tuple[PendingResult, int]:
    """The next lines of a file, so many at the most, that the caller sees now, and the line up to which they go.

    What is left out of them is kept for its custodian. `kept`: what the export store has of the next lines.
    """
    last = min(part.last, after + most, kept.last if kept else part.last)
    found, reached = await _rows(session, id, part.series, after, last, kept)
    if len(found) < reached - after:
        given = [row.id for row in found]
        await exports.withhold(session.connection, id, part.series, after, reached, given)
    return PendingResult(tuple(PendingRow(row) for row in found)), reached


async def _rows(
    session: Session, id: UUID, series: str, after: int, last: int, kept: Kept | None
) -> tuple[list[Stored], int]:
    """What the caller sees of some lines; from the records where the store does not have all of it."""
    if kept is not None:
        bare, reached = await exports.rows(session.connection, id, series, after, last, PAGE_BYTES, bare=True)
        if all((row.id, row.version) in kept.bodies for row in bare):
            return [row._replace(body=kept.bodies[row.id, row.version]) for row in bare], reached
    return await exports.rows(session.connection, id, series, after, last, PAGE_BYTES)


async def deleted(session: Session, id: UUID, part: File, after: int) -> list[tuple[str, UUID]]:
    """The next types and ids of what was deleted, or is no longer visible."""
    last = min(part.last, after + PAGE_LINES)
    found = await exports.names(session.connection, id, part.series, after, last, PAGE_LINES)
    return [(name.type, name.id) for name in found]


async def steps(service: AccessService, payload: dict[str, Any], objects: Objects | None = None) -> AsyncIterator[None]:
    """Choose what an export holds, from where it stands, step by step, and keep it in the export store, if there is
    one. Nothing where it was canceled.

    Raises what the database does; run again, it goes on. Raises LOGIN where the client stands no more.
    """
    caller, id = unpacked(payload["caller"]), UUID(payload["export"])
    choice = _Choice(service, caller, id, Keeper(objects, service, caller, id) if objects else None)
    while await choice.step():
        yield


async def fail(db: Database, payload: dict[str, Any]) -> None:
    """Say that an export cannot be had, also where its client stands no more: another may begin then."""
    async with db.begin() as connection:
        await exports.fail(connection, UUID(payload["export"]))


async def sweep(db: Database, before: datetime, stuck: datetime) -> bool:
    """Forget some rows of exports that ended before a moment or were canceled. Whether there are more.

    Those that began before `stuck` and are still being chosen have failed.
    """
    async with db.begin() as connection:
        return await exports.sweep(connection, before, stuck, SWEPT) > 0


class _Choice:
    """An export that is being chosen, as the client that asked for it."""

    def __init__(self, service: AccessService, caller: Caller, id: UUID, keeper: Keeper | None) -> None:
        self._service = service
        self._caller = caller
        self._id = id
        self._keeper = keeper
        self._chosen = False
        self._place: Place | None = (0, "")

    async def step(self) -> bool:
        """Do the next step. Whether there is another."""
        if self._chosen and self._keeper is not None:
            if not await self._keeper.step():
                self._keeper = None
            return True
        reached: Place | None = None

        async def within(session: Session) -> list[PendingResult]:
            nonlocal reached
            reached = await self._step(session)
            return []

        await self._service.perform(self._caller, "export", within)
        self._place = reached  # now that it is committed
        return reached is not None

    async def _step(self, session: Session) -> Place | None:
        """One step; answers where the next one goes on, and None at the end."""
        export = await exports.load(session.connection, self._id)
        if self._place is None or export is None or export.status not in ("accepted", "choosing"):
            return None
        filter_, at = self._place
        await exports.lock(session.connection, self._id)
        asked = Asked.of_json(export.asked)
        if export.status == "accepted":
            await choosing.begin(session, export, asked)
        elif export.done < export.students:
            await choosing.choose(session, export, asked)
        elif filter_ < len(asked.filters):
            next_ = await choosing.choose_filtered(session, export, asked, asked.filters[filter_], at)
            return (filter_, next_) if next_ else (filter_ + 1, "")
        elif self._keeper is not None:
            self._chosen = True
        else:
            await choosing.finish(session, export, asked)
            return None
        return self._place


async def _load(session: Session, id: str) -> Export:
    known = as_uuid(id)
    found = None if known is None else await exports.load(session.connection, known)
    if found is None:
        raise not_found()
    return found


async def _files(session: Session, export: Export, series: str, last: int) -> list[File]:
    found = []
    for number, after in enumerate(range(0, last, FILE_LINES), 1):
        end = min(last, after + FILE_LINES)
        edge = [] if series else await exports.names(session.connection, export.id, series, end - 1, end + 1, 2)
        continues = len({name.compartment for name in edge}) == 1 and len(edge) == 2
        found.append(File(series, number, after, end, continues))
    return found


def failed() -> HallpassError:
    """The answer to who asks for an export that could not be chosen."""
    return HallpassError(Kind.INTERNAL, "The export could not be completed. Cancel it, and ask again.")
