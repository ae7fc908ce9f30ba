"""A chain that names a student by an identifier or an id is asked of the Patients that are the same student, too.

https://hl7.org/fhir/R4/search.html#chaining — what a chain says of a student otherwise (a name, a status) is asked of
the Patient that a record is about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app.db import read as store
from app.db import search_queries
from app.search.parameters import ParamKind
from app.search.query import Branch, Chain, Clause, Criterion, Has, Search, TokenValue
from app.session import Session

NAMING = frozenset({"identifier", "_id"})
MOST = 16
"""Patients that one criterion may name."""
Same = Callable[[Session, Sequence[UUID]], Awaitable[Mapping[UUID, tuple[UUID, ...]]]]


async def with_merged(session: Session, wanted: Search, same: Same) -> Search:
    """The search with each such chain asked of the merged Patients as well. `same` answers those of each Patient."""
    naming = dict.fromkeys(c for clause in wanted.criteria for c in _naming(clause))
    others: dict[Criterion, tuple[UUID, ...]] = {}
    for criterion in naming:
        named = await _named(session, criterion)
        linked = await same(session, named) if named else {}
        if found := sorted({i for one in linked.values() for i in one}):
            others[criterion] = tuple(found)
    return replace(wanted, criteria=tuple(_wider(c, others) for c in wanted.criteria)) if others else wanted


def _naming(clause: Clause) -> Iterator[Criterion]:
    """The criteria by which the chains of a clause name students."""
    if isinstance(clause, Has):
        yield from _naming(clause.clause)
    if isinstance(clause, Chain):
        for branch in clause.branches:
            inner = branch.clause
            if branch.type == "Patient" and _names(inner) and isinstance(inner, Criterion):
                yield inner
            else:
                yield from _naming(inner)


def _names(clause: Clause) -> bool:
    named = isinstance(clause, Criterion) and clause.modifier is None and clause.parameter in NAMING
    return named and all(isinstance(v, TokenValue) and v.code is not None for v in getattr(clause, "values", ()))


async def _named(session: Session, criterion: Criterion) -> list[UUID]:
    """The Patients that the caller sees by a criterion."""
    search = Search(("Patient",), (criterion,), (), (), MOST, "none", None, (), None, (), ())
    asked = search_queries.page(search, session.caller.organization, None, MOST, emergency=session.caller.in_emergency)
    return [row.id for row in await store.rows(session.connection, *asked)][:MOST]


def _wider(clause: Clause, others: Mapping[Criterion, tuple[UUID, ...]]) -> Clause:
    if isinstance(clause, Has):
        return replace(clause, clause=_wider(clause.clause, others))
    if not isinstance(clause, Chain):
        return clause
    branches: list[Branch] = []
    for branch in clause.branches:
        branches.append(replace(branch, clause=_wider(branch.clause, others)))
        if branch.type == "Patient" and isinstance(branch.clause, Criterion) and branch.clause in others:
            values = tuple(TokenValue(None, str(i)) for i in others[branch.clause])
            branches.append(Branch("Patient", Criterion("_id", ParamKind.TOKEN, None, values)))
    return replace(clause, branches=tuple(branches))
