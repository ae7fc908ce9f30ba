"""Conditional create, update, patch and delete: the match is made inside the caller's own custody.

https://hl7.org/fhir/R4/http.html#cond-update — two pushes of the same record at the same moment wait for each other,
so that the second finds what the first has made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID, uuid5

from app.db.caller import lock_conditions
from app.db.held_by_code import code_of
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange import patching, writes
from app.exchange.patching import Change
from app.exchange.reads import matches, matches_of_each, require_joined
from app.exchange.release import PendingResult, PendingRow
from app.exchange.validated import Draft, Validated
from app.resources import ResourceType
from app.search.query import Search
from app.session import Session


async def create(
    session: Session, declared: ResourceType, validated: Validated, search: Search, own_id: UUID | None = None
) -> PendingResult:
    """Create unless one matches; then answer that one. Raises PRECONDITION where several match."""
    session.require(declared.name, "c")
    found = await match(session, declared, search)
    if found is not None:
        session.require(declared.name, "r")  # the answer is what was there
        return PendingResult((PendingRow(found),))
    return await writes.create(session, declared, validated, own_id)


async def update(
    session: Session,
    declared: ResourceType,
    draft: Validated | Draft,
    search: Search,
    if_match: str | None,
    own_id: UUID | None = None,
) -> PendingResult:
    """Update the one that matches, or create where none does. Raises PRECONDITION where several match."""
    session.require(declared.name, "u")
    found = await match(session, declared, search)
    stated = draft.content.get("id")
    if found is None:
        if if_match is not None:
            raise HallpassError(Kind.PRECONDITION, "If-Match names a version, but no resource matches.")
        if stated is not None:
            raise HallpassError(
                Kind.UNPROCESSABLE,
                Issue("The server assigns ids. To create a resource, leave the id out.", f"{declared.name}.id"),
            )
        return await writes.create(session, declared, await draft.validated(), own_id)
    if stated not in (None, str(found.id)):
        raise HallpassError(
            Kind.INVALID,
            Issue(
                "The id in the body is not the id of the resource that matches. Leave the id out.",
                f"{declared.name}.id",
            ),
        )
    return await writes.update(session, declared, draft.with_id(str(found.id)), str(found.id), if_match, seen=found)


async def patch(
    session: Session, declared: ResourceType, search: Search, change: Change, if_match: str | None
) -> PendingResult:
    """Patch the one that matches. Raises NOT_FOUND where none does, and PRECONDITION where several match."""
    session.require(declared.name, "u")
    found = await match(session, declared, search)
    if found is None:
        raise not_found()
    return await patching.patch(session, declared, str(found.id), change, if_match)


async def delete(
    session: Session, declared: ResourceType, search: Search, if_match: str | None = None
) -> PendingResult:
    """Delete those that match, all or none; none is no error.

    Raises PRECONDITION where more match than the setting allows, or several where If-Match names one's version.
    """
    session.require(declared.name, "d")
    rows = await to_delete(session, declared, search, if_match)
    session.claimed.update(row.id for row in rows)
    for row in rows:
        await writes.delete(session, declared, str(row.id), if_match)
    return PendingResult(absent=True)


async def to_delete(session: Session, declared: ResourceType, search: Search, if_match: str | None) -> list[Stored]:
    """The resources that a conditional delete names. Raises as `delete`."""
    most = session.settings.max_deletes if if_match is None else 1
    return await _matching(session, declared, search, most)


async def match(session: Session, declared: ResourceType, search: Search) -> Stored | None:
    """The one resource in the caller's custody that the condition names. Raises as `_matching`."""
    found = await _matching(session, declared, search, 1)
    return found[0] if found else None


async def _matching(session: Session, declared: ResourceType, search: Search, most: int) -> list[Stored]:
    """The resources in the caller's custody that the condition names, under the condition's own lock.

    Raises INVALID for a search without a criterion, which would name whatever there is, and PRECONDITION where
    more than `most` match.
    """
    if not search.criteria:
        raise HallpassError(
            Kind.INVALID, "The condition needs a search parameter that says which resource it is about."
        )
    require_joined(session, search)
    found = _remembered(session, declared, search)
    if found is None:
        await writes.store_filed(session)
        await lock_conditions(session.connection, {own_lock(session, declared, search)})
        found = await matches(session, search, most + 1)
    if len(found) > most:
        text = f"The condition matches more than {'one' if most == 1 else most} of your resources."
        raise HallpassError(Kind.PRECONDITION, text)
    return found


async def remember(session: Session, searches: Iterable[tuple[ResourceType, Search]]) -> None:
    """Look up what conditions of a Bundle find, those of one form in one statement. Their locks are held."""
    asked = {own_lock(session, declared, search): search for declared, search in searches}
    found = await matches_of_each(session, [s for s in asked.values() if s.criteria], 2)
    session.memory.matches |= dict(zip((lock for lock, s in asked.items() if s.criteria), found, strict=True))


def _remembered(session: Session, declared: ResourceType, search: Search) -> list[Stored] | None:
    """What a condition found, unless what this transaction has written since may have changed that."""
    memory = session.memory
    found = memory.matches.get(own_lock(session, declared, search))
    if found is None or any(row.id in session.written for row in found):
        return None
    if declared.name in memory.types and _may_match(declared.name, search, memory.tokens):
        return None
    return [memory.current.get(row.id, row) for row in found]


def _may_match(type_name: str, search: Search, tokens: Collection[tuple[str, str, str]]) -> bool:
    """Whether a search may find a resource with some of these codes; True also where that cannot be told."""
    code = code_of(search.criteria)
    return code is None or (type_name, code.parameter, code.code) in tokens


def own_lock(session: Session, declared: ResourceType, search: Search) -> UUID:
    """The name of the lock of a condition of the caller's organization."""
    asked, locks = (declared.name, search.pairs), session.memory.locks
    if asked not in locks:
        locks[asked] = uuid5(session.caller.organization, f"{declared.name}?{search.canonical()}")
    return locks[asked]
