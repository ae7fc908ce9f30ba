"""What of a search its custodians are told: whose records its criteria read, and by which parameters. Pure but `begin`.

https://hl7.org/fhir/R4/search.html — criteria over the caller's own custody, or over the directory, tell nothing of
others and are not entered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from app.db import search_queries
from app.db.caller import plan_by
from app.ledger import queries
from app.ledger.queries import Query
from app.resources import TYPES, Visibility
from app.search.parameters import COLUMNS
from app.search.query import Chain, Clause, Criterion, Has, ReferenceValue, Search, TokenValue
from app.search.references import uuid_of
from app.session import Session

_OF_A_STUDENT = frozenset({"patient", "subject"})


async def begin(session: Session, wanted: Search, *, held: bool = False) -> None:
    """Before a search runs: enter what it reads of others, once in a transaction, and set how it is planned.

    `held`: it searches the caller's own custody alone, so that only its chains lead to others.
    """
    plan = search_queries.plans(wanted)
    if not await _enter(session, query_of(wanted, held=held), plan):
        await plan_by(session.connection, plan)


async def begin_together(session: Session, searches: Sequence[Search]) -> None:
    """Enter what several searches read that are one question."""
    found = [query for wanted in searches if (query := query_of(wanted)) is not None]
    if found:
        names = dict.fromkeys(name for query in found for name in query.parameters)
        text = "; ".join(query.text for query in found)
        await _enter(session, replace(found[0], parameters=tuple(names), text=text), None)


async def _enter(session: Session, query: Query | None, plan: str | None) -> bool:
    if query is None or session.operator or query in session.queries:
        return False
    session.queries.append(query)
    asked = (session.connection, query, session.caller)
    await queries.enter(*asked, request=session.request, interaction=session.interaction, plan=plan)
    return True


def query_of(wanted: Search, *, held: bool = False) -> Query | None:
    """What a search asks of others' records; None where it asks nothing of them."""
    names = list(_names(wanted))
    if not names:
        return None
    joined = {name for clause in wanted.criteria for name in joined_types(clause)}
    types = sorted(t for t in (joined if held else joined | set(wanted.types)) if not _in_directory(t))
    if not types:
        return None
    read = sorted({*types, *(t for name in types for t in _follows(name))})
    return Query(
        type=wanted.types[0] if len(wanted.types) == 1 else "*",
        types=tuple(read),
        party_types=tuple(t for t in read if TYPES[t].parties_see),
        students=_students(wanted),
        parameters=tuple(dict.fromkeys(names)),
        text=_text(wanted),
    )


def joined_types(clause: Clause) -> Iterator[str]:
    """The types that a criterion reads beside the one it belongs to."""
    if isinstance(clause, Chain):
        for branch in clause.branches:
            yield branch.type
            yield from joined_types(branch.clause)
    elif isinstance(clause, Has):
        yield clause.type
        yield from joined_types(clause.clause)


def _names(wanted: Search) -> Iterator[str]:
    """The parameters that read records, by name; an order by an element reads it too, and so does a bare number."""
    for clause in wanted.criteria:
        yield from _named(clause)
    if wanted.within is not None and wanted.within.during is not None:
        yield from ("start", "end")
    if any(key.parameter not in COLUMNS for key in wanted.sort):
        yield "_sort"
    if wanted.count == 0:
        yield "_summary"


def _named(clause: Clause) -> Iterator[str]:
    match clause:
        case Chain():
            for branch in clause.branches:
                yield from (f"{clause.parameter}.{name}" for name in _named(branch.clause))
        case Has():
            yield from (f"_has:{clause.type}:{clause.parameter}:{name}" for name in _named(clause.clause))
        case Criterion(modifier=None):
            yield clause.parameter
        case Criterion():
            yield f"{clause.parameter}:{clause.modifier}"


def _students(wanted: Search) -> tuple[UUID, ...] | None:
    """The students whom a search names, where all of it is about them."""
    if wanted.within is not None:
        return (wanted.within.student,)
    for clause in wanted.criteria:
        if isinstance(clause, Criterion) and clause.modifier is None:
            found = _named_students(wanted, clause)
            if found:
                return tuple(sorted(found))
    return None


def _named_students(wanted: Search, clause: Criterion) -> set[UUID]:
    ids: list[str | None] = []
    if clause.parameter in _OF_A_STUDENT:
        for value in clause.values:
            named = isinstance(value, ReferenceValue) and value.type in (None, "Patient")
            ids.append(value.id if named and isinstance(value, ReferenceValue) else None)
    elif clause.parameter == "_id" and wanted.types == ("Patient",):
        ids = [value.code if isinstance(value, TokenValue) else None for value in clause.values]
    found = [uuid_of(i or "") for i in ids]
    return {i for i in found if i is not None} if all(found) else set()


def _text(wanted: Search) -> str:
    place = f"Patient/{wanted.within.student}/" if wanted.within is not None else ""
    return f"{place}{','.join(wanted.types)}?{wanted.canonical()}"


def _in_directory(type_name: str) -> bool:
    return TYPES[type_name].visibility is Visibility.DIRECTORY


def _follows(type_name: str) -> tuple[str, ...]:
    """The types whose releases open this one too: of a Task its referral, of a Binary what refers to it."""
    if TYPES[type_name].by_referrers:
        return tuple(t for t in TYPES if not _in_directory(t))
    return ("ServiceRequest",) if TYPES[type_name].party_writes else ()
