"""Search -> SQLAlchemy statement. https://hl7.org/fhir/R4/search.html

The candidates come from the access index of the caller's organization (from `resource` itself for directory types),
in the order of the page; the criteria are asked of the search index; and each row that is left is read through
`resource`, where row-level security decides with the whole rule. So cost follows what is on the page.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, Uuid, and_, func, literal, or_, select, true, union_all

from app.resources import TYPES, Reach
from app.search.cursor import Cursor
from app.search.parameters import COLUMNS
from app.search.query import Search, Within
from app.store.match import Subject, matches, visible
from app.store.order import Key, beyond, ordering, sort_column
from app.store.rows import Stored
from app.store.tables import access, resource


def page(
    search: Search, caller_org: UUID, after: Cursor | None, limit: int, *, held: Collection[UUID] | None = None
) -> Select[Any]:
    """One more than `limit` matches from a cursor on: the columns of Stored, then `sort_0` and so on for `cursor_at`.

    Before a cursor that points back they come in reverse order, the nearest to it first. `held`: only what is in
    the custody of these organizations.
    """
    found = _found(search, caller_org)
    keys = _keys(search, found)
    statement = _read(found, search.within, held).add_columns(*(k.column for k in keys[:-1]))
    if after is not None:
        statement = statement.where(beyond(keys, after))
    return statement.order_by(*ordering(keys, back=after is not None and after.back)).limit(limit + 1)


def total(search: Search, caller_org: UUID, most: int | None = None) -> Select[int]:
    """The number of matches that the caller may see; `most`: where the counting stops, which costs a check each."""
    matched = _read(_found(search, caller_org), search.within)
    counted = matched.with_only_columns(literal(1), maintain_column_froms=True).limit(most).subquery()
    return select(func.count()).select_from(counted)


def cursor_at(row: Any, search: Search, *, back: bool) -> Cursor:
    """The cursor at a row of `page`: for what comes after it, or with `back` before it."""
    return Cursor(tuple(getattr(row, f"sort_{n}") for n in range(max(1, len(search.sort)))), row.id, back)


def reaches(student: UUID, caller_org: UUID) -> Select[Any]:
    """A row, if the caller sees anything in a student's compartment."""
    r, a = resource.alias("r"), access.alias("a")
    there = and_(r.c.shard == a.c.shard, r.c.id == a.c.id, visible(r.c), r.c.student == student)
    return select(r.c.id).select_from(a.join(r, there)).where(a.c.shard == student, a.c.org == caller_org).limit(1)


def _read(found: Subquery, within: Within | None, held: Collection[UUID] | None = None) -> Select[Any]:
    """The columns of Stored of the current, visible resources that a subquery names by shard and id."""
    r = resource.alias()
    there = and_(r.c.shard == found.c.shard, r.c.id == found.c.id, visible(r.c))
    if held is not None:
        there = and_(there, r.c.custodian.in_(held))
    if within is not None and within.during is not None:
        about = r.c.clinical.op("&&")(func.tstzrange(*within.during))
        there = and_(there, or_(r.c.clinical.is_(None), func.isempty(r.c.clinical), about))
    if within is not None and within.about is not None:
        focus = resource.alias("focus")
        named = select(func.unnest(focus.c.refs)).where(
            focus.c.shard == within.student, focus.c.id == within.about, visible(focus.c)
        )
        there = and_(
            there, or_(r.c.id == within.about, literal(within.about, Uuid()) == func.any(r.c.refs), r.c.id.in_(named))
        )
    # LIMIT keeps the planner from reading `resource` as a whole, where it would check each row of everyone.
    row = select(*(r.c[name] for name in Stored._fields)).where(there).limit(1).lateral("r")
    return select(*row.c).select_from(found.join(row, true()))


def _found(search: Search, org: UUID) -> Subquery:
    """Shard, id and sort columns of what meets the criteria and the organization might see."""
    subject = Subject(_candidates(search.types, org, search.within), search.types)
    columns = [sort_column(k, subject) for k in search.sort] or [subject.c.updated]
    labelled = [c.label(f"sort_{n}") for n, c in enumerate(columns)]
    met = (matches(c, subject) for c in search.criteria)
    return select(subject.c.shard, subject.c.id, *labelled).where(*met).subquery("found")


def _candidates(types: tuple[str, ...], org: UUID, within: Within | None) -> Subquery:
    """Shard, id, type and updated of the resources of some types that the organization might see."""
    parts = []
    held = [t for t in types if TYPES[t].reach is not Reach.DIRECTORY]
    if held or within:
        a = access.alias("a")
        now = func.hallpass.moment()
        ours = _columns(a).where(a.c.org == org, a.c.type.in_(held), a.c.opens <= now, now < a.c.closes)
        parts.append(ours.where(a.c.shard == within.student) if within else ours)
    if listed := [t for t in types if TYPES[t].reach is Reach.DIRECTORY and not within]:
        d = resource.alias("d")
        parts.append(_columns(d).where(visible(d.c), d.c.directory, d.c.type.in_(listed)))
    return (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("candidate")


def _columns(table: Any) -> Select[Any]:
    return select(table.c.shard, table.c.id, table.c.type, table.c.updated)


def _keys(search: Search, found: Subquery) -> list[Key]:
    """The columns of the order, the id last, which decides between equals."""
    if not search.sort:
        return [Key(found.c.sort_0, True, True), Key(found.c.id, True, True)]
    keys = [Key(found.c[f"sort_{n}"], k.descending, k.parameter in COLUMNS) for n, k in enumerate(search.sort)]
    return [*keys, Key(found.c.id, False, True)]
