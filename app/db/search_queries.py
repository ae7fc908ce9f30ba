"""Search -> SQLAlchemy statement. https://hl7.org/fhir/R4/search.html

The candidates come from the access index of the caller's organization (from `resource` itself for directory types),
in the order of the page; the criteria are asked of the search index; and each row that is left is read through
`resource`, where row-level security decides with the whole rule. So cost follows what is on the page.

What searches of one form have in common is made once (`_frame`), and where only codes tell them apart that is all
(`_kept_page`): building it takes longer than running it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Subquery,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from app.db.driver import PreparedQuery, Statement
from app.db.match import Subject, matches, one_of, visible
from app.db.placeholders import with_placeholders
from app.db.rows import Stored
from app.db.seek import Key, Seek, beyond, ordering, placed, sort_column
from app.db.tables import access, open_access, resource
from app.resources import TYPES, Visibility
from app.search.cursor import Cursor
from app.search.parameters import COLUMNS
from app.search.query import Clause, Criterion, Search, SortKey, TokenValue, Within

_ORG = bindparam("org", type_=Uuid())
_STUDENT = bindparam("student", type_=Uuid())
_ABOUT = bindparam("about", type_=Uuid())
_DURING = func.tstzrange(bindparam("since", type_=DateTime(True)), bindparam("until", type_=DateTime(True)))
_HELD = bindparam("held", type_=ARRAY(Uuid()))
_AS_OF = bindparam("as_of", type_=DateTime(True))
_LIMIT = bindparam("limit", type_=Integer())


class BoundStatement(NamedTuple):
    """A statement and its values, as `fetch` takes them."""

    statement: Statement
    values: dict[str, Any]


def page(
    search: Search,
    caller_org: UUID,
    after: Cursor | None,
    limit: int,
    *,
    held: Collection[UUID] | None = None,
    counted: bool = False,
) -> BoundStatement:
    """One more than `limit` matches from a cursor on: the columns of Stored, then `sort_0` and so on for `cursor_at`.

    Before a cursor that points back they come in reverse order, the nearest to it first. `held`: only what is in
    the custody of these organizations. `counted`: with what `total` would answer in each row, as `total`.
    """
    values = _values(search, caller_org) | {"limit": limit + 1}
    as_of = after.as_of if after is not None else None
    if held is not None:
        values["held"] = list(held)
    if as_of is not None:
        values["as_of"] = as_of
    if after is not None:
        values |= placed(after)
    shape = _QueryShape.of(search, held=held is not None, as_of=as_of is not None)
    seek = Seek.at(after) if after is not None else None
    if (same := with_placeholders(search.criteria)) is None:
        return BoundStatement(_page(shape, seek, search.criteria, counted=counted), values)
    return BoundStatement(_kept_page(shape, seek, same[0], counted), values | same[1])


def total(search: Search, caller_org: UUID) -> BoundStatement:
    """The number of matches that the caller may see."""
    shape = _QueryShape.of(search)
    values = _values(search, caller_org)
    if (same := with_placeholders(search.criteria)) is None:
        return BoundStatement(_total(shape, search.criteria), values)
    return BoundStatement(_kept_total(shape, same[0]), values | same[1])


def plans(search: Search) -> str:
    """PostgreSQL's plan_cache_mode for `page` and `total`.

    Where to begin, at what the caller might see or at a term, hangs on the terms asked for; a plan made for any would
    begin at the term, and read those of everyone. Without criteria there is one way, and it need not be found anew; by
    an identifier or an id alone as well.
    """
    if not search.criteria:
        return "force_generic_plan"
    return "auto" if len(search.criteria) == 1 and _names_one(search.criteria[0]) else "force_custom_plan"


def _names_one(clause: Clause) -> bool:
    """Whether a criterion leaves but few resources of everyone's."""
    if not isinstance(clause, Criterion) or clause.modifier is not None:
        return False
    named = all(isinstance(v, TokenValue) and v.code is not None for v in clause.values)
    return clause.parameter in ("_id", "identifier") and named


def cursor_at(row: Any, search: Search, *, back: bool, as_of: datetime | None = None) -> Cursor:
    """The cursor at a row of `page`: for what comes after it, or with `back` before it."""
    values = tuple(getattr(row, f"sort_{n}") for n in range(max(1, len(search.sort))))
    return Cursor(values, row.id, back, as_of)


def moment(first: Any, search: Search) -> datetime | None:
    """The moment whose order a walk keeps that begins with this row: an update would move a match to its front.

    It is the time of the newest match, in an order by that time, and None in any other.
    """
    moves = not search.sort or (search.sort[0].parameter == "_lastUpdated" and search.sort[0].descending)
    found: datetime | None = first.sort_0 if moves else None
    return found


def reaches(student: UUID, caller_org: UUID) -> BoundStatement:
    """A row, if the caller sees anything in a student's compartment."""
    return BoundStatement(_REACHES, {"student": student, "org": caller_org})


@dataclass(frozen=True, slots=True)
class _QueryShape:
    """What shapes the statement of a search besides its criteria."""

    types: tuple[str, ...]
    sort: tuple[SortKey, ...]
    within: bool
    about: bool
    during: bool
    held: bool
    as_of: bool

    @property
    def narrowed(self) -> bool:
        """Whether each resource itself has to be looked at to tell that it is meant."""
        return self.about or self.during or self.held

    @staticmethod
    def of(search: Search, *, held: bool = False, as_of: bool = False) -> _QueryShape:
        """The form of a search."""
        inside = search.within
        about = inside is not None and inside.about is not None
        during = inside is not None and inside.during is not None
        return _QueryShape(search.types, search.sort, inside is not None, about, during, held, as_of)


@dataclass(frozen=True, slots=True)
class _BaseQuery:
    """The statements of searches of one form, to which criteria and a cursor are added."""

    subject: Subject
    keys: list[Key]
    forth: Select[Any]
    back: Select[Any]
    counted: Select[Any]


def _page(shape: _QueryShape, seek: Seek | None, criteria: tuple[Clause, ...], *, counted: bool) -> Select[Any]:
    base_query = _base_query(shape)
    found = base_query.back if seek is not None and seek.back else base_query.forth
    if counted:
        number = _total(replace(shape, held=False, as_of=False), criteria)
        found = found.add_columns(number.correlate(None).scalar_subquery().label("total"))
    met = [matches(c, base_query.subject) for c in criteria]
    if seek is not None:
        met.append(beyond(base_query.keys, seek))
    return found.where(*met) if met else found


def _total(shape: _QueryShape, criteria: tuple[Clause, ...]) -> Select[Any]:
    base_query = _base_query(shape)
    return (
        base_query.counted.where(*(matches(c, base_query.subject) for c in criteria))
        if criteria
        else base_query.counted
    )


@lru_cache(maxsize=512)
def _kept_page(shape: _QueryShape, seek: Seek | None, blanks: tuple[Clause, ...], counted: bool) -> PreparedQuery:
    return PreparedQuery(_page(shape, seek, blanks, counted=counted))


@lru_cache(maxsize=512)
def _kept_total(shape: _QueryShape, blanks: tuple[Clause, ...]) -> PreparedQuery:
    return PreparedQuery(_total(shape, blanks))


@lru_cache(maxsize=512)
def _base_query(shape: _QueryShape) -> _BaseQuery:
    candidates = _candidates(shape)
    subject = Subject(candidates.c, shape.types)
    keys = _keys(shape.sort, subject)
    r = _current(candidates, shape)
    there = candidates.join(r, true())
    found = select(*r.c, *(k.column for k in keys[:-1])).select_from(there)
    forth = found.order_by(*ordering(keys, back=False)).limit(_LIMIT)
    back = found.order_by(*ordering(keys, back=True)).limit(_LIMIT)
    counted = select(func.count()).select_from(there) if shape.narrowed else _counted(candidates, shape)
    return _BaseQuery(subject, keys, forth, back, counted)


def _counted(candidates: Subquery, shape: _QueryShape) -> Select[Any]:
    """How many there are. What the access index settles need not be looked up to be counted."""
    r = _current(candidates, shape, ~candidates.c.precomputed)
    there = candidates.outerjoin(r, true())
    return select(func.count()).select_from(there).where(or_(candidates.c.precomputed, r.c.id.is_not(None)))


def _values(search: Search, org: UUID) -> dict[str, Any]:
    """What stands for the binds of a form."""
    inside = search.within or Within(org)
    values: dict[str, Any] = {"org": org, "student": inside.student}
    if inside.about is not None:
        values["about"] = inside.about
    if inside.during is not None:
        values["since"], values["until"] = inside.during
    return values


def _current(found: Subquery, shape: _QueryShape, *conditions: ColumnElement[bool]) -> Any:
    """The columns of Stored of the current, visible resources that a subquery names by compartment and id."""
    r = resource.alias()
    there = and_(r.c.compartment == found.c.compartment, r.c.id == found.c.id, visible(r.c), *conditions)
    if shape.held:
        there = and_(there, r.c.custodian == any_(_HELD))
    if shape.during:
        about = r.c.clinical.op("&&")(_DURING)
        there = and_(there, or_(r.c.clinical.is_(None), func.isempty(r.c.clinical), about))
    if shape.about:
        focus = resource.alias("focus")
        named = select(func.unnest(focus.c.refs)).where(
            focus.c.compartment == _STUDENT, focus.c.id == _ABOUT, visible(focus.c)
        )
        there = and_(there, or_(r.c.id == _ABOUT, any_(r.c.refs) == _ABOUT, r.c.id.in_(named)))
    # LIMIT keeps the planner from reading `resource` as a whole, where it would check each row of everyone.
    return select(*(r.c[name] for name in Stored._fields)).where(there).limit(1).lateral("r")


def _candidates(shape: _QueryShape) -> Subquery:
    """Compartment, id, type, updated and place of the resources of some types that the organization might see.

    `place` is when they were updated; as of a moment, when they had been updated then. `precomputed`: it does see them.
    """
    parts: list[Select[Any]] = []
    held = [t for t in shape.types if TYPES[t].visibility is not Visibility.DIRECTORY]
    if held or shape.within:
        a = open_access.alias("a")
        ours = and_(a.c.org == _ORG, one_of(a.c.type, held))
        ours = and_(ours, a.c.compartment == _STUDENT) if shape.within else ours
        parts += _placed(a, a.c.precomputed, ours, as_of=shape.as_of)
    if listed := [t for t in shape.types if TYPES[t].visibility is Visibility.DIRECTORY and not shape.within]:
        d = resource.alias("d")
        parts += _placed(d, true(), and_(visible(d.c), d.c.directory, one_of(d.c.type, listed)), as_of=shape.as_of)
    return (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("candidate")


def _placed(
    table: Any, precomputed: ColumnElement[bool], wanted: ColumnElement[bool], *, as_of: bool
) -> list[Select[Any]]:
    """The candidates in a table at their places; as of a moment, those apart that have been updated since.

    What is new since has no place: it is left to the next walk.
    """
    c = table.c
    columns = (c.compartment, c.id, c.type, c.updated, precomputed.label("precomputed"))
    still = select(*columns, c.updated.label("place")).where(wanted)
    if not as_of:
        return [still]
    v = resource.alias("v")
    then = and_(v.c.compartment == c.compartment, v.c.id == c.id, v.c.updated <= _AS_OF)
    old = select(v.c.updated).where(then).order_by(v.c.version.desc()).limit(1).lateral("old")
    moved = select(*columns, old.c.updated.label("place")).select_from(table.join(old, true()))
    return [still.where(c.updated <= _AS_OF), moved.where(wanted, c.updated > _AS_OF)]


def _keys(sort: tuple[SortKey, ...], subject: Subject) -> list[Key]:
    """The columns of the order, the id last, which decides between equals."""
    if not sort:
        return [Key(subject.c.place.label("sort_0"), True, True), Key(subject.c.id, True, True)]
    keys = [
        Key(sort_column(k, subject).label(f"sort_{n}"), k.descending, k.parameter in COLUMNS)
        for n, k in enumerate(sort)
    ]
    return [*keys, Key(subject.c.id, False, True)]


def _reaches() -> Select[Any]:
    r, a = resource.alias("r"), access.alias("a")
    there = and_(r.c.compartment == a.c.compartment, r.c.id == a.c.id, visible(r.c), r.c.student == _STUDENT)
    return select(literal(1)).select_from(a.join(r, there)).where(a.c.compartment == _STUDENT, a.c.org == _ORG).limit(1)


_REACHES = PreparedQuery(_reaches())
