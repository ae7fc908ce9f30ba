"""Conditional create, update, patch and delete: the match is made inside the caller's own custody.

https://hl7.org/fhir/R4/http.html#cond-update — two pushes of the same record at the same moment wait for each other,
so that the second finds what the first has made.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from app.consent.gate import patching, writes
from app.consent.gate.door import Door
from app.consent.gate.patching import Change
from app.consent.gate.prepared import Prepared
from app.consent.gate.reads import matches, require_joined
from app.consent.gate.released import Candidate, Found
from app.errors import HallpassError, Issue, Kind, not_found
from app.resources import ResourceType
from app.search.query import Search
from app.store.enter import lock_conditions
from app.store.rows import Stored


async def create(
    door: Door, declared: ResourceType, prepared: Prepared, search: Search, own_id: UUID | None = None
) -> Found:
    """Create unless one matches; then answer that one. Raises PRECONDITION where several match."""
    door.require(declared.name, "c")
    found = await match(door, declared, search)
    if found is not None:
        door.require(declared.name, "r")  # the answer is what was there
        return Found((Candidate(found),))
    return await writes.create(door, declared, prepared, own_id)


async def update(
    door: Door,
    declared: ResourceType,
    prepared: Prepared,
    search: Search,
    if_match: str | None,
    own_id: UUID | None = None,
) -> Found:
    """Update the one that matches, or create where none does. Raises PRECONDITION where several match."""
    door.require(declared.name, "u")
    found = await match(door, declared, search)
    stated = prepared.content.get("id")
    if found is None:
        if if_match is not None:
            raise HallpassError(Kind.PRECONDITION, "There is no version to match.")
        if stated is not None:
            raise HallpassError(
                Kind.UNPROCESSABLE, Issue("Ids are the server's: leave it out to create.", f"{declared.name}.id")
            )
        return await writes.create(door, declared, prepared, own_id)
    if stated not in (None, str(found.id)):
        raise HallpassError(Kind.INVALID, Issue("The id in the body is not that of the match.", f"{declared.name}.id"))
    return await writes.update(door, declared, prepared.with_id(str(found.id)), str(found.id), if_match, seen=found)


async def patch(door: Door, declared: ResourceType, search: Search, change: Change, if_match: str | None) -> Found:
    """Patch the one that matches. Raises NOT_FOUND where none does, and PRECONDITION where several match."""
    door.require(declared.name, "u")
    found = await match(door, declared, search)
    if found is None:
        raise not_found()
    return await patching.patch(door, declared, str(found.id), change, if_match)


async def delete(door: Door, declared: ResourceType, search: Search, if_match: str | None = None) -> Found:
    """Delete those that match, all or none; none is no error.

    Raises PRECONDITION where more match than the setting allows, or several where If-Match names one's version.
    """
    door.require(declared.name, "d")
    rows = await doomed(door, declared, search, if_match)
    door.claimed.update(row.id for row in rows)
    for row in rows:
        await writes.delete(door, declared, str(row.id), if_match)
    return Found(absent=True)


async def doomed(door: Door, declared: ResourceType, search: Search, if_match: str | None) -> list[Stored]:
    """The resources that a conditional delete names. Raises as `delete`."""
    most = door.settings.max_deletes if if_match is None else 1
    return await _matching(door, declared, search, most)


async def match(door: Door, declared: ResourceType, search: Search) -> Stored | None:
    """The one resource in the caller's custody that the condition names. Raises as `_matching`."""
    found = await _matching(door, declared, search, 1)
    return found[0] if found else None


async def _matching(door: Door, declared: ResourceType, search: Search, most: int) -> list[Stored]:
    """The resources in the caller's custody that the condition names, under the condition's own lock.

    Raises INVALID for a search without a criterion, which would name whatever there is, and PRECONDITION where
    more than `most` match.
    """
    if not search.criteria:
        raise HallpassError(Kind.INVALID, "The condition has no criterion: say which resource by a search parameter.")
    require_joined(door, search)
    await lock_conditions(door.connection, {own_lock(door, declared, search)})
    found = await matches(door, search, most + 1)
    if len(found) > most:
        text = f"The condition matches more than {'one' if most == 1 else most} of your resources."
        raise HallpassError(Kind.PRECONDITION, text)
    return found


def own_lock(door: Door, declared: ResourceType, search: Search) -> UUID:
    """The name of the lock of a condition of the caller's organization."""
    return uuid5(door.caller.organization, f"{declared.name}?{search.canonical()}")
