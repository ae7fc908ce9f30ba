"""$everything: what the caller sees of one student, or around one Encounter, with the directory entries it names.

https://hl7.org/fhir/R4/operation-patient-everything.html and operation-encounter-everything.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from app.db import read as store
from app.db.include import listed
from app.db.rows import Stored
from app.errors import HallpassError, Kind, not_found
from app.exchange import reads
from app.exchange.merging import same_student
from app.exchange.release import PendingResult, PendingRow
from app.resources import TYPES
from app.search.cursor import Cursor
from app.search.query import Search, Within
from app.session import Session

Opened = Callable[[Search], Cursor | None]


async def of_patient(session: Session, patient: str, wanted: Search, opened: Opened) -> PendingResult:
    """A page of a student's record. Raises NOT_FOUND where the caller sees nothing of it."""
    student = await reads.compartment(session, patient)
    return await _page(session, wanted, Within(student, await same_student(session, student)), opened)


async def of_encounter(session: Session, encounter: str, wanted: Search, opened: Opened) -> PendingResult:
    """A page of what refers to an Encounter or is referred to by it, itself included. Raises NOT_FOUND."""
    session.require("Encounter", "r")
    row = await reads.current(session, TYPES["Encounter"], encounter)
    if row is None or row.deleted:
        raise not_found()
    return await _page(session, wanted, Within(row.compartment, about=row.id), opened)


async def _page(session: Session, wanted: Search, inside: Within, opened: Opened) -> PendingResult:
    during = wanted.within.during if wanted.within else None
    within = replace(wanted, within=replace(inside, during=during))
    found = await reads.search(session, within, opened(within))
    rows = [c.row for c in found.pending]
    brought = (PendingRow(r, "include") for r in await _directory(session, rows))
    return replace(found, pending=(*found.pending, *brought))


async def _directory(session: Session, rows: list[Stored]) -> list[Stored]:
    """The directory's resources that rows refer to, and those that these refer to, as far as scopes let them come."""
    brought: dict[UUID, Stored] = {}
    most = session.settings.max_result_bytes
    while rows:
        more = await store.rows(session.connection, *listed(rows, list(brought), reads.MOST_INCLUDED, most))
        reads.require_whole(more)
        rows = [r for r in more if reads.allows_type(session, r.type)]
        if len(brought) + len(more) > reads.MOST_INCLUDED:
            text = f"The page would include more than {reads.MOST_INCLUDED} resources."
            raise HallpassError(Kind.TOO_COSTLY, text)
        brought |= {r.id: r for r in rows}
    return list(brought.values())
