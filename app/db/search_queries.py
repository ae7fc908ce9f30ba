"""Search -> SQLAlchemy statement. https://hl7.org/fhir/R4/search.html

The candidates come from several sources (app/db/candidates.py), each in the order of the page and read no further
than the page goes; the criteria are asked of the search index; and each row that is left is read through `resource`,
where row-level security decides with the whole rule. So cost follows what is on the page.

What searches of one form have in common is made once (`_page`, `_total`), where only codes tell them apart: building a
statement takes longer than running it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, literal, select, true, union
from sqlalchemy.dialects.postgresql import distinct_on

from app.db import counting
from app.db.bodies import MOST_BYTES, UNBOUNDED, bounded
from app.db.candidates import ABOUT, AS_OF, DURING, LIMIT, ORG, STUDENT, STUDENTS, TYPES_BIND, Form, Source, sources
from app.db.driver import PreparedQuery, Statement
from app.db.match import names_student, visible
from app.db.placeholders import with_placeholders
from app.db.rows import Stored
from app.db.seek import Key, Seek, beyond, ordering, placed
from app.db.tables import resource
from app.resources import TYPES, Visibility
from app.search.cursor import Cursor
from app.search.query import Clause, Criterion, Search, TokenValue, Within


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
    held: bool = False,
    counted: bool = False,
    emergency: bool = False,
    most_bytes: int = UNBOUNDED,
) -> BoundStatement:
    """One more than `limit` matches from a cursor on: the columns of Stored, then `sort_0` and so on for `cursor_at`.

    Before a cursor that points back they come in reverse order, the nearest to it first. `held`: only what is in
    the caller's custody. `counted`: with what `total` would answer in each row, as `total`. `emergency`: also what a
    broken glass opens. `most_bytes`: the bodies that begin beyond so many bytes are left in the database, and None.
    """
    values = _values(search, caller_org) | {LIMIT.key: limit + 1, MOST_BYTES.key: most_bytes}
    as_of = after.as_of if after is not None else None
    if as_of is not None:
        values[AS_OF.key] = as_of
    if after is not None:
        values |= placed(after)
    shape = _form(search, held=held, as_of=as_of is not None, emergency=emergency)
    seek = Seek.at(after) if after is not None else None
    if (same := with_placeholders(search.criteria)) is None:
        return BoundStatement(_page(shape, seek, search.criteria, counted=counted), values)
    return BoundStatement(_kept_page(shape, seek, same[0], counted), values | same[1])


def prepared(search: Search, caller_org: UUID, after: Cursor | None, limit: int, **how: Any) -> BoundStatement:
    """As `page`, written out for the driver already: for who does that off the event loop."""
    return _written(page(search, caller_org, after, limit, **how))


def prepared_total(search: Search, caller_org: UUID, *, emergency: bool = False) -> BoundStatement:
    """As `total`, written out for the driver already."""
    return _written(total(search, caller_org, emergency=emergency))


def _written(found: BoundStatement) -> BoundStatement:
    statement, values = found
    if isinstance(statement, PreparedQuery):
        return found
    written = PreparedQuery(statement)
    # A list whose length its values decide is written out by SQLAlchemy when it is run.
    return found if "[POSTCOMPILE_" in written.sql else BoundStatement(written, values)


def total(search: Search, caller_org: UUID, *, emergency: bool = False) -> BoundStatement:
    """The number of matches that the caller may see."""
    shape = _form(search, emergency=emergency)
    values = _values(search, caller_org)
    if (same := with_placeholders(search.criteria)) is None:
        return BoundStatement(counting.total(shape, search.criteria), values)
    return BoundStatement(_kept_total(shape, same[0]), values | same[1])


def plans(search: Search) -> str:
    """PostgreSQL's plan_cache_mode for `page` and `total`.

    Where to begin, at what the caller might see or at a term, hangs on the terms asked for; a plan made for any would
    begin at the term, and read those of everyone. Without criteria there is one way, and it need not be found anew; by
    an identifier or an id alone as well. What is about one student begins at that student's compartment.
    """
    if not search.criteria:
        return "force_generic_plan"
    if any(names_student(c, search.types) for c in search.criteria) and with_placeholders(search.criteria) is not None:
        return "force_generic_plan"
    named = len(search.criteria) == 1 and _names_one(search.criteria[0])
    return "force_generic_plan" if named else "force_custom_plan"


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


def reaches(student: UUID) -> BoundStatement:
    """A row, if the caller sees anything in a student's compartment."""
    return BoundStatement(_REACHES, {"student": student})


def _form(search: Search, *, held: bool = False, as_of: bool = False, emergency: bool = False) -> Form:
    inside = search.within
    return Form(
        types=search.types,
        sort=search.sort,
        within=inside is not None,
        merged=inside is not None and bool(inside.others),
        about=inside is not None and inside.about is not None,
        during=inside is not None and inside.during is not None,
        held=held,
        as_of=as_of,
        emergency=emergency,
    )


def _page(shape: Form, seek: Seek | None, criteria: tuple[Clause, ...], *, counted: bool) -> Select[Any]:
    back = seek is not None and seek.back
    parts = [_part(source, shape, seek, criteria, back=back) for source in sources(shape)]
    named = (union(*parts) if len(parts) > 1 else parts[0]).subquery("named")
    keys = _keys(named, sources(shape)[0].keys(shape.sort))
    first = select(*named.c).order_by(*ordering(keys, back=back)).limit(LIMIT).subquery("candidate")
    row = _current(first)
    order = ordering(_keys(first, keys), back=back)
    columns = [bounded(c, order, MOST_BYTES) if c.name == "body" else c for c in row.c]
    found = select(*columns, *(first.c[f"sort_{n}"] for n in range(len(keys) - 1))).select_from(first.join(row, true()))
    if counted:
        number = counting.total(replace(shape, held=False, as_of=False), criteria)
        found = found.add_columns(number.correlate(None).scalar_subquery().label("total"))
    return found.order_by(*order)


def _part(source: Source, shape: Form, seek: Seek | None, criteria: tuple[Clause, ...], *, back: bool) -> Select[Any]:
    """Of one source as many as the page has, in its order."""
    keys = source.keys(shape.sort)
    columns = [k.column.label(f"sort_{n}") for n, k in enumerate(keys[:-1])]
    found = source.select(*columns, criteria=criteria).subquery("k")
    here = _keys(found, keys)
    part = select(*found.c).order_by(*ordering(here, back=back)).limit(LIMIT)
    if source.repeats:
        part = part.ext(distinct_on(*(k.column for k in here)))
    if seek is not None:
        part = part.where(beyond(here, seek))
    each = part.lateral("each")
    return select(*each.c).select_from(source.over.join(each, true()) if source.over is not None else each)


def _keys(found: Subquery, keys: list[Key]) -> list[Key]:
    """The columns of the order in a subquery that has them as sort_0 and so on; the id last."""
    named = [replace(k, column=found.c[f"sort_{n}"]) for n, k in enumerate(keys[:-1])]
    return [*named, replace(keys[-1], column=found.c.id)]


@lru_cache(maxsize=512)
def _kept_page(shape: Form, seek: Seek | None, blanks: tuple[Clause, ...], counted: bool) -> PreparedQuery:
    return PreparedQuery(_page(shape, seek, blanks, counted=counted))


@lru_cache(maxsize=512)
def _kept_total(shape: Form, blanks: tuple[Clause, ...]) -> PreparedQuery:
    return PreparedQuery(counting.total(shape, blanks))


def _values(search: Search, org: UUID) -> dict[str, Any]:
    """What stands for the binds of a form."""
    inside = search.within or Within(org)
    held = [t for t in search.types if TYPES[t].visibility is not Visibility.DIRECTORY]
    values: dict[str, Any] = {ORG.key: org, STUDENT.key: inside.student, TYPES_BIND.key: held}
    if inside.others:
        values[STUDENTS.key] = [inside.student, *inside.others]
    if inside.about is not None:
        values[ABOUT.key] = inside.about
    if inside.during is not None:
        values |= dict(zip((b.key for b in DURING), inside.during, strict=True))
    return values


def _current(found: Subquery) -> Any:
    """The columns of Stored of the current, visible resources that a subquery names by compartment and id."""
    r = resource.alias()
    there = (r.c.compartment == found.c.compartment, r.c.id == found.c.id, visible(r.c))
    # LIMIT keeps the planner from reading `resource` as a whole, where it would check each row of everyone.
    return select(*(r.c[name] for name in Stored._fields)).where(*there).limit(1).lateral("r")


def _reaches() -> Select[Any]:
    r = resource.alias("r")
    here: tuple[ColumnElement[bool], ...] = (r.c.compartment == STUDENT, visible(r.c), r.c.student == STUDENT)
    return select(literal(1)).where(*here).limit(1)


_REACHES = PreparedQuery(_reaches())
