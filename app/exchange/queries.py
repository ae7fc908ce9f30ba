"""What of a search its custodians are told: whose records its criteria read, and by which parameters. Pure but `begin`.

https://hl7.org/fhir/R4/search.html — criteria over the caller's own custody, or over the directory, tell nothing of
others and are not entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from app.subscriptions.definition import Definition

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


async def enter_followed(session: Session, subscription: UUID, definition: Definition) -> None:
    """Enter what a Subscription asks of others' records: its filters, and where it names none of them, how many."""
    clauses = [clause for _, clause in definition.filters]
    names = [name for clause in clauses for name in _named(clause)]
    names += ["_summary"] if definition.content == "empty" else []
    types = definition.topic.types
    students = [found for clause in clauses if (found := _named_students(types, clause))]
    query = _query(
        types, types, names, tuple(sorted(students[0])) if students else None, f"Subscription/{subscription}"
    )
    await _enter(session, query, None)


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
    joined = {name for clause in wanted.criteria for name in joined_types(clause)}
    types = joined if held else joined | set(wanted.types)
    return _query(wanted.types, types, names, _students(wanted), _text(wanted))


def _query(
    searched: tuple[str, ...], types: Iterable[str], names: list[str], students: tuple[UUID, ...] | None, text: str
) -> Query | None:
    """What is asked of others' records of these types; None where they are all of the directory."""
    others = sorted({t for t in types if not _in_directory(t)})
    if not others or not names:
        return None
    read = sorted({*others, *(t for name in others for t in _follows(name))})
    return Query(
        type=searched[0] if len(searched) == 1 else "*",
        types=tuple(read),
        party_types=tuple(t for t in read if TYPES[t].parties_see),
        students=students,
        parameters=tuple(dict.fromkeys(names)),
        text=text,
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
            found = _named_students(wanted.types, clause)
            if found:
                return tuple(sorted(found))
    return None


def _named_students(types: tuple[str, ...], clause: Criterion) -> set[UUID]:
    ids: list[str | None] = []
    if clause.parameter in _OF_A_STUDENT:
        for value in clause.values:
            named = isinstance(value, ReferenceValue) and value.type in (None, "Patient")
            ids.append(value.id if named and isinstance(value, ReferenceValue) else None)
    elif clause.parameter == "_id" and types == ("Patient",):
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
