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

from app.resources import TYPES, Reach
from app.search.cursor import Cursor
from app.search.parameters import COLUMNS
from app.search.query import Clause, Criterion, Search, SortKey, TokenValue, Within
from app.store.blanks import blanked
from app.store.driver import Hot, Statement
from app.store.match import Subject, matches, one_of, visible
from app.store.order import Key, Turn, beyond, ordering, placed, sort_column
from app.store.rows import Stored
from app.store.tables import access, open_access, resource

_ORG = bindparam("org", type_=Uuid())
_STUDENT = bindparam("student", type_=Uuid())
_ABOUT = bindparam("about", type_=Uuid())
_DURING = func.tstzrange(bindparam("since", type_=DateTime(True)), bindparam("until", type_=DateTime(True)))
_HELD = bindparam("held", type_=ARRAY(Uuid()))
_AS_OF = bindparam("as_of", type_=DateTime(True))
_LIMIT = bindparam("limit", type_=Integer())


class Ask(NamedTuple):
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
) -> Ask:
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
    form = _Form.of(search, held=held is not None, as_of=as_of is not None)
    turn = Turn.at(after) if after is not None else None
    if (same := blanked(search.criteria)) is None:
        return Ask(_page(form, turn, search.criteria, counted=counted), values)
    return Ask(_kept_page(form, turn, same[0], counted), values | same[1])


def total(search: Search, caller_org: UUID) -> Ask:
    """The number of matches that the caller may see."""
    form = _Form.of(search)
    values = _values(search, caller_org)
    if (same := blanked(search.criteria)) is None:
        return Ask(_total(form, search.criteria), values)
    return Ask(_kept_total(form, same[0]), values | same[1])


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


def reaches(student: UUID, caller_org: UUID) -> Ask:
    """A row, if the caller sees anything in a student's compartment."""
    return Ask(_REACHES, {"student": student, "org": caller_org})


@dataclass(frozen=True, slots=True)
class _Form:
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
    def of(search: Search, *, held: bool = False, as_of: bool = False) -> _Form:
        """The form of a search."""
        inside = search.within
        about = inside is not None and inside.about is not None
        during = inside is not None and inside.during is not None
        return _Form(search.types, search.sort, inside is not None, about, during, held, as_of)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The statements of searches of one form, to which criteria and a cursor are added."""

    subject: Subject
    keys: list[Key]
    forth: Select[Any]
    back: Select[Any]
    counted: Select[Any]


def _page(form: _Form, turn: Turn | None, criteria: tuple[Clause, ...], *, counted: bool) -> Select[Any]:
    frame = _frame(form)
    found = frame.back if turn is not None and turn.back else frame.forth
    if counted:
        number = _total(replace(form, held=False, as_of=False), criteria)
        found = found.add_columns(number.correlate(None).scalar_subquery().label("total"))
    met = [matches(c, frame.subject) for c in criteria]
    if turn is not None:
        met.append(beyond(frame.keys, turn))
    return found.where(*met) if met else found


def _total(form: _Form, criteria: tuple[Clause, ...]) -> Select[Any]:
    frame = _frame(form)
    return frame.counted.where(*(matches(c, frame.subject) for c in criteria)) if criteria else frame.counted


@lru_cache(maxsize=512)
def _kept_page(form: _Form, turn: Turn | None, blanks: tuple[Clause, ...], counted: bool) -> Hot:
    return Hot(_page(form, turn, blanks, counted=counted))


@lru_cache(maxsize=512)
def _kept_total(form: _Form, blanks: tuple[Clause, ...]) -> Hot:
    return Hot(_total(form, blanks))


@lru_cache(maxsize=512)
def _frame(form: _Form) -> _Frame:
    candidates = _candidates(form)
    subject = Subject(candidates.c, form.types)
    keys = _keys(form.sort, subject)
    r = _current(candidates, form)
    there = candidates.join(r, true())
    found = select(*r.c, *(k.column for k in keys[:-1])).select_from(there)
    forth = found.order_by(*ordering(keys, back=False)).limit(_LIMIT)
    back = found.order_by(*ordering(keys, back=True)).limit(_LIMIT)
    counted = select(func.count()).select_from(there) if form.narrowed else _counted(candidates, form)
    return _Frame(subject, keys, forth, back, counted)


def _counted(candidates: Subquery, form: _Form) -> Select[Any]:
    """How many there are. What the access index settles need not be looked up to be counted."""
    r = _current(candidates, form, ~candidates.c.settled)
    there = candidates.outerjoin(r, true())
    return select(func.count()).select_from(there).where(or_(candidates.c.settled, r.c.id.is_not(None)))


def _values(search: Search, org: UUID) -> dict[str, Any]:
    """What stands for the binds of a form."""
    inside = search.within or Within(org)
    values: dict[str, Any] = {"org": org, "student": inside.student}
    if inside.about is not None:
        values["about"] = inside.about
    if inside.during is not None:
        values["since"], values["until"] = inside.during
    return values


def _current(found: Subquery, form: _Form, *conditions: ColumnElement[bool]) -> Any:
    """The columns of Stored of the current, visible resources that a subquery names by shard and id."""
    r = resource.alias()
    there = and_(r.c.shard == found.c.shard, r.c.id == found.c.id, visible(r.c), *conditions)
    if form.held:
        there = and_(there, r.c.custodian == any_(_HELD))
    if form.during:
        about = r.c.clinical.op("&&")(_DURING)
        there = and_(there, or_(r.c.clinical.is_(None), func.isempty(r.c.clinical), about))
    if form.about:
        focus = resource.alias("focus")
        named = select(func.unnest(focus.c.refs)).where(
            focus.c.shard == _STUDENT, focus.c.id == _ABOUT, visible(focus.c)
        )
        there = and_(there, or_(r.c.id == _ABOUT, any_(r.c.refs) == _ABOUT, r.c.id.in_(named)))
    # LIMIT keeps the planner from reading `resource` as a whole, where it would check each row of everyone.
    return select(*(r.c[name] for name in Stored._fields)).where(there).limit(1).lateral("r")


def _candidates(form: _Form) -> Subquery:
    """Shard, id, type, updated and place of the resources of some types that the organization might see.

    `place` is when they were updated; as of a moment, when they had been updated then. `settled`: it does see them.
    """
    parts: list[Select[Any]] = []
    held = [t for t in form.types if TYPES[t].reach is not Reach.DIRECTORY]
    if held or form.within:
        a = open_access.alias("a")
        ours = and_(a.c.org == _ORG, one_of(a.c.type, held))
        ours = and_(ours, a.c.shard == _STUDENT) if form.within else ours
        parts += _placed(a, a.c.settled, ours, as_of=form.as_of)
    if listed := [t for t in form.types if TYPES[t].reach is Reach.DIRECTORY and not form.within]:
        d = resource.alias("d")
        parts += _placed(d, true(), and_(visible(d.c), d.c.directory, one_of(d.c.type, listed)), as_of=form.as_of)
    return (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("candidate")


def _placed(table: Any, settled: ColumnElement[bool], wanted: ColumnElement[bool], *, as_of: bool) -> list[Select[Any]]:
    """The candidates in a table at their places; as of a moment, those apart that have been updated since.

    What is new since has no place: it is left to the next walk.
    """
    c = table.c
    columns = (c.shard, c.id, c.type, c.updated, settled.label("settled"))
    still = select(*columns, c.updated.label("place")).where(wanted)
    if not as_of:
        return [still]
    v = resource.alias("v")
    then = and_(v.c.shard == c.shard, v.c.id == c.id, v.c.updated <= _AS_OF)
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
    there = and_(r.c.shard == a.c.shard, r.c.id == a.c.id, visible(r.c), r.c.student == _STUDENT)
    return select(literal(1)).select_from(a.join(r, there)).where(a.c.shard == _STUDENT, a.c.org == _ORG).limit(1)


_REACHES = Hot(_reaches())
