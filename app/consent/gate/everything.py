"""$everything: what the caller sees of one student, or around one Encounter, with the directory entries it names.

https://hl7.org/fhir/R4/operation-patient-everything.html and operation-encounter-everything.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from app.consent.gate import reads
from app.consent.gate.door import Door
from app.consent.gate.released import Candidate, Found
from app.errors import HallpassError, Kind, not_found
from app.resources import TYPES
from app.search.cursor import Cursor
from app.search.query import Search, Within
from app.store import read as store
from app.store.included import listed
from app.store.rows import Stored

Opened = Callable[[Search], Cursor | None]


async def of_patient(door: Door, patient: str, wanted: Search, opened: Opened) -> Found:
    """A page of a student's record. Raises NOT_FOUND where the caller sees nothing of it."""
    student = await reads.compartment(door, patient)
    return await _page(door, wanted, student, None, opened)


async def of_encounter(door: Door, encounter: str, wanted: Search, opened: Opened) -> Found:
    """A page of what refers to an Encounter or is referred to by it, itself included. Raises NOT_FOUND."""
    door.require("Encounter", "r")
    row = await reads.current(door, TYPES["Encounter"], encounter)
    if row is None or row.deleted:
        raise not_found()
    return await _page(door, wanted, row.shard, row.id, opened)


async def _page(door: Door, wanted: Search, student: UUID, about: UUID | None, opened: Opened) -> Found:
    during = wanted.within.during if wanted.within else None
    within = replace(wanted, within=Within(student, about, during))
    found = await reads.search(door, within, opened(within))
    rows = [c.row for c in found.candidates]
    brought = (Candidate(r, "include") for r in await _directory(door, rows))
    return replace(found, candidates=(*found.candidates, *brought))


async def _directory(door: Door, rows: list[Stored]) -> list[Stored]:
    """The directory's resources that rows refer to, and those that these refer to, as far as scopes let them come."""
    brought: dict[UUID, Stored] = {}
    while rows:
        more = await store.rows(door.connection, *listed(rows, list(brought), reads.MOST_INCLUDED))
        rows = [r for r in more if reads.allows_type(door, r.type)]
        if len(brought) + len(more) > reads.MOST_INCLUDED:
            text = f"The page would include more than {reads.MOST_INCLUDED} resources."
            raise HallpassError(Kind.TOO_COSTLY, text)
        brought |= {r.id: r for r in rows}
    return list(brought.values())
