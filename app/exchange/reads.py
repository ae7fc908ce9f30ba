"""What a caller may read: read, vread and search, each over visible versions only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from app.db import read as store
from app.db import search_queries
from app.db.bodies import sizes
from app.db.driver import fetch, scalar
from app.db.held_by_code import Code, code_of, held_by_code
from app.db.include import included
from app.db.rows import Stored
from app.errors import HallpassError, Kind, not_found
from app.exchange import queries
from app.exchange.confining import confined
from app.exchange.queries import joined_types
from app.exchange.release import PendingResult, PendingRow
from app.fhir.etags import Known, etag
from app.limits.long_work import off_loop
from app.limits.results import Budget, fitting, too_large
from app.resources import ResourceType
from app.resources.refs import as_uuid
from app.scopes import allows
from app.search.cost import is_costly
from app.search.cursor import Cursor
from app.search.query import Search
from app.search.subset import Subset, subset
from app.session import Session

MOST_INCLUDED = 1000


async def read(
    session: Session,
    declared: ResourceType,
    resource_id: str,
    *,
    known: Known | None = None,
    part: Subset | None = None,
) -> PendingResult:
    """The current version, or `part` of it; only that it is still the current one where the caller knows it.

    Raises NOT_FOUND, or GONE where the caller could see what was deleted. https://hl7.org/fhir/R4/http.html#read
    """
    session.require(declared.name, "r")
    return shown(await current(session, declared, resource_id), known, part)


async def vread(
    session: Session,
    declared: ResourceType,
    resource_id: str,
    version: str,
    *,
    known: Known | None = None,
    part: Subset | None = None,
) -> PendingResult:
    """One version, as `read`. Raises NOT_FOUND, or GONE for the version that is the deletion.

    https://hl7.org/fhir/R4/http.html#vread
    """
    session.require(declared.name, "r")
    found, number = as_uuid(resource_id), version_number(version)
    row = await store.version(session.connection, declared.name, found, number) if found and number else None
    return shown(row if row is not None and session.shows(row) else None, known, part)


def version_number(version: str) -> int:
    """The number that a version id is; 0 for one that no version has."""
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0


def shown(row: Stored | None, known: Known | None, part: Subset | None) -> PendingResult:
    """What a read of this version comes to. Raises NOT_FOUND for none, and GONE for a deletion."""
    if row is None:
        raise not_found()
    if row.deleted and row.current:
        raise HallpassError(Kind.GONE, "The resource was deleted.", headers={"ETag": etag(row.version)})
    if row.deleted:
        raise HallpassError(Kind.GONE, "This version records the deletion.")
    return PendingResult((PendingRow(row),), part=part, known=known)


async def again(session: Session, row: Stored) -> Stored:
    """A version that was seen before, if the caller still sees it. Raises NOT_FOUND."""
    found = await store.version(session.connection, row.type, row.id, row.version)
    if found is None:
        raise not_found()
    return found


async def current(session: Session, declared: ResourceType, resource_id: str) -> Stored | None:
    """The newest version that is the current one, if the caller sees it."""
    found = as_uuid(resource_id)
    row = await store.current(session.connection, declared.name, found) if found else None
    return row if row is not None and session.shows(row) else None


async def search(session: Session, wanted: Search, after: Cursor | None) -> PendingResult:
    """One page of matches with what it includes, the exact total of what this caller sees, and the pages beside it.

    https://hl7.org/fhir/R4/http.html#search
    """
    _require_types(session, wanted)
    inside = confined(session, wanted)
    if inside is None:
        return PendingResult(total=0, search=wanted, bundled=True)
    wanted = inside
    if session.costly is None or not is_costly(wanted):
        return await _searched(session, wanted, after)
    async with session.costly.hold(session.caller.client):
        return await _searched(session, wanted, after, large=True)


async def _searched(session: Session, wanted: Search, after: Cursor | None, *, large: bool = False) -> PendingResult:
    """`large`: its statement is long work to make, and is made off the event loop."""
    part = subset(wanted.summary, wanted.elements, includes=bool(wanted.includes))
    org = session.caller.organization
    counted = wanted.total != "none"
    await queries.begin(session, wanted)
    if wanted.count == 0:
        return PendingResult(total=await _total(session, wanted, large=large) if counted else None, search=wanted)
    made = partial(
        search_queries.prepared if large else search_queries.page,
        wanted,
        org,
        after,
        wanted.count,
        counted=counted,
        emergency=session.caller.in_emergency,
        most_bytes=session.settings.max_result_bytes,
    )
    rows = await fetch(session.connection, *await off_loop(session.caller.client, made, large=large))
    total = None
    if counted:  # counted with the page, so that the two agree; where there is no row to say it, by itself
        total = int(rows[0].total) if rows else await _total(session, wanted, large=large) if after else 0
    back = after is not None and after.back
    most = fitting(sizes(rows[: wanted.count]), session.settings.max_result_bytes)
    more = len(rows) > most
    rows = rows[:most][::-1] if back else rows[:most]
    cursors = {}
    as_of = after.as_of if after is not None else search_queries.moment(rows[0], wanted) if rows else None
    if rows and (more or back):
        cursors["next"] = search_queries.cursor_at(rows[-1], wanted, back=False, as_of=as_of).pack()
    if rows and (after is not None if not back else more):
        cursors["previous"] = search_queries.cursor_at(rows[0], wanted, back=True, as_of=as_of).pack()
    found = [r for row in rows if session.shows(r := store.stored(row))]
    brought = await _included(session, wanted, found)
    Budget.of_whole(session.settings).require(sum(len(r.body) for r in brought), len(found) + len(brought))
    pending = (*(PendingRow(r) for r in found), *(PendingRow(r, "include") for r in brought))
    return PendingResult(pending, total=total, cursors=cursors, search=wanted, part=part, bundled=True)


async def _total(session: Session, wanted: Search, *, large: bool) -> int:
    made = partial(
        search_queries.prepared_total if large else search_queries.total,
        wanted,
        session.caller.organization,
        emergency=session.caller.in_emergency,
    )
    return int(await scalar(session.connection, *await off_loop(session.caller.client, made, large=large)))


async def compartment(session: Session, patient: str) -> UUID:
    """The student whose compartment is meant. Raises NOT_FOUND where the caller sees nothing in it."""
    student = as_uuid(patient)
    if student is None or not session.includes(student):
        raise not_found()
    if not await store.rows_exist(session.connection, *search_queries.reaches(student)):
        raise not_found()
    return student


async def held(session: Session, wanted: Search) -> PendingResult:
    """The first of what the caller and its parts hold, as many as a page; `total` is above that if there are more."""
    session.require(wanted.types[0], "s")
    inside = confined(session, wanted)
    rows = await matches(session, inside, wanted.count + 1) if inside is not None else []
    rows = [row for row in rows if session.shows(row)]
    return PendingResult(tuple(PendingRow(row) for row in rows[: wanted.count]), total=len(rows))


async def matches(session: Session, wanted: Search, limit: int) -> list[Stored]:
    """The resources in the caller's own custody that a condition matches, as many as `limit`."""
    return (await matches_of_each(session, [wanted], limit))[0]


async def matches_of_each(session: Session, wanted: Sequence[Search], limit: int) -> list[list[Stored]]:
    """As `matches`, of several conditions: those that name a code of one type and parameter are one statement."""
    connection, org = session.connection, session.caller.organization
    found: list[list[Stored]] = [[] for _ in wanted]
    groups: dict[tuple[str, str], list[tuple[int, Code]]] = {}
    for n, search in enumerate(wanted):
        code = code_of(search.criteria) if search.within is None and len(search.types) == 1 else None
        if code is not None:
            groups.setdefault((search.types[0], code.parameter), []).append((n, code))
            continue
        await queries.begin(session, search, held=True)
        found[n] = await store.rows(connection, *search_queries.page(search, org, None, limit - 1, held=True))
    for (type_name, _), asked in groups.items():
        rows = await held_by_code(connection, org, type_name, [code for _, code in asked], limit)
        for (n, _), matched in zip(asked, rows, strict=True):
            found[n] = matched
    return found


async def _included(session: Session, wanted: Search, found: list[Stored]) -> list[Stored]:
    """What _include and _revinclude bring, round by round while they iterate; MOST_INCLUDED at the most."""
    brought: dict[UUID, Stored] = {}
    sources, includes = found, wanted.includes
    while sources and includes:
        known = {r.id for r in found} | set(brought)
        ask = included(includes, sources, known, MOST_INCLUDED, session.settings.max_result_bytes)
        rows = [] if ask is None else await store.rows(session.connection, *ask)
        require_whole(rows)
        if len(brought) + len(rows) > MOST_INCLUDED:
            raise HallpassError(Kind.TOO_COSTLY, f"The page would include more than {MOST_INCLUDED} resources.")
        sources = [r for r in rows if allows_type(session, r.type) and session.shows(r)]
        brought |= {r.id: r for r in sources}
        includes = tuple(i for i in wanted.includes if i.iterate)
    return list(brought.values())


def require_whole(rows: Sequence[Stored]) -> None:
    """Raise TOO_COSTLY where a body was left in the database, since those before it are all that an answer may hold."""
    if any(row.body is None for row in rows):
        raise too_large()


def allows_type(session: Session, type_name: str) -> bool:
    """Whether the token's scopes let this type come along."""
    return allows(session.caller.scopes, type_name, "r") or allows(session.caller.scopes, type_name, "s")


def _require_types(session: Session, wanted: Search) -> None:
    """Each type that is searched, joined or asked to come along needs a scope of its own."""
    for name in wanted.types:
        session.require(name, "s")
    require_joined(session, wanted)


def require_joined(session: Session, wanted: Search) -> None:
    """Raise FORBIDDEN where a criterion reads a type that the token's scopes do not let it search."""
    for clause in wanted.criteria:
        for name in joined_types(clause):
            session.require(name, "s")
